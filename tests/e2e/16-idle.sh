#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: with nothing to do the daemon uses less than 1 % of a CPU and less than 30 MB, after it had work.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

WINDOW_S=3
WINDOWS=4 # the daemon works when anything on this machine does: the quietest one counts

ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$DAEMON/stat"
}

# CPU time that it uses in one window, in parts per thousand. To measure an interval takes the interval.
usage() {
	local before began after spent
	before=$(ticks) began=${EPOCHREALTIME/[.,]/}
	sleep $WINDOW_S
	after=$(ticks) spent=$((${EPOCHREALTIME/[.,]/} - began))
	echo $(((after - before) * 1000000000 / ($(getconf CLK_TCK) * spent)))
}

setup_net
serve_http server 8080
divert client
start_daemon client
for i in 1 2 3; do
	expect_passes "work$i" 8080 curl_get client $SERVER4
done
wait_for settled

least=1000
for ((i = 0; i < WINDOWS && least >= 10; i++)); do
	used=$(usage)
	echo "window $i: $used/1000"
	least=$((used < least ? used : least))
done
expect_that "$least" -lt 10 "CPU time, thousandths of one CPU"

rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
expect_that "$rss" -lt 30000 "resident memory in kB"
