#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: beside a program that accepts every packet unseen, in the same run, the firewall with a rule on
# a digest keeps >= 0.7 of bulk TCP and >= 0.6 of new connections/s (medians of the ratios of interleaved rounds).
# timeout: 300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/stolen.sh
. "$(dirname "$0")/stolen.sh"

# Many short rounds, each beginning with the other of the two: medians then forgive a noisy machine.
ROUNDS=${ROUNDS:-7}
SECONDS_EACH=${SECONDS_EACH:-1}

# Mbit/s of one TCP connection.
bulk() {
	on client iperf3 -J -t "$SECONDS_EACH" -c $SERVER4 </dev/null |
		jq '.end.sum_received.bits_per_second / 1000000 | floor'
}

# New connections/s: one request each.
connections() {
	on client wrk -t 2 -c 16 -d "${SECONDS_EACH}s" -H 'Connection: close' "$(url $SERVER4 8081 /)" </dev/null |
		awk '/^Requests\/sec:/ { print int($2) }'
}

# measure WHO: what is in place now, into $TMP/WHO.*
measure() {
	local kind
	for kind in bulk connections; do
		undisturbed "$TMP/sample" $kind
		cat "$TMP/sample" >>"$TMP/$1.$kind"
	done
	echo "$1: $(tail -n 1 "$TMP/$1.bulk") Mbit/s, $(tail -n 1 "$TMP/$1.connections") connections/s"
}

null_acceptor() {
	launch_daemon client "$BIN/bench/null_acceptor" --queue 0 --queue 1
	measure null_acceptor
	stop_daemon TERM
}

app_fw() {
	start_daemon client -b 50 -B 50
	expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)"
	measure app-fw
	stop_daemon TERM
}

# more_rounds: ROUNDS of them, beside those that were measured before.
more_rounds() {
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		step "round $((round += 1))"
		if ((round % 2)); then
			null_acceptor
			app_fw
		else
			app_fw
			null_acceptor
		fi
	done
}

# holds WHAT KIND PERMILLE: the median of the ratios of all rounds.
holds() {
	local ratio
	ratio=$(paste "$TMP/app-fw.$2" "$TMP/null_acceptor.$2" | awk '{ print int($1 * 1000 / $2) }' | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
	echo "$1: ratio $ratio/1000 (floor $3), of $round rounds"
	((ratio >= $3))
}

floors_hold() {
	holds "bulk TCP" bulk 700 && holds "new connections/s" connections 600
}

setup_net
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 65000"
serve_nginx server 8081
spawn server iperf3 iperf3 -s
wait_for listening server 5201
divert client

round=0
more_rounds
# So few rounds can all be of a bad moment: before it fails, they are three times as many, and each of them counts.
for ((more = 2; more > 0; more--)); do
	! floors_hold || break
	more_rounds
done
floors_hold || fail "below the floor (above)"
