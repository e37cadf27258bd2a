#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a socket that goes from one program to another (exec, inheritance, SCM_RIGHTS, pidfd_getfd) is judged by
# those who hold it at that moment: one evil holder is enough to drop, and all must be good to pass.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

setup_ways
every_form pair
none_wrong
