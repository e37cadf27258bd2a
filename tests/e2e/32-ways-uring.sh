#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: sockets that were made, or sent by, in an io_uring, with descriptors and without, are judged by
# their holders as any other.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

setup_ways
every_form uring
none_wrong
