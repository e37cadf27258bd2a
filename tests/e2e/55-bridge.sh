#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: containers on a bridge are judged in FORWARD by the process inside: what they send through the
# bridge to the world, and, where bridged packets pass iptables (br_netfilter), what they send to each
# other; by IPv4 and IPv6, TCP and UDP.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

NET4=10.202.0 NET6=fd00:202:
NAMES=0 # each line sent is another

# add_box NAME N: a namespace on the bridge, with address N; the bridge is its gateway.
add_box() {
	add_netns "$1"
	ip link add "to-$1" netns "afw-$$-client" type veth peer name veth0 netns "afw-$$-$1"
	on client ip link set "to-$1" master br0 up
	on "$1" ip link set veth0 up
	address "$1" veth0 "$NET4.$2/24" "$NET6:$2/64"
	on "$1" ip route add default via $NET4.1
	on "$1" ip -6 route add default via $NET6:1
}

# says PROGRAM ADDR [-u]: from box a; it is told by an answer.
says() {
	((NAMES += 1))
	on a "$TMP/$1" ${3:+"$3"} -w "${WAIT_MS:-3000}" "$2" 7001 "line-$NAMES-"
}

heard() {
	received "line-$NAMES-"
}

passes() {
	expect_ok says "$@"
	wait_for heard
}

blocked() {
	WAIT_MS=300 expect_fail says "$@"
	wait_for settled
	! heard || fail "it passed: $*"
}

# to_all ADDR4 ADDR6 passes|blocked PROGRAM
to_all() {
	local addr
	for addr in "$1" "$2"; do
		"$3" "$4" "$addr"
		"$3" "$4" "$addr" -u
	done
}

# both_forms ADDR4 ADDR6: DROP for evil; ACCEPT for good and the receiver alone.
both_forms() {
	start_daemon client
	to_all "$@" passes evil
	expect_ok ctl -A -c FORWARD -v DROP --object "$TMP/evil"
	to_all "$@" blocked evil
	to_all "$@" passes good
	step "  for one of the boxes"
	expect_ok ctl -D 0 -c FORWARD
	expect_ok ctl -A -c FORWARD -v DROP -n "$(netns b)" --object "$TMP/evil"
	to_all "$@" passes evil
	expect_ok ctl -D 0 -c FORWARD
	expect_ok ctl -A -c FORWARD -v DROP -n "$(netns a)" --object "$TMP/evil"
	to_all "$@" blocked evil
	stop_daemon TERM
	step "  what is allowed alone"
	start_daemon client --pol-fwd DROP
	expect_ok ctl -A -c FORWARD -v ACCEPT --object "$TMP/good"
	expect_ok ctl -A -c FORWARD -v ACCEPT --sng-hash "$(digest python3)"
	to_all "$@" blocked evil
	to_all "$@" passes good
	expect_that "$(counter known)" -gt 0 "packets of known origin"
	stop_daemon TERM
}

setup_net
on client ip link add br0 type bridge
on client ip link set br0 up
address client br0 $NET4.1/24 $NET6:1/64
add_box a 2
add_box b 3
on client sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
on server ip route add $NET4.0/24 via $CLIENT4
on server ip -6 route add $NET6:/64 via $CLIENT6
wait_for on a ping -q -c 1 -W 0.2 $SERVER4
wait_for on a ping -q -c 1 -W 0.2 $SERVER6
wait_for on a ping -q -c 1 -W 0.2 $NET4.3
wait_for on a ping -q -c 1 -W 0.2 $NET6:3
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
for t in iptables ip6tables; do
	on client $t -w 5 -A FORWARD -j NFQUEUE --queue-num 2
done

step "through the bridge to the world"
receive server 7001
both_forms $SERVER4 $SERVER6
halt "$SPAWNED"

step "from box to box"
[[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
	skip "this kernel has no br_netfilter: bridged packets do not pass FORWARD"
: >"$TMP/receive.log"
receive b 7001
on client sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
to_all $NET4.3 $NET6:3 passes evil # not judged
on client sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
both_forms $NET4.3 $NET6:3
