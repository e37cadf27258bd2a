#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: the mode changes live and outlives the daemon; a mode or a restore with --confirm-within is in force at
# once, rolled back when nobody confirms it in time or the daemon is killed meanwhile, and kept when somebody does.
# timeout: 240
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

restart() {
	kill_daemon
	start_daemon client --state "$TMP/state" "$@"
}

mode_is() {
	ctl status --json | jq -e --arg m "$1" '.mode == $m'
}

must_be() {
	mode_is "$1" >/dev/null || fail "the mode is not $1"
}

# pending FILTER: of what waits to be confirmed.
pending() {
	ctl status --json | jq -e ".confirm | $1" >/dev/null || fail "confirm is not as it should be: $1"
}

nothing_waits() {
	ctl status --json | jq -e 'has("confirm") and .confirm == null'
}

unchanged() {
	daemon_alive
	{ ctl save; ctl status --json | jq .mode; } | diff "$TMP/before" - || fail "something has changed (above)"
}

note_state() {
	{ ctl save; ctl status --json | jq .mode; } >"$TMP/before"
}

refused() {
	expect_refused "$@"
	unchanged
}

configuration_is() {
	ctl save | diff -q "$1" -
}

# Waits as long as a short trial and a slow machine can take.
wait_long() {
	WAIT_S=40 wait_for "$@"
}

setup_net
serve_http server 8080
divert client
start_daemon client --state "$TMP/state"
expect_ok ctl -A -c OUTPUT -v DROP --object /usr/bin/curl

step "live: enforce, monitor, enforce"
must_be enforce
expect_blocked enforce4 8080 curl_get client $SERVER4
expect_ok ctl mode monitor
must_be monitor
expect_line monitor ctl status
would=$(counter would_drop)
expect_passes monitor4 8080 curl_get client $SERVER4
expect_that "$(counter would_drop)" -gt "$would" "packets that would have been dropped"
wait_for grep -q 'would DROP OUTPUT rule 0' "$DAEMON_LOG"
expect_ok ctl mode enforce
expect_blocked enforce-again4 8080 curl_get client $SERVER4

step "it outlives the daemon, whatever its options say"
expect_ok ctl mode monitor
restart --mode enforce
must_be monitor
expect_passes monitor-after4 8080 curl_get client $SERVER4
grep -q "mode monitor, as it is saved" "$DAEMON_LOG" || fail "the log does not say why"
expect_ok ctl mode enforce
restart --mode monitor
must_be enforce

step "not confirmed: rolled back, with the client long gone"
expect_ok ctl mode monitor
expect_line "rolled back in 10 s, unless: ctl-fw mode confirm" ctl mode enforce --confirm-within 10s
must_be enforce
pending '.change == "mode" and .before == "monitor" and .left_s <= 10 and (.until | test("^20.*Z$"))'
expect_line "back to monitor" ctl status
expect_blocked tried4 8080 curl_get client $SERVER4
wait_long mode_is monitor
nothing_waits || fail "something still waits"
wait_for grep -q "not confirmed in time: rolled back to the mode before" "$DAEMON_LOG"
expect_passes rolled-back4 8080 curl_get client $SERVER4

step "confirmed: kept, past its time and the daemon's"
expect_ok ctl mode enforce --confirm-within 1m
expect_line "confirmed: the mode" ctl mode confirm
nothing_waits || fail "it still waits"
restart
must_be enforce
expect_ok ctl mode monitor
expect_ok ctl mode enforce --confirm-within 5s
end=$((${EPOCHREALTIME/[.,]/} + 6000000))
expect_ok ctl mode confirm
is_past() { ((${EPOCHREALTIME/[.,]/} > end)); }
wait_for is_past
must_be enforce

step "killed while it waits: what was before"
expect_ok ctl mode monitor
expect_ok ctl mode enforce --confirm-within 1h
must_be enforce
restart
must_be monitor
nothing_waits || fail "something waits"

step "a second one keeps what was confirmed last; a plain one settles it; rules can change meanwhile"
expect_ok ctl mode enforce --confirm-within 1h
expect_ok ctl mode enforce --confirm-within 2h
pending '.before == "monitor" and .left_s > 3600'
expect_ok ctl -A -c OUTPUT -v DROP -d 192.0.2.1 --note meanwhile
expect_ok ctl mode enforce
nothing_waits || fail "it still waits"
restart
must_be enforce
ctl -L | grep -q meanwhile || fail "the rule is lost"

step "a restore that nobody confirms"
ctl save >"$TMP/old"
printf 'app-fw rules 2\npolicy OUTPUT DROP\n-c OUTPUT -v ACCEPT --object /usr/bin/curl\nend\n' >"$TMP/try"
sed -i "s|--object /usr/bin/curl|--sng-hash $(digest curl)|" "$TMP/try"
expect_line "rolled back in 10 s" ctl restore "$TMP/try" --confirm-within 10s
pending '.change == "rules" and .before == null'
expect_line "back to what was before" ctl status
expect_passes try-curl4 8080 curl_get client $SERVER4
expect_blocked try-wget4 8080 wget_get client $SERVER4
wait_long configuration_is "$TMP/old"
nothing_waits || fail "something waits"
expect_blocked old-curl4 8080 curl_get client $SERVER4
expect_passes old-wget4 8080 wget_get client $SERVER4

step "killed while it waits; SIGHUP while it waits"
expect_ok ctl restore "$TMP/try" --confirm-within 1h
expect_blocked wait-wget4 8080 wget_get client $SERVER4
restart
configuration_is "$TMP/old" >/dev/null || fail "not what was before"
nothing_waits || fail "something waits"
expect_ok ctl restore "$TMP/try" --confirm-within 1h
kill -HUP "$DAEMON"
wait_for configuration_is "$TMP/old"
wait_for nothing_waits

step "what would be rolled back with it is refused, what would not be is not"
expect_ok ctl restore "$TMP/try" --confirm-within 1h
note_state
refused 1 "ctl-fw mode confirm" ctl -A -c OUTPUT -v DROP
refused 1 "ctl-fw mode confirm" ctl -D 0 -c OUTPUT
refused 1 "ctl-fw mode confirm" ctl set add web /usr/bin/curl
refused 1 "change of the rules waits" ctl mode monitor --confirm-within 5s
expect_ok ctl mode monitor
expect_ok ctl mode enforce
pending '.change == "rules"'
expect_line "confirmed: the rules" ctl mode confirm
expect_ok ctl -A -c OUTPUT -v ACCEPT -d 192.0.2.9
ctl save >"$TMP/kept"
restart
configuration_is "$TMP/kept" >/dev/null || fail "what was confirmed is not there"
expect_passes kept-curl4 8080 curl_get client $SERVER4
expect_blocked kept-wget4 8080 wget_get client $SERVER4

step "a rule that expires while it waits does not come into what is saved"
printf 'app-fw rules 2\n-c OUTPUT -v DROP --expires %s\nend\n' "$(date -u -d "@$(($(date +%s) + 3))" +%Y-%m-%dT%H:%M:%SZ)" >"$TMP/short"
expect_ok ctl restore "$TMP/short" --confirm-within 1h
no_rules() { ctl -L --json | jq -e '[.chains[].rules[]] == []'; }
wait_long no_rules
restart
configuration_is "$TMP/kept" >/dev/null || fail "not what was before"

step "bad input"
note_state
refused 1 "nothing waits" ctl mode confirm
refused 2 "nosuch" ctl mode nosuch
refused 2 "mode" ctl mode
refused 2 "now" ctl mode enforce now
refused 2 "--confirm-within 60" ctl mode monitor --confirm-within 60
refused 2 "--confirm-within 0s" ctl mode monitor --confirm-within 0s
refused 2 "--confirm-within 2d" ctl mode monitor --confirm-within 2d
refused 2 "--confirm-within x" ctl restore "$TMP/try" --confirm-within x
refused 2 "--confirm-within" ctl mode confirm --confirm-within 1s
refused 2 "--confirm-within" ctl -A -c OUTPUT -v DROP --confirm-within 1s
refused 2 "--confirm-within" ctl save --confirm-within 1s
refused 2 "--confirm-within" ctl mode monitor --confirm-within
refused 2 "--confirm-within" ctl mode monitor --confirm-within 1s --confirm-within 1s
refused 1 "line 1" ctl restore /dev/null --confirm-within 5s
nothing_waits || fail "something waits"
echo "mode watch" >"$TMP/state/mode"
kill -HUP "$DAEMON"
wait_for grep -qF "$TMP/state/mode:1: expected" "$DAEMON_LOG"
unchanged
stop_daemon TERM
expect_refused 1 "$TMP/state/mode" timeout 20 nsenter --net="$(netns client)" "$BIN/app-fw" --state "$TMP/state" --socket "$APP_FW_SOCKET"
