#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: where a chain has several queues, each has a thread, all work at the same time, and judge as one does: whatever
# processor a packet was sent on, the first of a new program, of a way to hold a socket, of a stream that signatures read.
# timeout: 300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# With one processor there would be nothing on the second queue.
export QUEUES=2
(($(nproc) > 1)) || skip "there is one processor"

# Lines of NUMBER PACKETS: what each queue has had (proc(5) does not say: net/netfilter/nfnetlink_queue.c, seq_show).
packets_by_queue() {
	on client cat /proc/net/netfilter/nfnetlink_queue | awk '{ print $1, $8 }'
}

# switches: of each thread that serves queues, how often it has gone to sleep.
switches() {
	local thread
	for thread in $(queue_threads); do
		awk '/^voluntary/ { print $2 }' "/proc/$DAEMON/task/$thread/status"
	done
}

# counts_agree: what came to the queues is what the daemon has counted; as of now in $TMP/queues.
counts_agree() {
	packets_by_queue >"$TMP/queues"
	[[ $(awk '{ n += $2 } END { print n }' "$TMP/queues") -eq $(counter queued) ]]
}

traffic() {
	spawn client "$1" taskset -c "$2" wrk -t 1 -c 4 -d 2s -H 'Connection: close' "$(url $SERVER4 8081 /)"
	TRAFFIC+=("$SPAWNED")
}

setup_net
serve_nginx server 8081
divert client
start_daemon client
[[ $(ctl status --json | jq '.queues | length') -eq $((2 * QUEUES + 1)) ]] || fail "not all queues are there"
copy_program "$(command -v curl)" evil
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok curl_get client $SERVER4 8081 /

step "all threads work"
mapfile -t before < <(switches)
expect_that "${#before[@]}" -eq $QUEUES "threads"
TRAFFIC=()
traffic first 0
traffic second 1
for ((i = 0; i < 20; i++)); do
	# Each change finds the threads at work.
	expect_ok ctl -I 0 -c OUTPUT -v DROP -d 192.0.2.1
	expect_ok ctl -D 0 -c OUTPUT
	status=0
	on client taskset -c $((i % 2)) "$TMP/evil" -s -m 0.2 "$(url $SERVER4 8081 /)" || status=$?
	[[ $status -eq 28 || $status -eq 7 ]] || fail "curl said $status, and not that nobody answers"
done
for pid in "${TRAFFIC[@]}"; do
	wait_for gone "$pid"
done
mapfile -t after < <(switches)
for i in "${!before[@]}"; do
	expect_that $((after[i] - before[i])) -ge 20 "turns of thread $i"
done
# Each is told by one answer of the daemon: connections that end late may still send.
wait_for counts_agree
cat "$TMP/queues"
wait_for settled
for chain in 0 1; do
	first=$(range $chain '-')
	for ((n = ${first%-*}; n <= ${first#*-}; n++)); do
		expect_that "$(awk -v n=$n '$1 == n { print $2 }' "$TMP/queues")" -ge 100 "packets of queue $n"
	done
done
daemon_alive
stop_daemon TERM

step "each is kept on a processor of its own, and what does other work on none"
may_use() {
	awk '/^Cpus_allowed_list:/ { print $2 }' "/proc/$DAEMON/task/$1/status"
}
ALL=$(awk '/^Cpus_allowed_list:/ { print $2 }' /proc/self/status)
start_daemon client --pin
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
for cpu in 0 1; do
	expect_fail on client taskset -c $cpu "$TMP/evil" -s -m 1 "$(url $SERVER4 8081 /)"
	expect_ok on client taskset -c $cpu curl -s -m 5 -o /dev/null "$(url $SERVER4 8081 /)"
done
mapfile -t threads < <(queue_threads)
kept=()
for thread in "${threads[@]}"; do
	kept+=("$(may_use "$thread")")
done
expect_that "$(printf '%s\n' "${kept[@]}" | grep -cx '[0-9]*')" -eq $QUEUES "threads that are on one processor: ${kept[*]}"
expect_that "$(printf '%s\n' "${kept[@]}" | sort -u | wc -l)" -eq $QUEUES "processors that they are on"
others=0
for thread in "/proc/$DAEMON/task"/*; do
	thread=${thread##*/}
	[[ " ${threads[*]} " != *" $thread "* ]] || continue
	# TSan starts threads with attributes of its own.
	[[ ${SAN:-} == tsan || $(may_use "$thread") == "$ALL" ]] || fail "a thread that serves no queue may use $(may_use "$thread"), not $ALL"
	((others += 1))
done
expect_that "$others" -ge 3 "threads that do other work"
stop_daemon TERM

# The same scenarios as with one thread.
for scenario in 35-first-seen 76-signatures-swapped 61; do
	step "$scenario"
	bash tests/e2e/"$scenario"*.sh >"$TMP/other.log" 2>&1 || { cat "$TMP/other.log"; fail "$scenario, with several queues"; }
done
