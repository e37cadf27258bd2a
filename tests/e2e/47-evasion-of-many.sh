#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: among so many signatures that contents are looked for in another way (fw/sig_literals.h), all that 74 says holds.
# timeout: 180
FILLERS=600
# shellcheck source=tests/e2e/74-evasion.sh
. "$(dirname "$0")/74-evasion.sh"
