#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: 100,000 sockets of one program, more than there is room to record, harm neither the daemon nor
# anybody else: its memory stays within bounds, past the bound origin is unknown, counted and reported as
# degraded, others are judged right all along, and when the sockets are gone all is as before. Those that are gone take
# no room from others, though nobody asks how many there are.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/crowd.sh
. $SCRIPTS/crowd.sh

SOCKETS=100000
BOUND=81920 # ABI_SOCKS and ABI_PLACES
RSS_GROWTH_KB=${SAN:+10}16384

sockets_known() {
	ctl status --json | jq '.sockets'
}

is_degraded() {
	ctl status --json | jq -e '.state == "degraded"'
}

few_sockets() {
	[[ $(sockets_known) -lt $((at_first + 1000)) ]]
}

# Descriptors are limited: as many processes as it takes, with as many sockets each.
limit=$(ulimit -Hn)
[[ $limit != unlimited ]] || limit=1048576
ulimit -n "$limit"
most=$((limit - 100))

# processes_for SOCKETS: how many it takes; then so many sockets each.
processes_for() {
	processes=$((($1 + most - 1) / most))
	each=$((($1 + processes - 1) / processes))
}

setup_crowd
others_judged before
at_first=$(sockets_known) rss=$(rss_kb)
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"

step "120,000 sockets that come and go while others have all places"
processes_for 20000
crowd -n 4 $processes $each ds $SERVER4 7001
many=$SPAWNED
WAIT_S=$((30 * SLOW)) wait_for grep -qx crowded "$TMP/many.log"
on client python3 - <<-'END'
	import socket
	for _ in range(120000):
	    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
END
expect_that "$(counter sockets_lost)" -eq 0 "sockets that did not fit"
halt "$many"
wait_for few_sockets

step "300 sockets of 30 descriptors each, one after the other, of a program that forks"
UNPROVEN=$(counter notes_unproven)
on client python3 - <<-END
	import os, socket
	for i in range(300):
	    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
	        more = [s.dup() for _ in range(29)]
	        child = os.fork()
	        if not child:
	            os._exit(0)
	        os.waitpid(child, 0)
	        s.sendto(f"dup-{i}.\n".encode(), ("$SERVER4", 7001))
	        for other in more:
	            other.close()
END
wait_for received "dup-299."
expect_that $(($(counter notes_unproven) - UNPROVEN)) -lt 50 "packets whose holders were not proven as they were sent"

processes_for $SOCKETS
step "$SOCKETS sockets: $processes processes with $each each (limit on descriptors: $limit)"
crowd -n 4 $processes $each ds $SERVER4 7001
many=$SPAWNED
others_judged meanwhile
WAIT_S=$((30 * SLOW)) wait_for grep -qx crowded "$TMP/many.log"
daemon_alive
expect_that "$(sockets_known)" -le $BOUND "sockets on record"
expect_that "$(sockets_known)" -gt $((BOUND * 9 / 10)) "sockets on record"
wait_for is_degraded
expect_line "sockets did not fit the map" ctl status

step "past the bound: unknown"
unknown=$(counter unknown)
echo "all crowd" >"$TMP/many.in"
WAIT_S=20 wait_for grep -q '^said crowd:' "$TMP/many.log"
grep '^said crowd:' "$TMP/many.log"
wait_for settled
expect_that "$(counter unknown)" -gt "$unknown" "packets of unknown origin"
others_judged during
expect_that $(($(rss_kb) - rss)) -le "$RSS_GROWTH_KB" "growth of the daemon's resident memory in kB"

step "and when they are gone"
halt "$many"
wait_for few_sockets
unknown=$(counter unknown)
others_judged after
expect_that "$(counter unknown)" -eq "$unknown" "packets of unknown origin"
daemon_alive
expect_that $(($(rss_kb) - rss)) -le "$RSS_GROWTH_KB" "growth of the daemon's resident memory in kB"
