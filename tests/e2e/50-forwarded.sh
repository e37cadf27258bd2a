#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: traffic that a namespace (a container) sends through this machine is judged in FORWARD by the
# process inside it; a rule can be narrowed to one namespace with -n; a process of another namespace
# with the same addresses and ports is never taken for it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

BOX4=10.201.0.2

# A namespace named $1, behind `client`, with the address of the box.
add_box() {
	add_netns "$1"
	ip link add "to-$1" netns "afw-$$-client" type veth peer name veth0 netns "afw-$$-$1"
	on client ip link set "to-$1" up
	on "$1" ip link set veth0 up
	address "$1" veth0 $BOX4/24
	on "$1" ip route add default via 10.201.0.1
}

send() {
	on box "$TMP/$1" "${@:2}"
}

# sees TEXT: the receiver does, in a while.
sees() {
	wait_for received "$1"
}

setup_net
add_box box
address client to-box 10.201.0.1/24
on client sysctl -qw net.ipv4.ip_forward=1
on server ip route add 10.201.0.0/24 via $CLIENT4
receive server 7001 7002
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
on client iptables -w 5 -A FORWARD -j NFQUEUE --queue-num 2
start_daemon client
wait_for on box ping -q -c 1 -W 0.2 $SERVER4

step "a rule on the digest of a program inside"
expect_ok send evil $SERVER4 7002 before
sees "tcp 7002 before"
expect_ok ctl -A -c FORWARD -v DROP --object "$TMP/evil"
expect_fail send evil -w 500 $SERVER4 7002 tcp-evil
expect_ok send good -w 20000 $SERVER4 7001 tcp-good
sees "tcp 7001 tcp-good"
! received "tcp 7002 tcp-evil" || fail "evil passed"
expect_that "$(counter known)" -gt 0 "packets of known origin"

step "-n: in another namespace the rule is not for it, in its own it is"
expect_ok ctl -D 0 -c FORWARD
expect_ok ctl -A -c FORWARD -v DROP -n "$(netns server)" --object "$TMP/evil"
expect_ok send evil -w 20000 $SERVER4 7002 elsewhere
sees "tcp 7002 elsewhere"
expect_ok ctl -D 0 -c FORWARD
expect_ok ctl -A -c FORWARD -v DROP -n "$(netns box)" --object "$TMP/evil"
expect_fail send evil -w 500 $SERVER4 7002 here
! received "tcp 7002 here" || fail "evil passed"

step "a twin with the same addresses and ports in another namespace is not mixed up with it"
expect_ok ctl -D 0 -c FORWARD
expect_ok ctl -A -c FORWARD -v DROP --object "$TMP/evil"
add_box twin
cat >"$TMP/hold.py" <<-'END'
	import socket, sys, signal
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind((sys.argv[1], 4000))
	s.connect((sys.argv[2], 7001))
	print("holding", flush=True)
	signal.pause()
END
cat >"$TMP/send.py" <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind((sys.argv[1], 4000))
	s.connect((sys.argv[2], 7001))
	for i in range(int(sys.argv[4])):
	    s.send(b"%s %d\n" % (sys.argv[3].encode(), i))
END
copy_program "$(readlink -f "$(command -v python3)")" python-evil
copy_program "$(readlink -f "$(command -v python3)")" python-good
expect_ok ctl -A -c FORWARD -v DROP --object "$TMP/python-evil"
spawn twin hold "$TMP/python-evil" "$TMP/hold.py" $BOX4 $SERVER4
wait_for grep -q holding "$TMP/hold.log"
expect_ok on box "$TMP/python-good" "$TMP/send.py" $BOX4 $SERVER4 twin-good 100
sees "udp 7001 twin-good 99"
expect_ok on box "$TMP/python-evil" "$TMP/send.py" $BOX4 $SERVER4 twin-evil 100
wait_for settled
expect_ok on box "$TMP/python-good" "$TMP/send.py" $BOX4 $SERVER4 twin-after 100
sees "udp 7001 twin-after 99"
expect_that "$(grep -c 'udp 7001 twin-good' "$TMP/receive.log")" -eq 100 "good datagrams received"
! received "udp 7001 twin-evil 0" || fail "evil passed"
expect_that "$(grep -c 'twin-evil' "$TMP/receive.log" || true)" -eq 0 "evil datagrams received"

# root opens it, and 4242 sends: of his own he could not have bound that port.
step "--uid is who opened the socket, also of what is forwarded"
cat >"$TMP/privileged.py" <<-'END'
	import os, socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("0.0.0.0", 400))
	os.setuid(4242)
	s.sendto(sys.argv[2].encode() + b"\n", (sys.argv[1], 7001))
END
expect_ok ctl -A -c FORWARD -v DROP --uid 0 -p udp --sport 400
expect_ok on box python3 "$TMP/privileged.py" $SERVER4 opened-by-root
expect_ok ctl -D 2 -c FORWARD
expect_ok ctl -A -c FORWARD -v DROP --uid 4242 -p udp --sport 400
expect_ok on box python3 "$TMP/privileged.py" $SERVER4 sent-by-4242
sees "udp 7001 sent-by-4242"
! received "udp 7001 opened-by-root" || fail "what root opened passed"
expect_ok ctl -D 2 -c FORWARD

# So slow that its sender is long gone, and the queue was empty meanwhile, when a datagram gets there.
step "what is kept up in its namespace is judged by who sent it"
on box tc qdisc add dev veth0 root tbf rate 8kbit burst 200 limit 10000
unknown=$(counter unknown)
expect_ok on box "$TMP/python-good" "$TMP/send.py" $BOX4 $SERVER4 slow-good 15
sees "udp 7001 slow-good 14"
expect_ok on box "$TMP/python-evil" "$TMP/send.py" $BOX4 $SERVER4 slow-evil 15
expect_ok on box "$TMP/python-good" "$TMP/send.py" $BOX4 $SERVER4 slow-end 1
sees "udp 7001 slow-end 0"
wait_for settled
expect_that "$(grep -c 'slow-evil' "$TMP/receive.log" || true)" -eq 0 "evil datagrams received"
expect_that "$(counter unknown)" -eq "$unknown" "packets of unknown origin"
