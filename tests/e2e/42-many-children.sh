#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: 10,000 children that share 1,000 sockets with their parent: ten million descriptors to look at.
# Nobody else's traffic is judged wrong or waits long for it, and the crowded sockets' packets count as
# unknown.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

CHILDREN=10000
SOCKETS=1000
PATIENCE_MS=2000
RSS_GROWTH_KB=${SAN:+10}32768

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}

# others_judged TAG: a blocked program's and an allowed one's traffic, and how long it takes.
others_judged() {
	local began=${EPOCHREALTIME/[.,]/} took
	expect_ok on client "$TMP/good" -w 10000 $SERVER4 7001 "good-$1"
	took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	expect_that $took -le $PATIENCE_MS "ms for a connection and an answer"
	expect_ok on client "$TMP/good" -u -w 2000 $SERVER4 7001 "good-$1"
	expect_fail on client "$TMP/evil" -w 200 $SERVER4 7002 "evil-$1"
	expect_fail on client "$TMP/evil" -u -w 200 $SERVER4 7002 "evil-$1"
	! received "evil-$1" || fail "a blocked program's packet arrived"
}

# Processes are limited: what there is room for, with some left for everybody else.
tasks=$(cut -d' ' -f4 /proc/loadavg)
room=$(($(</proc/sys/kernel/pid_max) - ${tasks#*/} - 2000))
CHILDREN=$((CHILDREN < room ? CHILDREN : room))
((CHILDREN >= 1000)) || skip "there is room for $room processes only"

setup_net
receive server 7001 7002
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
copy_program "$HELPERS/crowd" many
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
others_judged before
rss=$(rss_kb)
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"

step "$CHILDREN children share $SOCKETS sockets"
mkfifo "$TMP/many.in"
STDIN=$TMP/many.in spawn client many "$TMP/many" -s -n 10 -w 3000 $CHILDREN $SOCKETS u $SERVER4 7001
many=$SPAWNED
others_judged meanwhile
WAIT_S=40 wait_for grep -qx crowded "$TMP/many.log"
others_judged crowded

step "the crowd speaks"
unknown=$(counter unknown)
echo "all crowd" >"$TMP/many.in"
others_judged speaking
WAIT_S=40 wait_for grep -q '^said crowd:' "$TMP/many.log"
grep '^said' "$TMP/many.log"
wait_for settled
expect_that $(($(counter unknown) - unknown)) -ge 10 "packets of unknown origin"
daemon_alive
expect_that $(($(rss_kb) - rss)) -le "$RSS_GROWTH_KB" "growth of the daemon's resident memory in kB"

step "and when they are gone"
halt "$many"
WAIT_S=30 wait_for gone "$many"
unknown=$(counter unknown)
others_judged after
wait_for settled
expect_that "$(counter unknown)" -eq "$unknown" "packets of unknown origin"
