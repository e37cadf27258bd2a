#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: timing each packet's stages by the TSC, beside the same daemon that does not
# timeout: 900
ROUNDS=${ROUNDS:-15}
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"


datagrams() {
	echo "datagrams $(on client iperf3 -J -u -l 64 -b 0 -t 1 -c $SERVER4 </dev/null |
		jq '.end.sum | (.packets - .lost_packets) / .seconds | floor')"
}

keepalive() {
	echo "keepalive $(on client wrk -t 1 -c 16 -d 1s "$(url $SERVER4 8081 /)" </dev/null | requests_per_s)"
}

# CPU time of both processors that a datagram takes while as many as can be are sent.
datagram_ns() {
	awk -v rate="$(median "$TMP/untimed.datagrams")" -v cpus="$(nproc)" 'BEGIN { printf "%d", cpus * 1e9 / rate }'
}

with() {
	local who=$1 program=$2
	launch_daemon client "$program" --no-state --socket "$APP_FW_SOCKET" -b 50 -B 50 >>"$TMP/steps"
	ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)" >>"$TMP/steps"
	sample "$who" 1 datagrams
	sample "$who" 1 keepalive
	stop_daemon TERM
}

untimed() {
	with untimed "$BIN/bench/app-fw-untimed"
}

timed() {
	with timed "$BIN/app-fw"
}

setup_net
serve_nginx server 8081
spawn server iperf3 iperf3 -s
wait_for listening server 5201
divert client

rounds untimed timed
compare 'UDP, 64 B, received' /s datagrams untimed timed '>=0.99'
compare 'keep-alive requests' /s keepalive untimed timed '>=0.99'
table
laps=$("$BIN/bench/laps" | cut -d' ' -f2)
packet=$(datagram_ns)
share=$(awk -v l="$laps" -v p="$packet" 'BEGIN { printf "%.2f", 100 * l / p }')
echo "  the laps of one packet take $laps ns of its $packet ns: $share % (goal: less than 1 %)"
record ". + {laps_ns: $laps, packet_ns: $packet, laps_percent: $share}"
