#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: with nothing to do the daemon uses less than 1 % of a CPU and less than 30 MB, after it had work.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

IDLE_S=4

ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$DAEMON/stat"
}

setup_net
serve_http server 8080
divert client
start_daemon client
for i in 1 2 3; do
	expect_passes "work$i" 8080 curl_get client $SERVER4
done
wait_for settled

# A measurement of an interval needs the interval.
before=$(ticks) began=${EPOCHREALTIME/[.,]/}
sleep $IDLE_S
after=$(ticks) spent=$((${EPOCHREALTIME/[.,]/} - began))
used=$(((after - before) * 1000000 / $(getconf CLK_TCK)))
expect_that "$used" -lt $((spent / 100)) "CPU time in µs, of $spent µs"

rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
expect_that "$rss" -lt 30000 "resident memory in kB"
