#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what comes in for a ping or a raw socket is the process's that holds it: an INPUT rule on its
# digest stops echo replies and other protocols, a twin with another digest gets them, also where only
# the twin is allowed. What the kernel itself acts on stays the kernel's, whoever listens in. What comes for nobody costs
# the daemon little more than what comes for somebody: who floods a closed port holds up no others.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# ping takes a socket of kind SOCK_DGRAM where the group range allows it, else a raw one.
ping_sockets() {
	on client sysctl -q -w net.ipv4.ping_group_range="$1"
}

pings() {
	expect_ok on client "$TMP/$1" -q -c 1 -W 2 $SERVER4
	expect_ok on client "$TMP/$1" -q -c 1 -W 2 $SERVER6
}

# The requests leave and the server answers: it is the answers that are stopped.
pings_unanswered() {
	local before
	before=$(seen_by_rule server icmp-requests)
	expect_status 1 on client "$TMP/$1" -q -c 1 -W 0.5 $SERVER4
	expect_status 1 on client "$TMP/$1" -q -c 1 -W 0.5 $SERVER6
	expect_that "$(seen_by_rule server icmp-requests)" -eq $((before + 2)) "echo requests at the server"
}

count_echo_requests() {
	on server iptables -w 5 -I INPUT -p icmp --icmp-type echo-request -m comment --comment icmp-requests
	on server ip6tables -w 5 -I INPUT -p ipv6-icmp --icmpv6-type echo-request -m comment --comment icmp-requests
}

# both_kinds CMD...: with raw sockets, then with ping sockets.
both_kinds() {
	local range
	for range in "1 0" "0 2147483647"; do
		ping_sockets "$range"
		"$@"
	done
}

evil_not_good() {
	pings_unanswered evil
	pings good
}

# listen WHO PROTOCOL: prints what comes by it over both IPs to $TMP/WHO4.log and WHO6.log. Each process
# waits in recv(2) alone; $LISTENERS are their pids.
LISTENERS=()
listen() {
	local v
	for v in 4 6; do
		: >"$TMP/$1$v.log"
		spawn client "$1$v" "$TMP/$1-python" "$TMP/hear.py" $v "$2"
		LISTENERS+=("$SPAWNED")
		wait_for grep -q '^listening$' "$TMP/$1$v.log"
	done
}

deafen() {
	halt "${LISTENERS[@]}"
	LISTENERS=()
}

# tell TEXT: by the protocol for tests, from the server, over both IPs; returns when the verdicts are in.
tell() {
	local before
	before=$(counter queued)
	on server "$HELPERS/ways" raw udp4 $CLIENT4 7001 "$1"
	on server "$HELPERS/ways" raw udp6 $CLIENT6 7001 "$1"
	wait_for counts_more queued $((before + 1))
	wait_for settled
}

heard() {
	wait_for grep -qF -- "$2" "$TMP/${1}4.log"
	wait_for grep -qF -- "$2" "$TMP/${1}6.log"
}

heard_by_none() {
	! grep -qF -- "$1" "$TMP"/{evil,good}[46].log || fail "it was heard: $1"
}

# knows_all: no packet of unknown origin since the daemon started.
knows_all() {
	expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
}

# took_ns: for how long the daemon has had a processor.
took_ns() {
	cat /proc/"$DAEMON"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# cost_of PORT: of so many datagrams to it, in ns each. What the sender is told of a closed port keeps him from sending some.
FLOOD=3000
cost_of() {
	local queued took
	queued=$(counter queued)
	took=$(took_ns)
	on server "$HELPERS/flood" $FLOOD $CLIENT4 "$1" </dev/null >&2
	wait_for counts_more queued $((queued + FLOOD / 2))
	wait_for settled
	echo $((($(took_ns) - took) / ($(counter queued) - queued)))
}

setup_net
count_echo_requests
copy_program "$(readlink -f "$(command -v ping)")" good
copy_program "$(readlink -f "$(command -v ping)")" evil
copy_program "$(readlink -f "$(command -v python3)")" good-python
copy_program "$(readlink -f "$(command -v python3)")" evil-python
cat >"$TMP/hear.py" <<-'END'
	import socket, sys
	v, protocol = int(sys.argv[1]), int(sys.argv[2])
	s = socket.socket(socket.AF_INET if v == 4 else socket.AF_INET6, socket.SOCK_RAW, protocol)
	print("listening", flush=True)
	while True:
	    print(ascii(s.recv(2048).decode(errors="replace")), flush=True)
END
touch "$TMP"/{evil,good}{4,6}.log
for t in iptables ip6tables; do
	on client $t -w 5 -A INPUT -j NFQUEUE --queue-num 1
done
start_daemon client

step "echo replies are the ping's"
known=$(counter known)
both_kinds pings evil
both_kinds pings good
expect_that "$(counter known)" -ge $((known + 8)) "packets of known origin"
knows_all

step "a DROP rule on its digest"
expect_ok ctl -A -c INPUT -v DROP --object "$TMP/evil"
both_kinds evil_not_good
knows_all

step "several are pinging at the same time, by ping sockets: to each its own"
spawn client pinging "$TMP/evil" -q -i 0.2 $SERVER4
pings good
halt "$SPAWNED"
stop_daemon TERM

step "where only the good one is allowed"
start_daemon client --pol-in DROP
expect_ok ctl -A -c INPUT -v ACCEPT --object "$TMP/good"
both_kinds evil_not_good
knows_all

step "while evil listens to all ICMP, the kernel's work goes on, and replies are not for good alone"
ping_sockets "0 2147483647"
listen evil 1
listen evil 58
kernel=$(counter kernel)
expect_ok on server ping -q -c 1 -W 10 $CLIENT4
on client ip neigh flush dev veth0
expect_ok on server ping -q -c 1 -W 10 $CLIENT6
expect_that "$(counter kernel)" -gt "$kernel" "packets of the kernel's own"
pings_unanswered good
deafen
pings good
knows_all
stop_daemon TERM

step "another protocol, by raw sockets that are older than the daemon"
listen good 253
good=("${LISTENERS[@]}")
LISTENERS=()
listen evil 253
start_daemon client
tell both-hear
heard evil both-hear
heard good both-hear
expect_ok ctl -A -c INPUT -v DROP --object "$TMP/evil-python"
tell none-hears
heard_by_none none-hears
deafen
tell good-hears
heard good good-hears
knows_all
halt "${good[@]}"
kernel=$(counter kernel)
tell nobody
expect_that "$(counter kernel)" -gt "$kernel" "packets of the kernel's own"
stop_daemon TERM

step "where only the good one is allowed, by sockets that are newer than the daemon, and than 9,000 that are gone"
start_daemon client --pol-in DROP
expect_ok ctl -A -c INPUT -v ACCEPT --object "$TMP/good-python"
on client python3 - <<-'END'
	import socket
	for _ in range(9000):
	    socket.socket(socket.AF_INET, socket.SOCK_RAW, 254).close()
END
listen good 253
tell good-allowed
heard good good-allowed
listen evil 253
tell not-for-evil
heard_by_none not-for-evil
deafen
knows_all

step "datagrams to a port that nobody has, with a raw socket for UDP"
listen good 17
on server "$HELPERS/talk" -u -w 200 $CLIENT4 9 open || true
wait_for grep -q open "$TMP/good4.log"
listen evil 17
dropped=$(counter dropped)
on server "$HELPERS/talk" -u -w 200 $CLIENT4 9 hidden || true
wait_for counts_more dropped "$dropped"
heard_by_none hidden
knows_all
deafen

step "many of them, and no such socket, or one"
receive client 7009
for listeners in 0 1; do
	OPEN=$(cost_of 7009)
	CLOSED=$(cost_of 9)
	expect_that "$CLOSED" -lt $((OPEN * 5)) "ns that a datagram to a closed port takes of the daemon, of one to an open port $OPEN; $listeners raw sockets"
	listen good 254
done
knows_all
