#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: under --pol-out DROP only the program that a rule allows by digest gets out; by IPv4 and IPv6.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

setup_net
serve_http server 8080
divert client
start_daemon client --pol-out DROP

step "nothing gets out"
expect_blocked none-curl4 8080 curl_get client $SERVER4
expect_blocked none-wget6 8080 wget_get client $SERVER6

step "wget is allowed"
expect_ok ctl -A -c OUTPUT -v ACCEPT --sng-hash "$(digest wget)"
expect_passes wget4 8080 wget_get client $SERVER4
expect_passes wget6 8080 wget_get client $SERVER6
expect_blocked curl4 8080 curl_get client $SERVER4
expect_blocked curl6 8080 curl_get client $SERVER6

step "a copy of wget with one more byte is another program"
copy_program /usr/bin/wget wget
MAX_TIME=0.5 expect_fail on client "$TMP/wget" --no-config -nv -t 1 -T 1 -O /dev/null "$(url $SERVER4 8080 /copy)"
! http_saw 8080 /copy || fail "the server saw /copy"

step "allowed for one port only"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v ACCEPT --sng-hash "$(digest wget)" -p tcp --dport 8081
expect_blocked port-wget4 8080 wget_get client $SERVER4
expect_ok ctl -A -c OUTPUT -v ACCEPT --sng-hash "$(digest wget)" -p tcp --dport 8000:8080
expect_passes range-wget4 8080 wget_get client $SERVER4
