#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a rule that was acknowledged is in force again after SIGKILL and a new start; SIGHUP reads the
# saved rules again, and keeps those in force when the file is broken.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

saved=$TMP/state/rules

n_rules() {
	[[ $(ctl -L --json | jq '[.chains[].rules[]] | length') -eq $1 ]]
}

setup_net
serve_http server 8080
divert client
start_daemon client --state "$TMP/state"
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)" --note 'of "curl" \ and blanks'
expect_ok ctl -A -c INPUT -v ACCEPT -s fd00::/16 -p tcp --sport 1:1024
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -d 192.0.2.1
rules >"$TMP/rules"

step "killed, and started again"
kill_daemon
start_daemon client --state "$TMP/state"
rules | diff "$TMP/rules" - || fail "the rules are not what they were (above)"
expect_blocked curl4 8080 curl_get client $SERVER4
expect_passes wget4 8080 wget_get client $SERVER4

step "deleted is deleted"
expect_ok ctl -D 1 -c OUTPUT
kill_daemon
start_daemon client --state "$TMP/state"
n_rules 2 || fail "not 2 rules"
expect_passes after4 8080 curl_get client $SERVER4

step "a policy is in force at once, and after a new start, whatever the command line says"
expect_ok ctl policy OUTPUT DROP
expect_blocked policy4 8080 wget_get client $SERVER4
kill_daemon
start_daemon client --state "$TMP/state" --pol-out ACCEPT
expect_line '"policy":"DROP"' ctl -L -c OUTPUT --json
expect_blocked policy6 8080 wget_get client $SERVER6
expect_ok ctl policy OUTPUT ACCEPT
expect_passes policy-after 8080 wget_get client $SERVER4
expect_refused 2 "REJECT" ctl policy OUTPUT REJECT

step "SIGHUP after somebody edited the file"
cp "$saved" "$TMP/whole"
sed -e '/^-c INPUT/d' -e 's/^end .*/end 2/' "$TMP/whole" >"$saved"
kill -HUP "$DAEMON"
wait_for n_rules 1

step "SIGHUP with a file cut short: the rules in force stay, and the log names it"
head -n 1 "$TMP/whole" >"$saved"
kill -HUP "$DAEMON"
wait_for grep -qF "$saved" "$DAEMON_LOG"
n_rules 1 || fail "not 1 rule"
