#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: with nothing to do the daemon uses less than 0.2 % of a CPU and less than 30 MB, after it had work; and programs that
# it knows start without it, unless rules ask what they were started with.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

WINDOW_S=3
WINDOWS=4 # the daemon works when anything on this machine does: the quietest one counts

# How often its threads have gone to sleep.
sleeps() {
	awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }' /proc/"$DAEMON"/task/*/status
}

# start_programs N: one after the other.
start_programs() {
	local i
	for ((i = 0; i < $1; i++)); do "$TMP/known"; done
}

setup_net
serve_http server 8080
divert client
start_daemon client
for i in 1 2 3; do
	expect_passes "work$i" 8080 curl_get client $SERVER4
done
wait_for settled

least=100000
for ((i = 0; i < WINDOWS && least >= 200; i++)); do
	used=$(usage $WINDOW_S)
	echo "window $i: $used/100000"
	least=$((used < least ? used : least))
done
expect_that "$least" -lt 200 "CPU time, 1/100000 of one CPU"

rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
expect_that "$rss" -lt 30000 "resident memory in kB"

# Enough that what is told of them has no room, if nobody reads it; few enough that it is read a few times only.
copy_program /bin/true known
start_programs 1
wait_for settled
before=$(sleeps)
start_programs 600
woken=$(($(sleeps) - before))
expect_that "$woken" -lt 100 "wakeups of the daemon while 600 programs started"
expect_that "$(counter hints_lost)" -eq 0 "of these lost"

# What a script is can be seen as it starts, and not later.
expect_ok ctl -A -c OUTPUT -v DROP --script "$(digest curl)"
before=$(sleeps)
start_programs 200
expect_that "$(($(sleeps) - before))" -ge 150 "wakeups while 200 started, with a rule on scripts"
