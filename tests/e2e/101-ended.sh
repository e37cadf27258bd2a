#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what is kept of a process goes when that has ended, whatever their number, and also where so many end at once that
# they are not all listed; and processes that live cost nothing while they do nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

LIVES=600
LISTED=$(awk '$2 == "ABI_EXITS" { print $3 }' common/probe_abi.h)
WINDOW_S=5   # in which it looks for what has ended twice or three times

processes() {
	ctl status --json | jq .processes
}

# known CMP N: so the number of processes that the daemon knows compares to N.
known() {
	local n
	n=$(processes)
	echo "$n processes" >>"$TMP/known.log"
	test "$n" "$1" "$2"
}

# known_later CMP N: in a second. To ask takes processes too, which end.
known_later() {
	sleep 1
	known "$@"
}

# expect_quiet: in one of a few windows there is no call for each process, as programs of this machine end in others.
expect_quiet() {
	local i calls=$LIVES
	for ((i = 0; i < 4 && calls >= LIVES / 2; i++)); do
		watched "-f -e trace=bpf" sleep $WINDOW_S
		calls=$(calls_of bpf)
		echo "window $i: $calls calls"
	done
	expect_that "$calls" -gt 0 "calls of bpf(2) while nothing happens"
	expect_that "$calls" -lt $((LIVES / 2)) "calls of bpf(2) while nothing happens"
}

# end_programs N: so many processes are forked, and end.
end_programs() {
	python3 -c 'import os, sys
for i in range(int(sys.argv[1])):
	if not os.fork():
		os._exit(0)
	os.wait()' "$1"
}

setup_net
count_rule server -p udp --dport 7002 -m comment --comment army
divert client
start_daemon client
curl_get client $SERVER4 >/dev/null 2>&1 || true
wait_for settled
copy_program "$HELPERS/army" one
known_before=$(processes)

step "$LIVES processes that have sent, and live"
mkfifo "$TMP/army.in"
STDIN=$TMP/army.in spawn client army "$HELPERS/army" -s $LIVES $SERVER4 7002 army "$TMP/one"
army=$SPAWNED
WAIT_S=60 wait_for grep -qx sent "$TMP/army.log"
WAIT_S=30 wait_for settled
expect_ok known -ge $LIVES
expect_quiet

step "more than are listed end while the daemon stands still"
expect_that "${LISTED:-0}" -gt 1000 "that are listed at most"
kill -STOP "$DAEMON"
end_programs $((LISTED + 1000))
kill -CONT "$DAEMON"
WAIT_S=20 wait_for known_later -lt $((known_before + LIVES + 100))
expect_ok known -ge $LIVES
expect_quiet

step "those who lived end"
halt "$army"
WAIT_S=20 wait_for known_later -lt $((known_before + 100))
daemon_alive
