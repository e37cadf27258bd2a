#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: several queues, with a thread each, beside one; and beside the most that can come of it: acceptors, a process for each
# timeout: 900
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

MANY=$(($(nproc) < 8 ? $(nproc) : 8)) # queues: one for each processor

connections() {
	echo "connections $(on client wrk -t 2 -c 16 -d 1s -H 'Connection: close' "$(url $SERVER4 8081 /)" </dev/null |
		requests_per_s)"
}

keepalive() {
	echo "keepalive $(on client wrk -t 2 -c 16 -d 1s "$(url $SERVER4 8081 /)" </dev/null | requests_per_s)"
}

# Two senders at once, as one has no more than one processor; what arrived of both.
datagrams() {
	local port pids=()
	for port in 5201 5202; do
		on client iperf3 -J -u -l 64 -b 0 -t 1 -p $port -c $SERVER4 </dev/null >"$TMP/udp.$port" &
		pids+=($!)
	done
	wait "${pids[@]}"
	echo "datagrams $(jq -s '[.[] | .end.sum | (.packets - .lost_packets) / .seconds] | add | floor' "$TMP"/udp.*)"
}

# measured WHO FIREWALLS
measured() {
	local kind
	for kind in connections keepalive datagrams; do
		sample "$1" "$2" "$kind"
	done
}

# with_queues N: packets of the client go to so many queues of each chain, by the processor they are on.
with_queues() {
	undivert client
	QUEUES=$1
	divert client
}

# One process for each pair of queues.
accept_all() {
	local n pids=() first second
	first=$(range 0 -) second=$(range 1 -)
	for ((n = 0; n < QUEUES; n++)); do
		launch_daemon client "$BIN/bench/null_acceptor" --queue $((${first%-*} + n)) --queue $((${second%-*} + n)) >>"$TMP/steps"
		pids+=("$DAEMON")
	done
	measured "$1" 0
	for DAEMON in "${pids[@]}"; do
		stop_daemon TERM
	done
}

acceptor() {
	with_queues 1
	launch_daemon client "$BIN/bench/null_acceptor" --queue 0 --queue 1 >>"$TMP/steps"
	measured acceptor 0
	stop_daemon TERM
}

acceptors() {
	with_queues "$MANY"
	accept_all acceptors
}

one_thread() {
	with_queues 1
	guard client
	measured one_thread 1
	stop_daemon TERM
}

threads() {
	with_queues "$MANY"
	guard client
	measured threads 1
	stop_daemon TERM
}

# The same, each thread on a processor of its own.
pinned() {
	with_queues "$MANY"
	guard client --pin
	measured pinned 1
	stop_daemon TERM
}

# beside BASE WHO
beside() {
	compare 'new connections' /s connections "$1" "$2"
	compare 'keep-alive requests' /s keepalive "$1" "$2"
	compare 'UDP, 64 B, received' /s datagrams "$1" "$2"
}

((MANY > 1)) || skip "there is one processor"
setup_net
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 64999" net.ipv4.tcp_tw_reuse=1
serve_nginx server 8081
for port in 5201 5202; do
	spawn server "iperf3-$port" iperf3 -s -p $port
	wait_for listening server $port
done
divert client
rounds acceptor acceptors one_thread threads pinned
beside acceptor acceptors
beside one_thread threads
beside one_thread pinned
beside acceptors threads
table
record .
