#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a blocked program that is one of a hundred holders of a socket, as in a server that forks, is found among
# them: nothing that is said by that socket arrives, and all holders are known.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

HOLDERS=100

setup_net
receive server 7001
copy_program "$HELPERS/crowd" good
copy_program "$HELPERS/crowd" evil
step "$HOLDERS processes share a socket; the last of them is a blocked program"
mkfifo "$TMP/good.in"
STDIN=$TMP/good.in spawn client good "$TMP/good" -s -x "$TMP/evil" -w 3000 $HOLDERS 1 u $SERVER4 7001
WAIT_S=20 wait_for grep -qx crowded "$TMP/good.log"

divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
for i in 1 2 3; do
	echo "all evil-$i" >"$TMP/good.in"
	wait_for grep -q "^said evil-$i" "$TMP/good.log"
done
cat "$TMP/good.log"
ctl stats --json | jq -c .counters
! received evil || fail "a blocked program's packet arrived"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
