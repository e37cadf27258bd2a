#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what is not TCP does not slip past the rules: ping by raw and by ping sockets, UDP. What the
# kernel sends by itself (RST, echo reply) is nobody's, and passes or not by --kernel.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

pings() {
	expect_ok on client ping -q -c 1 -W 10 $SERVER4
	expect_ok on client ping -q -c 1 -W 10 $SERVER6
}

pings_no_more() {
	local before
	before=$(seen_by_rule server icmp-requests)
	expect_fail on client ping -q -c 1 -W 0.5 $SERVER4
	expect_fail on client ping -q -c 1 -W 0.5 $SERVER6
	wait_for settled
	expect_that "$(seen_by_rule server icmp-requests)" -eq "$before" "echo requests at the receiver"
}

# ping takes a socket of kind SOCK_DGRAM where the group range allows it, else a raw one.
ping_sockets() {
	on client sysctl -q -w net.ipv4.ping_group_range="$1"
}

# Echo requests alone: neighbour discovery is ICMPv6 too.
count_echo_requests() {
	on server iptables -w 5 -I INPUT -p icmp --icmp-type echo-request -m comment --comment icmp-requests
	on server ip6tables -w 5 -I INPUT -p ipv6-icmp --icmpv6-type echo-request -m comment --comment icmp-requests
}

# A closed port: the client's kernel answers with RST. curl knows it (7) or waits in vain (28).
closed_port() {
	local s=20
	[[ $1 -ne 28 ]] || s=1 # that is to give up
	MAX_TIME=$s expect_status "$1" curl_get server "$2" 9 /
}

setup_net
count_echo_requests
serve_http server 8080
receive server 7001
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
divert client
start_daemon client

step "no rule"
pings
expect_ok on client "$TMP/evil" -u $SERVER4 7001 first4
expect_ok on client "$TMP/evil" -u $SERVER6 7001 first6

step "ping's digest"
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest ping)"
for range in "1 0" "0 2147483647"; do
	ping_sockets "$range"
	pings_no_more
done
expect_passes beside 8080 curl_get client $SERVER4
expect_ok ctl -D 0 -c OUTPUT
pings

step "the protocol alone"
expect_ok ctl -A -c OUTPUT -v DROP -p icmp
expect_fail on client ping -q -c 1 -W 0.5 $SERVER4
expect_ok on client ping -q -c 1 -W 10 $SERVER6
expect_ok ctl -D 0 -c OUTPUT

step "the address alone"
expect_ok ctl -A -c OUTPUT -v DROP -d $SERVER4
expect_fail on client ping -q -c 1 -W 0.5 $SERVER4
expect_ok ctl -D 0 -c OUTPUT
pings

step "UDP by digest"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_fail on client "$TMP/evil" -u -w 500 $SERVER4 7001 blocked4
expect_fail on client "$TMP/evil" -u -w 500 $SERVER6 7001 blocked6
expect_ok on client "$TMP/good" -u $SERVER4 7001 good4
expect_ok on client "$TMP/good" -u $SERVER6 7001 good6
! received blocked || fail "a datagram of the blocked program arrived"
stop_daemon TERM

step "under policy DROP processes get nothing out, the kernel does"
start_daemon client --pol-out DROP
kernel=$(counter kernel)
pings_no_more
expect_fail on client "$TMP/good" -u -w 500 $SERVER4 7001 policy4
! received policy || fail "a datagram passed the policy"
closed_port 7 $CLIENT4
closed_port 7 $CLIENT6
expect_ok on server ping -q -c 1 -W 10 $CLIENT4
expect_ok on server ping -q -c 1 -W 10 $CLIENT6
expect_that "$(counter kernel)" -gt "$kernel" "packets of the kernel's own"
stop_daemon TERM

step "unless --kernel DROP says otherwise"
start_daemon client --kernel DROP
closed_port 28 $CLIENT4
expect_fail on server ping -q -c 1 -W 0.5 $CLIENT4
expect_passes known 8080 curl_get client $SERVER4
