#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what a packet may do in the kernel, and does not because a rule of the host takes it away before ours is asked,
# the next packet of its socket may not do in its place: one to a port that is denied does not pass. Nor does a packet of
# another socket take what is left for it away, as long as it might only be late: that one is judged by the daemon.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

TIMES=500
LONG=1000 # bytes of what the host's rule takes away
CPU=$(awk '/^processor/ { n = $3 } END { print n }' /proc/cpuinfo)

# ADDR TIMES LONG: so many sockets, which each send to the open port, the same once more, but long, and to the denied port.
cat >"$TMP/send.py" <<-'END'
	import socket, sys
	addr, times, long = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	lost = 0
	def send(s, line, port):
	    global lost
	    try:
	        s.sendto(line, (addr, port))
	    except PermissionError: # what the filter table drops at once is told
	        lost += 1
	for i in range(times):
	    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
	        send(s, b"short\n", 7001)
	        send(s, b"long" + b"." * long + b"\n", 7001)
	        send(s, b"denied\n", 7002)
	print(lost)
END

# ADDR TIMES LONG CPU apart|same: two sockets that have sent before. So many times, one sends what the host's rule takes away, and
# the other at once what passes. same: the kernel keeps what it says of both in one place, for they are made so many apart.
cat >"$TMP/two.py" <<-'END'
	import os, socket, struct, sys, time
	addr, times, long, cpu, which = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
	os.sched_setaffinity(0, {cpu})
	def place(s):
	    return struct.unpack("Q", s.getsockopt(socket.SOL_SOCKET, 57, 8))[0] % 1024 # SO_COOKIE
	def new():
	    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	def send(s, line):
	    try:
	        s.sendto(line, (addr, 7001))
	    except PermissionError:
	        pass
	first, second = new(), new()
	while (place(first) == place(second)) != (which == "same"):
	    second.close()
	    second = new()
	for i in range(times + 3):
	    if i >= 3:
	        send(first, b"long" + b"." * long + b"\n")
	        send(second, b"second\n")
	    else: # each is judged
	        send(first, b"warm\n")
	        send(second, b"warm\n")
	    time.sleep(0.05)
END

lines() {
	grep -c "udp $1" "$TMP/receive.log" || true
}

all_arrived() {
	[[ $(lines "7001 short") -eq $1 ]]
}

seconds() {
	[[ $(lines "7001 second") -eq $1 ]]
}

# queued_of WHICH BEFORE: how many packets of 20 attempts came to the daemon; BEFORE of the second's arrived before.
queued_of() {
	local queued
	queued=$(counter queued)
	on client /usr/bin/python3 "$TMP/two.py" $SERVER4 20 $LONG "$CPU" "$1"
	wait_for seconds $(($2 + 20))
	wait_for settled
	echo $(($(counter queued) - queued))
}

setup_net
receive server -a an-answer 7001 7002
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7002
hook client
on client iptables -I OUTPUT 1 -p udp --dport 7001 -m length --length $LONG: -j DROP

on client /usr/bin/python3 "$TMP/send.py" $SERVER4 2 $LONG >/dev/null
wait_for all_arrived 2
passed=$(counter cache_accepted)
expect_that "$(on client /usr/bin/python3 "$TMP/send.py" $SERVER4 $TIMES $LONG)" -ge $TIMES "packets that were taken away at once"
wait_for all_arrived $((TIMES + 2))
wait_for settled
expect_that "$(($(counter cache_accepted) - passed))" -gt $((TIMES * 4 / 5)) "packets that passed in the kernel"
expect_that "$(on client iptables -vxnL OUTPUT 1 | awk '{ print $1 }')" -eq $((TIMES + 2)) "packets that the host's rule took away"
expect_that "$(lines "7002")" -eq 0 "packets to the denied port that arrived"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"

step "another socket's packet that comes while one has not been asked for"
APART=$(queued_of apart 0)
expect_that "$APART" -le 8 "packets that were queued, of sockets that are kept apart"
UNNOTED=$(counter sock_lookup)
expect_that "$(queued_of same 20)" -ge $((APART + 10)) "the same, of two in one place: the later is judged by the daemon"
expect_that "$(counter sock_lookup)" -eq "$UNNOTED" "packets whose note was not found, as before"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
