#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: 5,000 signatures: loading them; and one TCP connection of which they look at every byte, beside a program that copies whole packets and accepts them
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

N=5000

# rules N: as many of a content each, for any connection; and the whole of it is looked at.
rules() {
	awk -v n="$1" 'BEGIN {
		srand(7); letters = "abcdefghijklmnopqrstuvwxyz0123456789_/="
		print "depth 0"
		for (i = 1; i <= n; i++) {
			text = ""
			for (k = 8 + int(rand() * 17); k > 0; k--)
				text = text substr(letters, 1 + int(rand() * length(letters)), 1)
			printf "drop tcp any any -> any any (msg:\"number %d\"; content:\"%s\";%s sid:%d;)\n", i, text, i % 3 ? "" : " nocase;", i
		}
	}'
}

# Mbit/s of one TCP connection.
bulk() {
	echo "bulk $(on client iperf3 -J -t 1 -c $SERVER4 </dev/null |
		jq '.end.sum_received.bits_per_second / 1000000 | floor')"
}

whole() {
	launch_daemon client "$BIN/bench/null_acceptor" --copy 65531 --queue 0 --queue 1 >>"$TMP/steps"
	sample whole 0 bulk
	stop_daemon TERM
}

# Milliseconds from the command to its answer: by then they are in force.
load() {
	local began=${EPOCHREALTIME/[.,]/}
	ctl sig load "$1" >>"$TMP/steps"
	echo "load $(((${EPOCHREALTIME/[.,]/} - began) / 1000))"
}

# looked_at: bytes, so that it is known that all of them were.
bulk_and_bytes() {
	local before
	before=$(counter inspected_bytes)
	bulk
	echo "inspected_mb $((($(counter inspected_bytes) - before) / 1000000))"
}

with_signatures() {
	guard client
	sample ten 1 load "$TMP/10.rules"
	sample signatures 1 load "$TMP/$N.rules"
	sample signatures 1 bulk_and_bytes
	stop_daemon TERM
}

setup_net
spawn server iperf3 iperf3 -s
wait_for listening server 5201
divert client
rules 10 >"$TMP/10.rules"
rules $N >"$TMP/$N.rules"

rounds whole with_signatures
compare '5,000 signatures loaded' ms load ten signatures
compare 'bulk TCP, every byte looked at' Mbit/s bulk whole signatures '>=0.6'
table
echo "  loading them takes at most 5,000 ms: $(sort -n "$TMP/signatures.load" | tail -n 1) ms was the longest"
echo "  looked at in a second, at least: $(least "$TMP/signatures.inspected_mb") MB"
record .
