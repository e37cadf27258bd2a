#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: packets too short for their headers, with IP options, IPv6 extension headers, or later
# fragments are judged by what is known of them: no free pass, no crash. The receiver judges.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

ODD=$SCRIPTS/odd.py

odd() {
	/usr/bin/python3 "$ODD" "$@"
}

# send_all QUEUED: sends each once, QUEUED packets having gone before; what arrives is in $TMP/arrived.
# The watcher has seen all of it when it sees the answer to a ping that follows.
send_all() {
	: >"$TMP/watch.log"
	expect_ok on client /usr/bin/python3 "$ODD" send $CLIENT4 $SERVER4 $CLIENT6 $SERVER6
	wait_for counts_more queued $(($1 + $(odd list | wc -l) - 1))
	wait_for settled
	expect_ok on server ping -q -c 1 -W 10 $CLIENT4
	wait_for grep -qx 'echo reply' "$TMP/watch.log"
	grep -vx 'echo reply' "$TMP/watch.log" | sort -u >"$TMP/arrived" || true
}

# expect_arrived WHAT: exactly the names on standard input.
expect_arrived() {
	sort >"$TMP/wanted"
	diff "$TMP/wanted" "$TMP/arrived" || fail "$1: arrived (>) and should not, or should (<) and did not"
}

setup_net
spawn server watch /usr/bin/python3 "$ODD" watch veth0
wait_for grep -q '^listening$' "$TMP/watch.log"
divert client

step "without a rule all of them arrive"
start_daemon client
send_all "$(counter queued)"
odd list | cut -d' ' -f1 | expect_arrived "no rule"
expect_that "$(counter malformed)" -gt 0 "malformed packets counted"
expect_that "$(counter fragment)" -gt 0 "later fragments counted"

step "a DROP rule on UDP port 7777"
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7777
send_all "$(counter queued)"
odd list | awk '$2 == "pass" { print $1 }' | expect_arrived "by port"
expect_ok ctl -D 0 -c OUTPUT

step "a DROP rule on the sender's digest"
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest python3)"
send_all "$(counter queued)"
expect_arrived "by digest" </dev/null
stop_daemon TERM

step "under policy DROP, what is allowed by port passes; what can't be known (or lies too deep) does not"
start_daemon client --pol-out DROP
expect_ok ctl -A -c OUTPUT -v ACCEPT -p udp --dport 7777
send_all "$(counter queued)"
odd list | awk '$2 == "drop" { print $1 }' |
	grep -vE 'header-of-[013]|later-fragment|cut-short|x40' | expect_arrived "by policy"
