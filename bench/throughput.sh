#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: traffic that passes through it, beside no firewall and beside a program that accepts everything unseen
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/../tests/e2e/bpffs.sh"
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

# Mbit/s of one TCP connection.
bulk() {
	echo "bulk $(on client iperf3 -J -t 1 -c $SERVER4 </dev/null |
		jq '.end.sum_received.bits_per_second / 1000000 | floor')"
}

# Datagrams of 64 bytes that arrived, per second, of as many as the sender could send.
datagrams() {
	echo "datagrams $(on client iperf3 -J -u -l 64 -b 0 -t 1 -c $SERVER4 </dev/null |
		jq '.end.sum | (.packets - .lost_packets) / .seconds | floor')"
}

connections() {
	echo "connections $(on client wrk -t 2 -c 16 -d 1s -H 'Connection: close' "$(url $SERVER4 8081 /)" </dev/null |
		requests_per_s)"
}

# Requests/s on open connections, and what 99 % of them took at most, in µs.
keepalive() {
	on client wrk -t 1 -c 16 -d 1s --latency "$(url $SERVER4 8081 /)" </dev/null | awk '
		/^Requests\/sec:/ { print "keepalive", int($2) }
		$1 == "99%" { n = $2 + 0; print "p99", $2 ~ /us$/ ? n : $2 ~ /ms$/ ? n * 1000 : n * 1000000 }'
}

# traffic WHO FIREWALLS
traffic() {
	local kind
	for kind in bulk datagrams connections keepalive; do
		sample "$1" "$2" "$kind"
	done
}

none() {
	undivert client
	traffic none 0
	divert client
}

null_acceptor() {
	launch_daemon client "$BIN/bench/null_acceptor" --queue 0 --queue 1 >>"$TMP/steps"
	traffic null_acceptor 0
	stop_daemon TERM
}

app_fw() {
	guard client
	traffic app-fw 1
	stop_daemon TERM
}

# The same with the verdict cache: most packets do not come to app-fw.
app_fw_hook() {
	undivert client
	guard client
	hook client >>"$TMP/steps"
	traffic app-fw+hook 1
	unhook client >>"$TMP/steps"
	stop_daemon TERM
	divert client
}

setup_net
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 64999" net.ipv4.tcp_tw_reuse=1
serve_nginx server 8081
spawn server iperf3 iperf3 -s
wait_for listening server 5201
divert client

rounds none null_acceptor app_fw app_fw_hook

against() {
	compare 'bulk TCP' Mbit/s bulk "$1" "$2" "${3:-}"
	compare 'UDP, 64 B, received' /s datagrams "$1" "$2"
	compare 'new connections' /s connections "$1" "$2" "${4:-}"
	compare 'keep-alive requests' /s keepalive "$1" "$2"
	compare 'keep-alive, 99 %' µs p99 "$1" "$2"
}

against none null_acceptor
against none app-fw
against none app-fw+hook '>=0.97' '>=0.92'
against null_acceptor app-fw '>=0.7' '>=0.6'
table
record .
