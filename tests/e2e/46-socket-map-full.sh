#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: 100,000 sockets of one program, more than there is room to record, harm neither the daemon nor
# anybody else: past the bound their origin is unknown, counted and reported, others are judged right
# all along, and when the sockets are gone all is as before.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SOCKETS=100000
BOUND=65536 # ABI_SOCKS
RSS_GROWTH_KB=16384

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}

sockets_known() {
	ctl status --json | jq '.sockets'
}

# others_judged TAG: a blocked program's and an allowed one's traffic, of TCP and UDP.
others_judged() {
	local began=${EPOCHREALTIME/[.,]/}
	expect_ok on client "$TMP/good" -w 8000 $SERVER4 7001 "good-$1"
	expect_ok on client "$TMP/good" -w 8000 -u $SERVER4 7001 "good-$1"
	echo "the allowed ones took $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
	expect_fail on client "$TMP/evil" -w 3000 $SERVER4 7002 "evil-$1"
	expect_fail on client "$TMP/evil" -u -w 3000 $SERVER4 7002 "evil-$1"
	wait_for settled
	! received "evil-$1" || fail "a blocked program's packet arrived"
}

few_sockets() {
	[[ $(sockets_known) -lt $((at_first + 1000)) ]]
}

# Descriptors are limited: as many processes as it takes, with as many sockets each.
limit=$(ulimit -Hn)
[[ $limit != unlimited ]] || limit=1048576
ulimit -n "$limit"
each=$((SOCKETS < limit - 100 ? SOCKETS : limit - 100))
processes=$(((SOCKETS + each - 1) / each))
each=$(((SOCKETS + processes - 1) / processes))

setup_net
receive server 7001 7002
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
copy_program "$HELPERS/crowd" many
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
others_judged before
at_first=$(sockets_known) rss=$(rss_kb)
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"

step "$SOCKETS sockets: $processes processes with $each each (limit on descriptors: $limit)"
mkfifo "$TMP/many.in"
STDIN=$TMP/many.in spawn client many "$TMP/many" -n 4 $processes $each ds $SERVER4 7001
many=$SPAWNED

WAIT_S=30 wait_for grep -qx crowded "$TMP/many.log"
daemon_alive
expect_that "$(sockets_known)" -le $BOUND "sockets on record"
expect_that "$(sockets_known)" -gt $((BOUND * 9 / 10)) "sockets on record"
wait_for eval 'ctl status --json | jq -e ".state == \"degraded\""'
expect_line "sockets did not fit the map" ctl status

step "past the bound: unknown"
echo "all crowd" >"$TMP/many.in"
WAIT_S=20 wait_for grep -q '^said crowd:' "$TMP/many.log"
cat "$TMP/many.log"
ctl stats --json | jq -c .counters
echo "RSS grew $(($(rss_kb) - rss)) kB"
others_judged during
expect_that $(($(rss_kb) - rss)) -le $RSS_GROWTH_KB "growth of the daemon's resident memory in kB"

step "and when they are gone"
halt "$many"
wait_for few_sockets
others_judged after
daemon_alive
expect_that $(($(rss_kb) - rss)) -le $RSS_GROWTH_KB "growth of the daemon's resident memory in kB"
