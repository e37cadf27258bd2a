#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: in INPUT a rule on the digest of a server program decides who may be talked to: a python3
# server is closed to the network, nginx and nc on the same host are open; by IPv4 and IPv6.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Answers one request over IPv4 (4) or IPv6 (6).
serve_nc() {
	printf 'HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n' >"$TMP/answer"
	STDIN=$TMP/answer spawn server nc nc "-$1" -N -l 8082
	wait_for listening server 8082
}

others_answer() {
	expect_ok curl_get client "$1" 8081 /nginx
	serve_nc "$2"
	expect_ok curl_get client "$1" 8082 /nc
	wait_for gone "$SPAWNED" # or else the next one could be taken to listen already
}

setup_net
divert server
start_daemon server
serve_http server 8080
serve_nginx server 8081

step "without a rule all three answer"
expect_passes before4 8080 curl_get client $SERVER4
expect_passes before6 8080 curl_get client $SERVER6
others_answer $SERVER4 4
others_answer $SERVER6 6

step "a rule on python3's digest in INPUT"
expect_ok ctl -A -c INPUT -v DROP --sng-hash "$(digest python3)"
expect_blocked python4 8080 curl_get client $SERVER4
expect_blocked python6 8080 curl_get client $SERVER6
others_answer $SERVER4 4
others_answer $SERVER6 6

step "what is not a server's program does not matter here"
expect_ok ctl -D 0 -c INPUT
expect_ok ctl -A -c INPUT -v DROP --sng-hash "$(digest curl)"
expect_passes after4 8080 curl_get client $SERVER4
expect_passes after6 8080 curl_get client $SERVER6

step "nginx: master and worker hold the socket, and both are it"
expect_ok ctl -A -c INPUT -v DROP --sng-hash "$(digest nginx)"
MAX_TIME=0.5 expect_fail curl_get client $SERVER4 8081 /nginx
MAX_TIME=0.5 expect_fail curl_get client $SERVER6 8081 /nginx
expect_passes still4 8080 curl_get client $SERVER4
