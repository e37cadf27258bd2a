#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a rule with --expires is in force until its time and vanishes then by itself, from the list and from what
# is saved; one with --monitor only logs and counts, and the rules after it decide; list and explain show both.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# at SECONDS: that time from now as a rule has it.
at() {
	date -u -d "@$(($(date +%s) + $1))" +%Y-%m-%dT%H:%M:%SZ
}

lists() {
	ctl -L | grep -qF -- "$1"
}

lists_not() {
	! lists "$1"
}

saved_not() {
	! grep -qF -- "$1" "$TMP/state/rules"
}

packets() {
	ctl -L --json | jq ".chains[] | select(.chain == \"OUTPUT\").rules[$1].packets"
}

setup_net
serve_http server 8080
divert client
start_daemon client --state "$TMP/state"

step "in force until its time, and then gone without anybody's call"
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/curl --expires +10s --note short
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/curl --expires 2099-12-31T22:59:59-01:00 -d 192.0.2.1 --note long
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/curl -d 192.0.2.2 --note ever
expect_line "--expires $(date -u +%Y-)" ctl -L
expect_line "--expires 2099-12-31T23:59:59Z" ctl -L
expect_blocked before4 8080 curl_get client $SERVER4
lists 'note "short"' || fail "it vanished too early"
WAIT_S=30 wait_for lists_not 'note "short"'
expect_passes after4 8080 curl_get client $SERVER4
wait_for saved_not 'note "short"'
grep -q 'note "long"' "$TMP/state/rules" || fail "the other rule is not saved"
lists 'note "long"' || fail "the rule of 2099 is gone"
lists 'note "ever"' || fail "the rule without a time is gone"
wait_for grep -q 'the time of 1 rules is over' "$DAEMON_LOG"

step "a time that ends while the daemon is away"
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/curl --expires +5s --note away
kill_daemon
over=$(($(date +%s) + 5))
is_over() { [[ $(date +%s) -gt $over ]]; }
wait_for is_over
grep -q 'note "away"' "$TMP/state/rules" || fail "it was not saved"
start_daemon client --state "$TMP/state"
lists 'note "away"' && fail "it is there again"
saved_not 'note "away"' || fail "it is still saved"
lists 'note "long"' || fail "the rule of 2099 is gone"
expect_passes away4 8080 curl_get client $SERVER4

step "a restore leaves out what is over"
printf 'app-fw rules 2\n-c OUTPUT -v DROP --expires %s\n-c OUTPUT -v DROP --expires 2099-01-01T00:00:00Z -d 192.0.2.1\nend\n' "$(at -5)" >"$TMP/file"
expect_line "restored: 1 rules, 0 sets; left out, for their time is over: 1 rules" ctl restore "$TMP/file"
expect_passes restored4 8080 curl_get client $SERVER4
ctl save >"$TMP/one"
ctl restore - <"$TMP/one" || fail "restore"
ctl save | diff "$TMP/one" - || fail "not what was saved (above)"

step "a rule that only logs"
printf 'app-fw rules 2\nend\n' | ctl restore - || fail "restore"
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/curl --monitor --note watched
expect_line "--monitor" ctl -L
would=$(counter would_drop)
expect_passes watched4 8080 curl_get client $SERVER4
expect_that "$(packets 0)" -gt 0 "packets that it counted"
expect_that "$(counter would_drop)" -gt "$would" "packets that it would have dropped"
expect_that "$(counter dropped)" -eq 0 "packets dropped"
wait_for grep -q 'would DROP OUTPUT rule 0: known origin, pid' "$DAEMON_LOG"

step "the rules after it decide"
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/wget
expect_ok ctl -A -c OUTPUT -v ACCEPT -p tcp --dport 8080
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/curl
expect_passes second-curl4 8080 curl_get client $SERVER4
expect_blocked second-wget4 8080 wget_get client $SERVER4
expect_that "$(packets 2)" -gt 0 "packets of the rule that decided"
expect_ok ctl -I 0 -c OUTPUT -v DROP --dport 8080 --monitor --expires 2099-01-01T00:00:00Z
expect_line "it only logs that, and the next rules decide" ctl explain --pid $$ -d $SERVER4 -p tcp --dport 8080
grep -qF -- "--monitor --expires 2099-01-01T00:00:00Z" "$TMP/out" || fail "explain does not show the rule"
ctl explain --pid $$ -d $SERVER4 -p tcp --dport 8080 --json | jq -e '.verdict == "ACCEPT" and .steps[0].matches' ||
	fail "explain has another verdict"

step "the same rule made to enforce"
expect_ok ctl -D 0 -c OUTPUT
expect_line "--monitor" ctl -D 0 -c OUTPUT
expect_ok ctl -I 0 -c OUTPUT -v DROP --object /usr/bin/curl
expect_blocked enforced4 8080 curl_get client $SERVER4

step "bad input"
ctl save >"$TMP/before"
expect_no_change 2 "--expires tomorrow" ctl -A -c OUTPUT -v DROP --expires tomorrow
expect_no_change 2 "--expires +5" ctl -A -c OUTPUT -v DROP --expires +5
expect_no_change 2 "--expires +5w" ctl -A -c OUTPUT -v DROP --expires +5w
expect_no_change 2 "--expires +3651d" ctl -A -c OUTPUT -v DROP --expires +3651d
expect_no_change 2 "--expires 2099-02-30T00:00:00Z" ctl -A -c OUTPUT -v DROP --expires 2099-02-30T00:00:00Z
expect_no_change 2 "--expires 2099-01-01" ctl -A -c OUTPUT -v DROP --expires 2099-01-01
expect_no_change 2 "--expires" ctl -A -c OUTPUT -v DROP --expires
expect_no_change 2 "--expires" ctl -A -c OUTPUT -v DROP --expires +5s --expires +5s
expect_no_change 2 "-! --expires" ctl -A -c OUTPUT -v DROP -! --expires +5s
expect_no_change 1 "--expires 2020-01-01T00:00:00Z: this time is over" ctl -A -c OUTPUT -v DROP --expires 2020-01-01T00:00:00Z
expect_no_change 1 "this time is over" ctl -A -c OUTPUT -v DROP --expires +0s
expect_no_change 2 "--monitor" ctl -A -c OUTPUT -v DROP --monitor --monitor
expect_no_change 2 "-! --monitor" ctl -A -c OUTPUT -v DROP -! --monitor
expect_no_change 2 "yes" ctl -A -c OUTPUT -v DROP --monitor yes
expect_no_change 2 "--monitor" ctl -L --monitor
expect_no_change 1 "--monitor" ctl explain --pid $$ -d $SERVER4 --monitor
expect_no_change 1 "--expires" ctl explain --pid $$ -d $SERVER4 --expires +5s
