#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: 100,000 mixed rules are loaded at once, the one that matches decides wherever it stands, one can be put in
# and taken out at any place and acts at once, in less than 100 MB; traffic passes meanwhile.
# timeout: 180
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

N=100000
MEMORY_KB=${SAN:+10}100000

# make_rules SEED: N rules, none of which matches what this test sends.
make_rules() {
	awk -v n=$N -v seed="$1" '
		function below(n) { return int(rand() * n) }
		function digest(   i, text) { for (i = 0; i < 8; i++) text = text sprintf("%08x", below(4294967296)); return text }
		function network() { return sprintf("172.%d.%d.%d/32", 16 + below(16), below(256), below(256)) }
		BEGIN {
			srand(seed)
			print "app-fw rules 2"
			for (i = 0; i < n; i++) {
				kind = below(6)
				verdict = below(2) ? "DROP" : "ACCEPT"
				if (kind == 0) match_ = "-d " network()
				if (kind == 1) match_ = "-d 172.16.0.0/12 -p tcp --dport " below(60000)
				if (kind == 2) match_ = "--sng-hash " digest()
				if (kind == 3) match_ = "--sng-hash " digest() " -d " network()
				if (kind == 4) match_ = "-d 2001:db8::" sprintf("%x", below(65536)) " -p udp --dport 1:" 1 + below(1000)
				if (kind == 5) match_ = "--uid " 70000 + below(100000) ":200000 -! -p icmp"
				print "-c OUTPUT -v " verdict " " match_
			}
			print "end"
		}'
}

# Its own memory: the pages of a file that is hashed in this moment are the page cache's.
resident_kb() {
	awk '/^RssAnon/ { print $2 }' "/proc/$DAEMON/status"
}

expect_memory() {
	expect_that $(($(resident_kb) - before_kb)) -lt "$MEMORY_KB" "kB more of resident memory$1"
}

n_rules() {
	ctl status --json | jq .rules.OUTPUT
}

setup_net
serve_http server 8080
divert client
start_daemon client --no-state
before_kb=$(resident_kb)

step "$N rules, of which the last blocks curl"
make_rules 1 | sed "s/^end$/-c OUTPUT -v DROP --sng-hash $(digest curl)\nend/" >"$TMP/many"
expect_line "restored: $((N + 1)) rules, 0 sets" ctl restore "$TMP/many"
expect_memory ""
for f in 4 6; do
	server=SERVER$f
	expect_blocked curl$f 8080 curl_get client "${!server}"
	expect_passes wget$f 8080 wget_get client "${!server}"
done

step "rules put in and taken out, first, last and between: each acts at once"
for at in 0 $((N / 2)) $N $((N / 3)); do
	expect_ok ctl -I "$at" -c OUTPUT -v DROP --sng-hash "$(digest wget)"
	expect_blocked "in.$at" 8080 wget_get client $SERVER4
	expect_ok ctl -D "$at" -c OUTPUT
	expect_passes "out.$at" 8080 wget_get client $SERVER4
done
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -d $SERVER4
expect_passes shadowed 8080 curl_get client $SERVER4
expect_ok ctl -D 0 -c OUTPUT

step "more changes than an index outlives"
for ((i = 0; i < 100; i++)); do
	printf -- '-I %d -c OUTPUT -v DROP -d 192.0.2.%d\n' $((i * N / 100)) $i
done | while read -r words; do
	# shellcheck disable=SC2086 # words of a command line
	ctl $words >/dev/null || fail "$words"
done
expect_that "$(n_rules)" -eq $((N + 101)) "rules"
expect_blocked again 8080 curl_get client $SERVER4
expect_passes again6 8080 wget_get client $SERVER6

step "another $N instead, while requests go on"
make_rules 2 >"$TMP/other"
for i in 1 2 3; do
	expect_line "restored: $N rules, 0 sets" ctl restore "$TMP/other"
	expect_passes "other.$i" 8080 curl_get client $SERVER4
	expect_line "restored: $((N + 1)) rules, 0 sets" ctl restore "$TMP/many"
	expect_blocked "many.$i" 8080 curl_get client $SERVER4
done
expect_memory ", after six of them"

step "none left"
printf 'app-fw rules 2\nend\n' >"$TMP/none"
expect_line "restored: 0 rules, 0 sets" ctl restore "$TMP/none"
expect_passes none 8080 curl_get client $SERVER4
expect_memory ""
