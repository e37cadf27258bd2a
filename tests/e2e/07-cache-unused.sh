#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what a packet may do in the kernel, and does not because a rule of the host takes it away before ours is asked,
# the next packet of its socket may not do in its place: one to a port that is denied does not pass.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

TIMES=500
LONG=1000 # bytes of what the host's rule takes away

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

lines() {
	grep -c "udp $1" "$TMP/receive.log" || true
}

all_arrived() {
	[[ $(lines "7001 short") -eq $1 ]]
}

setup_net
receive server 7001 7002
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
