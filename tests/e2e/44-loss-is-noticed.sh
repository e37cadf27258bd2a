#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: packets that the kernel drops because the daemon did not read its queue are counted, to the last
# one; status says that it is degraded and why; what was queued meanwhile, by a blocked program as well,
# is judged right, though more packets came after it than there are notes for, and though nobody is left
# whom they could be asked of; and so is all that follows.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

COUNT=40000 # packets; the queue takes 4096, the notes 16384

# flood NAME PORT: the program NAME sends them, and stays.
flood() {
	mkfifo "$TMP/$1.in"
	STDIN=$TMP/$1.in spawn client "$1" "$TMP/$1" $COUNT $SERVER4 "$2"
	wait_for grep -qx "tried $COUNT" "$TMP/$1.log"
}

# burst N: N blocked programs at once, each of which is gone with its last packet.
burst() {
	local pids=() i
	for ((i = 0; i < $1; i++)); do
		on client "$TMP/evil-flood" $COUNT $SERVER4 13 </dev/null >/dev/null &
		pids+=($!)
	done
	expect_ok wait "${pids[@]}"
}

# overflows: of a burst some is lost, however fast the daemon is: it is sent again until that is so.
overflows() {
	burst 8
	poll 2 counts_more queue_dropped "$1"
}

# evil_is_stopped: to the last packet, behind which another passes, and none was of unknown origin.
evil_is_stopped() {
	wait_for on client "$TMP/good" -u -w 500 $SERVER4 7001 behind
	expect_that "$(seen_by_rule server evil-packets)" -eq 0 "blocked packets that arrived"
	expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
}

arrived() {
	seen_by_rule server flood-packets
}

# lost_reported: the tick of every few seconds has come past.
lost_reported() {
	[[ $(counter queue_dropped) -gt 0 ]]
}

# all_accounted: what was tried has arrived or is counted as lost.
all_accounted() {
	[[ $(($(arrived) + $(counter queue_dropped) + $(counter queue_user_dropped))) -ge $COUNT ]]
}

degraded() {
	ctl status --json | jq -e '.state == "degraded"'
}

setup_net
receive server 7001 7002
count_rule server -p udp --dport 9 -m comment --comment flood-packets
count_rule server -p udp --dport 13 -m comment --comment evil-packets
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
copy_program "$HELPERS/flood" good-flood
copy_program "$HELPERS/flood" evil-flood
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok on client "$TMP/good" -u $SERVER4 7001 before
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil-flood"
expect_fail on client "$TMP/evil" -u -w 200 $SERVER4 7002 before
expect_that "$(ctl status --json | jq '.degraded | length')" -eq 0 "reasons to be degraded at first"

step "$COUNT packets while the daemon stands still"
kill -STOP "$DAEMON"
flood good-flood 9
kill -CONT "$DAEMON"
wait_for lost_reported
wait_for settled
wait_for all_accounted

step "what arrived and what was lost is all there was"
came=$(arrived) lost=$(($(counter queue_dropped) + $(counter queue_user_dropped)))
echo "arrived $came, lost $lost, overflows $(counter queue_overflow)"
expect_that "$lost" -gt 0 "packets counted as lost"
expect_that "$came" -gt 0 "packets that arrived"
# Neighbour discovery and the like may have been lost beside them.
expect_that $((came + lost - COUNT)) -ge 0 "accounted for beyond the flood"
expect_that $((came + lost - COUNT)) -le 16 "accounted for beyond the flood"
expect_ok ctl stats --json
jq -e '.counters | .queued == .known + .kernel + .unknown and .queued == .accepted + .dropped + .rejected + .marked + .killed' "$TMP/out" >/dev/null ||
	fail "the counters do not add up: $(jq -c .counters "$TMP/out")"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
expect_ok degraded
expect_line "packets dropped by a full queue" ctl status

step "and it judges as before"
daemon_alive
expect_ok on client "$TMP/good" -u $SERVER4 7001 after
expect_fail on client "$TMP/evil" -u -w 200 $SERVER4 7002 after
! received "7002 after" || fail "a blocked packet arrived"

step "what a blocked program sends while the daemon stands still does not arrive either"
dropped=$(counter dropped) lost=$(counter queue_dropped)
kill -STOP "$DAEMON"
flood evil-flood 13
kill -CONT "$DAEMON"
wait_for counts_more queue_dropped "$lost"
wait_for counts_more dropped $((dropped + 3999)) # what the queue holds, less what else was in it
evil_is_stopped

step "nor if it is gone as they are judged"
dropped=$(counter dropped) lost=$(counter queue_dropped)
kill -STOP "$DAEMON"
burst 1
kill -CONT "$DAEMON"
wait_for counts_more queue_dropped "$lost"
wait_for counts_more dropped $((dropped + 3999))
evil_is_stopped

step "nor while the daemon reads what it can"
wait_for overflows "$(counter queue_dropped)"
evil_is_stopped

step "that it cannot look at what was lost is told as well"
expect_that "$(counter queue_unread)" -eq 0 "looks that failed, before"
limit=$(prlimit --pid "$DAEMON" --nofile --raw --noheadings -o SOFT)
# As many as it waits for, and no more than it has. So there is none for a client, who is asked for nothing meanwhile.
expect_ok prlimit --pid "$DAEMON" --nofile=24:
sleep 5 # it looks every two seconds
expect_ok prlimit --pid "$DAEMON" --nofile="$limit":
expect_that "$(counter queue_unread)" -gt 0 "looks that failed"
expect_line "looks at what the kernel says of a queue that failed" ctl status
evil_is_stopped

step "a daemon that cannot wait for packets any more ends"
expect_ok prlimit --pid "$DAEMON" --nofile=1:
on client "$TMP/good" -u -w 1 $SERVER4 7001 waking >/dev/null || true
wait_for gone "$DAEMON"
STATUS=0
wait "$DAEMON" || STATUS=$?
expect_that $STATUS -eq 1 "its status"
expect_that "$(grep -c 'waiting for .*: Invalid argument' "$TMP"/app-fw.*.log)" -eq 1 "lines that say why"
DAEMON=
