#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: REJECT tells the sender at once, whoever he is and wherever he is met; MARK changes the bits of
# the mark that it names, and steers by it; every packet that was read has one verdict. A connect(2) that is
# rejected fails within 50 ms, by IPv4 and IPv6, TCP and UDP: the median of 21.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

AT_ONCE=900 # ms: a SYN is sent again after 1000; who learned it later learned it by that
TIMES=40    # a refusal may take so many times what a closed port takes beside it; 50 ms are hundreds of times that
TRIES=21

# expect_told ERROR NS PROGRAM PROTO ADDR PORT TEXT
expect_told() {
	local want=$1 ns=$2 program=$3
	shift 3
	local got ms i
	for i in 1 2 3; do # a machine may stand still once; a first packet that is not refused is so each time
		expect_ok on "$ns" "$program" $SCRIPTS/refused.py "$@"
		read -r got ms _ <"$TMP/out"
		[[ $got == "$want" ]] || fail "$got instead of $want: $*"
		[[ $got != ok && $ms -ge $AT_ONCE ]] || break
	done
	[[ $got == ok ]] || expect_that "$ms" -lt $AT_ONCE "ms until $got, at try $i"
	[[ $got == ok ]] || ! received "$1 $3 $4" || fail "it arrived: $*"
}

refused() {
	expect_told ECONNREFUSED "$@"
}

passes() {
	expect_told ok "$@"
}

both_families() {
	local word=$1 ns=$2 program=$3 port=$4 addr4=$5 addr6=$6 proto addr
	for proto in tcp udp; do
		for addr in "$addr4" "$addr6"; do
			"$word" "$ns" "$program" $proto "$addr" "$port" "$word-$RANDOM$RANDOM"
		done
	done
}

# refusal_us NS PROGRAM PROTO ADDR PORT: the median time until it was refused, which it was each time, in $MEDIAN.
refusal_us() {
	local got unit
	expect_ok on "$1" "$2" $SCRIPTS/refused.py "$3" "$4" "$5" never $TRIES
	read -r got _ unit MEDIAN _ <"$TMP/out"
	[[ "$got $unit" == "ECONNREFUSED ms" ]] || fail "$got instead of ECONNREFUSED: $*"
}

# time_closed_port NS ADDR...: a port where nobody listens, and no firewall yet: what REJECT is measured beside.
declare -A CLOSED_US
time_closed_port() {
	local ns=$1 proto addr
	shift
	for addr; do
		for proto in tcp udp; do
			refusal_us "$ns" "$TMP/evil" $proto "$addr" 7999
			CLOSED_US[$ns,$proto,$addr]=$MEDIAN
		done
	done
}

# refused_soon NS PORT ADDR...: the figure is there to be read; what it must be within is a closed port's, which an
# accepted program meets beside it, through the same queues: where the machine is slow that is slow as well.
refused_soon() {
	local ns=$1 port=$2 proto addr closed
	shift 2
	for addr; do
		for proto in tcp udp; do
			refusal_us "$ns" "$TMP/good" $proto "$addr" 7999
			closed=$MEDIAN
			refusal_us "$ns" "$TMP/evil" $proto "$addr" "$port"
			echo "$proto to $addr from $ns: refused after $MEDIAN us (50000 promised); closed port: $closed us" \
				"with the firewall, ${CLOSED_US[$ns,$proto,$addr]} us without"
			expect_that "$MEDIAN" -le $((TIMES * closed)) "us until it is refused ($TIMES times a closed port's)"
		done
	done
}

# add_ns NAME NET: a namespace behind the client, which routes: NAME has 10.NET.0.2, fd00:NET::2.
add_ns() {
	add_netns "$1"
	ip link add "to-$1" netns "afw-$$-client" type veth peer name veth0 netns "afw-$$-$1"
	on client ip link set "to-$1" up
	on "$1" ip link set veth0 up
	address "$1" veth0 "10.$2.0.2/24" "fd00:$2::2/64"
	address client "to-$1" "10.$2.0.1/24" "fd00:$2::1/64"
	on "$1" ip route add default via "10.$2.0.1"
	on "$1" ip -6 route add default via "fd00:$2::1"
	on server ip route add "10.$2.0.0/24" via $CLIENT4
	on server ip -6 route add "fd00:$2::/64" via $CLIENT6
}

setup_net
copy_program "$(readlink -f "$(command -v python3)")" evil
copy_program "$(readlink -f "$(command -v python3)")" good
receive server 7001 7002
spawn client receive-client /usr/bin/python3 $SCRIPTS/receive.py 7003
wait_for grep -q '^listening$' "$TMP/receive-client.log"
add_ns box 201
on client sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

step "how soon one learns that a port is closed, the median of $TRIES: what REJECT will be measured beside"
for ns in client server; do # or else of six ICMP errors only
	on $ns sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done
wait_for on box ping -q -c 1 -W 0.2 $SERVER4
wait_for on box ping -q -c 1 -W 0.2 $SERVER6
time_closed_port client $SERVER4 $SERVER6
time_closed_port server $CLIENT4 $CLIENT6
time_closed_port box $SERVER4 $SERVER6

divert client
for t in iptables ip6tables; do
	on client $t -w 5 -A FORWARD -j NFQUEUE --queue-num 2
done
start_daemon client
wait_for on box ping -q -c 1 -W 0.2 $SERVER4
wait_for on box ping -q -c 1 -W 0.2 $SERVER6

step "OUTPUT: a rule on the digest of the sender"
both_families passes client "$TMP/evil" 7001 $SERVER4 $SERVER6
expect_ok ctl -A -c OUTPUT -v REJECT --object "$TMP/evil"
both_families refused client "$TMP/evil" 7001 $SERVER4 $SERVER6
refused_soon client 7001 $SERVER4 $SERVER6
both_families passes client "$TMP/good" 7001 $SERVER4 $SERVER6

step "a sender who was never seen before: his packet may have to wait for his digest, and he is told all the same"
for addr in $SERVER4 $SERVER6; do
	for proto in tcp udp; do
		copy_program "$(readlink -f "$(command -v python3)")" "cold-$proto-$addr"
		expect_ok ctl -A -c OUTPUT -v REJECT --object "$TMP/cold-$proto-$addr"
		refused client "$TMP/cold-$proto-$addr" $proto "$addr" 7001 "cold-$proto-$addr"
		expect_ok ctl -D 1 -c OUTPUT
	done
done

step "a connection that is open already is reset"
expect_ok ctl -D 0 -c OUTPUT
cat >"$TMP/open.py" <<-'END'
	import socket, sys
	s = socket.create_connection((sys.argv[1], 7001))
	s.send(b"before\n")
	print(s.recv(64), flush=True)
	sys.stdin.readline()
	try:
	    s.send(b"after\n")
	    print(s.recv(64), flush=True)
	except OSError as e:
	    print(type(e).__name__, flush=True)
END
mkfifo "$TMP/go"
for addr in $SERVER4 $SERVER6; do
	STDIN=$TMP/go spawn client "open-$addr" "$TMP/evil" "$TMP/open.py" "$addr"
	wait_for grep -q ok "$TMP/open-$addr.log"
	expect_ok ctl -A -c OUTPUT -v REJECT --object "$TMP/evil"
	echo >"$TMP/go"
	wait_for gone "$SPAWNED"
	grep -q ConnectionResetError "$TMP/open-$addr.log" || fail "not reset: $(tail -n 1 "$TMP/open-$addr.log")"
	! received "tcp 7001 after" || fail "it arrived"
	expect_ok ctl -D 0 -c OUTPUT
done

step "what has no ports"
expect_ok ctl -A -c OUTPUT -v REJECT --object "$(command -v ping)"
expect_fail on client ping -q -c 1 -W 5 $SERVER4
grep -q '+1 errors' "$TMP/out" || fail "ping was not told"
expect_fail on client ping -q -c 1 -W 5 $SERVER6
grep -q '+1 errors' "$TMP/out" || fail "ping was not told"
expect_ok ctl -D 0 -c OUTPUT

step "INPUT: the sender is another host"
both_families passes server "$TMP/evil" 7003 $CLIENT4 $CLIENT6
expect_ok ctl -A -c INPUT -v REJECT -p tcp --dport 7003
expect_ok ctl -A -c INPUT -v REJECT -p udp --dport 7003
both_families refused server "$TMP/evil" 7003 $CLIENT4 $CLIENT6
both_families refused client "$TMP/evil" 7003 127.0.0.1 ::1
refused_soon server 7003 $CLIENT4 $CLIENT6
expect_ok ctl -D 0 -c INPUT
expect_ok ctl -D 0 -c INPUT

step "FORWARD: the sender is behind us"
both_families passes box "$TMP/evil" 7002 $SERVER4 $SERVER6
expect_ok ctl -A -c FORWARD -v REJECT -p tcp --dport 7002
expect_ok ctl -A -c FORWARD -v REJECT -p udp --dport 7002
both_families refused box "$TMP/evil" 7002 $SERVER4 $SERVER6
refused_soon box 7002 $SERVER4 $SERVER6

step "nothing that needed an error went without, and each packet has one verdict"
wait_for settled
expect_that "$(counter untold)" -eq 0 "senders that were not told"
expect_that "$(counter rejected)" -ge 20 "packets rejected"
stop_daemon TERM

step "the sender is told whatever else is dropped"
start_daemon client --pol-out DROP --pol-in DROP --kernel DROP
for proto in tcp udp; do
	expect_ok ctl -A -c OUTPUT -v REJECT -p $proto --dport 7001
done
both_families refused client "$TMP/evil" 7001 $SERVER4 $SERVER6
wait_for settled
stop_daemon TERM

step "monitor: nobody is told, and it passes"
start_daemon client --mode monitor
expect_ok ctl -A -c OUTPUT -v REJECT --object "$TMP/evil"
both_families passes client "$TMP/evil" 7001 $SERVER4 $SERVER6
expect_that "$(counter would_drop)" -gt 0 "packets that would have been rejected"
stop_daemon TERM

step "MARK: the bits of the mask, and no others"
for t in iptables ip6tables; do
	on client $t -w 5 -t mangle -A OUTPUT -j MARK --set-mark 0xabcd
	on client $t -w 5 -t mangle -A POSTROUTING -m mark --mark 0xab1d -m comment --comment masked
	on client $t -w 5 -t mangle -A POSTROUTING -m mark --mark 0x70 -m comment --comment whole
done
marked() {
	{
		on client iptables -w 5 -t mangle -nvxL POSTROUTING
		on client ip6tables -w 5 -t mangle -nvxL POSTROUTING
	} | awk -v text="$1" 'index($0, text) { n += $1; rules += $1 > 0 } END { print rules + 0 }'
}
start_daemon client
expect_ok ctl -A -c OUTPUT -v MARK=0x10/0xf0 --object "$TMP/evil"
expect_line "-v MARK=0x10/0xf0" ctl -L -c OUTPUT
both_families passes client "$TMP/good" 7001 $SERVER4 $SERVER6
expect_that "$(marked masked)" -eq 0 "families in which others were marked"
both_families passes client "$TMP/evil" 7001 $SERVER4 $SERVER6
expect_that "$(marked masked)" -eq 2 "families in which it was marked"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v MARK=0x70 --object "$TMP/evil"
both_families passes client "$TMP/evil" 7001 $SERVER4 $SERVER6
expect_that "$(marked whole)" -eq 2 "families in which all bits were set"
wait_for settled
expect_that "$(counter marked)" -gt 0 "packets marked"

step "MARK steers: the same address is another host to who is marked"
add_ns proxy 202
on server ip addr add 10.77.0.1/32 dev lo
on proxy ip addr add 10.77.0.1/32 dev lo
on client ip route add 10.77.0.1 via $SERVER4
on client ip route add 10.77.0.1 via 10.202.0.2 table 100
on client ip rule add fwmark 0x70/0xff lookup 100
spawn proxy receive-proxy /usr/bin/python3 $SCRIPTS/receive.py 7001
wait_for grep -q '^listening$' "$TMP/receive-proxy.log"
passes client "$TMP/good" tcp 10.77.0.1 7001 straight
received "tcp 7001 straight" || fail "it did not arrive at the server"
passes client "$TMP/evil" tcp 10.77.0.1 7001 steered
grep -q 'tcp 7001 steered' "$TMP/receive-proxy.log" || fail "it did not arrive at the proxy"
! received "tcp 7001 steered" || fail "it arrived at the server"
stop_daemon TERM

step "KILL: who holds the socket ends, and nobody else"
cat >"$TMP/share.py" <<-'END'
	import os, signal, socket, sys
	s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
	s.connect((sys.argv[1], 7001))
	if os.fork() == 0:
	    os.write(1, b"child %d\n" % os.getpid())
	    signal.pause()
	os.write(1, b"parent %d\n" % os.getpid())
	sys.stdin.readline()
	s.send(sys.argv[2].encode() + b"\n")
	signal.pause()
END
share() {
	STDIN=$TMP/go spawn client "$3" "$TMP/$1" "$TMP/share.py" "$2" "$3"
	wait_for grep -qx 'parent [0-9]*' "$TMP/$3.log"
	wait_for grep -qx 'child [0-9]*' "$TMP/$3.log"
	PIDS+=("$(awk '/^child/ { print $2 }' "$TMP/$3.log")")
}
start_daemon client
for addr in $SERVER4 $SERVER6; do
	expect_ok ctl -A -c OUTPUT -v KILL --object "$TMP/evil"
	share good "$addr" "good-$addr"
	good=$SPAWNED
	echo >"$TMP/go"
	wait_for received "udp 7001 good-$addr"
	share evil "$addr" "evil-$addr"
	echo >"$TMP/go"
	wait_for gone "$SPAWNED"
	wait_for gone "$(awk '/^child/ { print $2 }' "$TMP/evil-$addr.log")"
	! gone "$good" || fail "good was killed"
	wait_for settled
	! received "udp 7001 evil-$addr" || fail "it arrived"
	expect_ok ctl -D 0 -c OUTPUT
done
expect_that "$(counter ended)" -eq 4 "processes ended"
expect_that "$(counter killed)" -eq 2 "packets dropped by it"

step "KILL of a packet that is nobody's: dropped, and nobody ends"
expect_ok ctl -A -c OUTPUT -v KILL -p icmp
expect_fail on server ping -q -c 1 -W 0.5 $CLIENT4
wait_for settled
expect_that "$(counter killed)" -eq 3 "packets dropped by it"
expect_that "$(counter ended)" -eq 4 "processes ended"
daemon_alive
stop_daemon TERM

step "KILL where it is only monitored: nobody ends, and it arrives"
start_daemon client --mode monitor
expect_ok ctl -A -c OUTPUT -v KILL --object "$TMP/evil"
share evil $SERVER4 monitored
echo >"$TMP/go"
wait_for received "udp 7001 monitored"
wait_for settled
! gone "$SPAWNED" || fail "it was killed"
expect_that "$(counter ended)" -eq 0 "processes ended"
