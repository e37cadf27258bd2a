#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a DROP rule on the SHA-256 of curl stops curl, lets wget pass, and stops nothing once it is
# deleted; by IPv4 and IPv6. A rule before it, a negated one, and the digest of a library work too.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

all_pass() {
	expect_passes "$1-curl4" 8080 curl_get client $SERVER4
	expect_passes "$1-curl6" 8080 curl_get client $SERVER6
	expect_passes "$1-wget4" 8080 wget_get client $SERVER4
	expect_passes "$1-wget6" 8080 wget_get client $SERVER6
}

only_wget_passes() {
	expect_blocked "$1-curl4" 8080 curl_get client $SERVER4
	expect_blocked "$1-curl6" 8080 curl_get client $SERVER6
	expect_passes "$1-wget4" 8080 wget_get client $SERVER4
	expect_passes "$1-wget6" 8080 wget_get client $SERVER6
}

setup_net
serve_http server 8080
divert client
start_daemon client
curl=$(digest curl)

step "without a rule both pass"
all_pass before

step "a rule on curl's digest"
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$curl"
expect_line "$curl" ctl -L
expect_line "$curl" ctl -L -c OUTPUT
expect_no_line "$curl" ctl -L -c INPUT
only_wget_passes digest

step "an ACCEPT rule in front of it wins, for its address alone"
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -d $SERVER4 -p tcp --dport 8080
expect_passes first-curl4 8080 curl_get client $SERVER4
expect_blocked first-curl6 8080 curl_get client $SERVER6
expect_ok ctl -D 0 -c OUTPUT
only_wget_passes again

step "deleted"
expect_ok ctl -D 0 -c OUTPUT
all_pass deleted

step "negated: drop what does not have wget in it"
expect_ok ctl -A -c OUTPUT -v DROP -p tcp -! --sng-hash "$(digest wget)"
only_wget_passes negated
expect_ok ctl -D 0 -c OUTPUT

step "by the digest of a library that curl alone has mapped"
expect_ok ctl -A -c OUTPUT -v DROP --object "$(ldd /usr/bin/curl | awk '/libcurl/ { print $3 }')"
only_wget_passes library
expect_ok ctl -D 0 -c OUTPUT
all_pass end
