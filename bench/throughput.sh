#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: traffic that passes through it, beside no firewall and beside a program that accepts everything unseen
# timeout: 2100
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/../tests/e2e/bpffs.sh"
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

KIND='' # one of the functions below

# Mbit/s of iperf3.
bulk() {
	echo "bulk $(on client iperf3 -J -t 1 -c $SERVER4 </dev/null |
		jq '.end.sum_received.bits_per_second / 1000000 | floor')"
}

# The same of five transfers of 1 GB. One of a second has one of two speeds, by chance, firewall or not: 21 or 45 Gbit/s.
bulk8() {
	local i
	for i in {1..5}; do
		on client iperf3 -J -n 1G -P 8 -c $SERVER4 </dev/null
	done | jq -s 'map(.end.sum_received) | "bulk8 \(8 * (map(.bytes) | add) / (map(.seconds) | add) / 1000000 | floor)"' -r
}

# udp NAME BYTES: datagrams that arrived, per second, of as many as the sender could send.
udp() {
	echo "$1 $(on client iperf3 -J -u -l "$2" -b 0 -t 1 -c $SERVER4 </dev/null |
		jq '.end.sum | (.packets - .lost_packets) / .seconds | floor')"
}

datagrams() {
	udp datagrams 64
}

large() {
	udp large 1400
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
	sample "$1" "$2" "$KIND"
}

# against BASE WHO [BULK UDP CONNECTIONS KEEPALIVE P99]: the rows, with these goals.
against() {
	local base=$1 who=$2
	compare 'bulk TCP' Mbit/s bulk "$base" "$who" "${3:-}"
	compare 'bulk TCP, 8 streams' Mbit/s bulk8 "$base" "$who" "${3:-}"
	compare 'UDP, 64 B, received' /s datagrams "$base" "$who" "${4:-}"
	compare 'UDP, 1400 B, received' /s large "$base" "$who"
	compare 'new connections' /s connections "$base" "$who" "${5:-}"
	compare 'keep-alive requests' /s keepalive "$base" "$who" "${6:-}"
	compare 'keep-alive, 99 %' µs p99 "$base" "$who" "${7:-}"
}

setup_net
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 64999" net.ipv4.tcp_tw_reuse=1
serve_nginx server 8081
spawn server iperf3 iperf3 -s
wait_for listening server 5201
divert client

mapfile -t ARMS < <(arms; ! can_cache || echo hollow)
# What is compared is measured within seconds of each other: the machine is not the same a minute later.
for KIND in bulk bulk8 datagrams large connections keepalive; do
	rounds "${ARMS[@]}"
done

for arm in "${ARMS[@]:1}"; do
	if has_cache "$arm"; then
		against none "$arm" '>=0.97' '>=0.92' '>=0.92' '>=0.97' '<=1.15'
	else
		against none "$arm"
	fi
done
for arm in app-fw app-fw_1000 app-fw_100000; do
	against null_acceptor "$arm" '>=0.95' '>=0.9' '>=0.9' '>=0.93' '<=1.15'
done
against app-fw app-fw_1000
against app-fw app-fw_100000 '>=0.97' '>=0.97' '>=0.97' '>=0.97'
! can_cache || against hollow cached
! can_cache || against cached cached_100000 '>=0.98' '>=0.98' '>=0.98' '>=0.98'
table
matrix none
matrix none 'by work'
matrix null_acceptor
matrix null_acceptor 'by work'
record .
