#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: how fast objects are hashed, beside openssl's own figure; other flows while a 1 GB program is hashed
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

SIZE_MB=1024
MEANWHILE_MS=400 # less than the hash takes: a sample lies wholly beside it
LAST=$(($(nproc) - 1))
BIG=$(mktemp -p /dev/shm afw-bench.XXXXXX)
UNDO+=("rm -f $BIG")

# MB/s of SHA-256 over blocks that the processor's cache holds.
openssl_speed() {
	echo "sha256 $(taskset -c "$LAST" openssl speed -mr -elapsed -seconds 1 -bytes 65536 -evp sha256 2>/dev/null |
		awk -F: '/^\+F/ { print $NF / 1000000 }')"
}

hash_speed() {
	echo "sha256 $(taskset -c "$LAST" "$BIN/bench/hashes" "$BIG")"
}

by_openssl() {
	sample openssl 0 openssl_speed
}

by_app_fw() {
	sample app-fw 0 hash_speed
}

connects() {
	on client "$BIN/bench/connects" -t $MEANWHILE_MS $SERVER4 8081 | awk '{ print "connect", $1; print "p99", $2 }'
}

alone() {
	guard client
	sample alone 1 connects
	stop_daemon TERM
}

# Another change time makes it another object.
beside() {
	guard client
	sample beside 1 beside_cold
	stop_daemon TERM
}

beside_cold() {
	chmod 700 "$BIG"
	: >"$TMP/receive.log"
	spawn client big "$BIG" -w 20000 $SERVER4 7001 big
	connects
	! received big || fail "the hash took less than the sample"
	wait "$SPAWNED" || fail "the big program was not heard"
}

# The program, and bytes that no file system leaves out.
cp "$HELPERS/talk" "$BIG"
openssl enc -aes-128-ctr -pass pass:afw -nosalt </dev/zero 2>/dev/null | head -c ${SIZE_MB}M >>"$BIG" || true
setup_net
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 64999" net.ipv4.tcp_tw_reuse=1
serve_nginx server 8081
receive server 7001
divert client
rounds by_openssl by_app_fw
rounds alone beside
compare 'SHA-256 of a large file' MB/s sha256 openssl app-fw '>=0.9'
compare 'connects of others, median' us connect alone beside
compare 'connects of others, 99th percentile' us p99 alone beside '<=1.2'
table
record .
