#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: once it knows who sends, a packet costs the daemon no allocation, and no system call but to receive and to answer.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PACKETS=20000

allocations() {
	od -An -t u8 "$TMP/allocs" | tr -d ' '
}

# A process that sends as it is told: a line "N" is N datagrams, of one socket. It says "sent" after them.
sender() {
	cat >"$TMP/sender.py" <<-END
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for line in sys.stdin:
		    for i in range(int(line)):
		        s.sendto(b"x" * 64, ("$SERVER4", 7003))
		    print("sent", line.strip(), flush=True)
	END
	mkfifo "$TMP/orders"
	exec 9<>"$TMP/orders"
	STDIN=$TMP/orders spawn client sender /usr/bin/python3 -u "$TMP/sender.py"
}

came() {
	[[ $(seen_by_rule server warm) -ge $1 ]]
}

# send N: and all have come. The daemon is asked for nothing meanwhile.
sent=0
send() {
	sent=$((sent + $1))
	echo "$1" >&9
	wait_for grep -qx "sent $1" "$TMP/sender.log"
	wait_for came $sent
}

setup_net
count_rule server -p udp --dport 7003 -m comment --comment warm
divert client
ALLOCS=$TMP/allocs LD_PRELOAD=$PWD/$HELPERS/allocs.so start_daemon client -b 50 -B 50
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)"
expect_ok ctl -A -c OUTPUT -v DROP -p udp -d $SERVER4 --dport 7004
expect_that "$(allocations)" -gt 0 "allocations since the start"
sender
send 1000

step "allocations of $PACKETS packets"
before=$(allocations)
send $PACKETS
# What it does every two seconds allocates a little.
expect_that $(($(allocations) - before)) -lt 100 "allocations of the thread that judges"

step "system calls of as many"
watched "" send $((PACKETS + 1))
# calls NAME...: how often these were made; with -v, how often all others were.
calls() {
	local others=
	[[ $1 != -v ]] || { others=1; shift; }
	awk -v names=" $* " -v others=$others '$4 ~ /^[0-9]+$/ && $NF != "total" && (index(names, " " $NF " ") > 0) != (others == 1) {
		n += $4 } END { print n + 0 }' "$TMP/calls"
}

expect_that "$(calls recvmmsg)" -gt 0 "receive calls"
expect_that "$(calls sendto)" -gt 0 "calls that answer"
expect_that "$(calls recvmmsg sendto ppoll)" -le $((3 * PACKETS)) "calls of the loop"
# Once in a while it looks through the processes on record.
expect_that "$(calls bpf)" -lt $((PACKETS / 10)) "calls of bpf(2)"
# Before it waits, if at all.
expect_that "$(calls sched_yield)" -le "$(calls ppoll)" "pauses"
expect_that "$(calls -v recvmmsg sendto ppoll sched_yield bpf)" -lt 100 "other calls"
daemon_alive
