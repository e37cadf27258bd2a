#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: bad input gets one line that names the culprit and a status that is not 0 (ctl-fw: 1 refused,
# 2 usage, 3 no daemon), and leaves the rules and the daemon as they were.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

D64=$(printf '0%.0s' {1..64})

# refused STATUS CULPRIT CMD...: and nothing has changed.
refused() {
	expect_refused "$@"
	unchanged
}

unchanged() {
	daemon_alive
	rules | diff "$TMP/rules" - || fail "the rules have changed (above)"
}

# A rule with everything right but for the words given.
bad_rule() {
	local culprit=$1
	shift
	refused 2 "$culprit" ctl -A -c OUTPUT -v DROP "$@"
}

# another NS OPTION...: a second daemon, which must give up by itself.
another() {
	local ns=$1
	shift
	timeout 20 nsenter --net="$(netns "$ns")" "$BIN/app-fw" --no-state "$@"
}

another_without_btf() {
	# shellcheck disable=SC2016
	timeout 20 nsenter --net="$(netns server)" unshare --mount bash -c \
		'mount -t tmpfs none /sys/kernel/btf && exec "$0" --no-state --socket "$1"' "$BIN/app-fw" "$TMP/other/ctl.sock"
}

# Programs where nobody may run them.
as_nobody() {
	install -m 755 "$BIN/app-fw" "$BIN/ctl-fw" "$TMP"
	setpriv --reuid=nobody --regid=nogroup --clear-groups "$TMP/$1" "${@:2}"
}

setup_net
serve_http server 8080
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)" --note "the rule that must stay"
rules >"$TMP/rules"

step "digests"
bad_rule "got 63" --sng-hash "${D64:1}"
bad_rule "got 65" --sng-hash "${D64}0"
bad_rule "other characters" --sng-hash "${D64:1}g"

step "addresses and ports"
bad_rule 10.0.0.0/33 -d 10.0.0.0/33
bad_rule fd00::/129 -s fd00::/129
bad_rule 10.0.0.0/-1 -d 10.0.0.0/-1
bad_rule 10.0.0 -d 10.0.0
bad_rule 65536 -p tcp --dport 65536
bad_rule 65536 -p udp --sport 1:65536
bad_rule 9:1 -p tcp --dport 9:1
bad_rule nosuch -p nosuch

step "chains, verdicts, options"
refused 2 PREROUTING ctl -A -c PREROUTING -v DROP
refused 2 output ctl -A -c output -v DROP
refused 2 REJEKT ctl -A -c OUTPUT -v REJEKT
refused 2 --nosuch ctl -A -c OUTPUT -v DROP --nosuch
refused 2 --nosuch ctl --nosuch
refused 2 nosuch ctl nosuch
bad_rule --dport -p tcp --dport

step "places past the end"
refused 1 1 ctl -D 1 -c OUTPUT
refused 1 0 ctl -D 0 -c INPUT
refused 1 2 ctl -I 2 -c OUTPUT -v DROP
refused 2 -1 ctl -D -1 -c OUTPUT
refused 2 99999999999999999999 ctl -D 99999999999999999999 -c OUTPUT

step "objects that can't be read, namespaces and processes that are not there"
refused + "$TMP/nosuch" ctl -A -c OUTPUT -v DROP --object "$TMP/nosuch"
refused + "$TMP/nosuch" ctl -H "$TMP/nosuch"
refused + "$TMP" ctl -H "$TMP"
refused + "$TMP/nosuch" ctl -A -c OUTPUT -v DROP -n "$TMP/nosuch"
refused 1 4194999 ctl objects 4194999

step "no daemon"
refused 3 "$TMP/nosuch.sock" "$BIN/ctl-fw" --socket "$TMP/nosuch.sock" -L

step "no root"
refused + root as_nobody app-fw --no-state --socket "$TMP/other/ctl.sock"
refused 3 "$APP_FW_SOCKET" as_nobody ctl-fw --socket "$APP_FW_SOCKET" -L

step "the daemon's own options"
refused + --nosuch another server --nosuch
refused + 65536 another server --queue-out 65536
refused + REJEKT another server --pol-out REJEKT
refused + "$TMP/nosuch.o" another server -e "$TMP/nosuch.o" --socket "$TMP/other/ctl.sock"
refused + README.md another server -e README.md --socket "$TMP/other/ctl.sock"
refused + -b another server -b 0

step "a second daemon: on the same socket, on the same queue"
refused + "$APP_FW_SOCKET" another server --socket "$APP_FW_SOCKET"
refused + "queue 1" another client --socket "$TMP/other/ctl.sock"
expect_line "$(digest curl)" ctl -L

step "no BTF"
refused + /sys/kernel/btf another_without_btf

step "saved rules cut short"
mkdir -m 700 "$TMP/state"
printf 'app-fw rules 1\n-c OUTPUT -v DROP --dport 25\n' >"$TMP/state/rules"
cp "$TMP/state/rules" "$TMP/rules-saved"
refused + "$TMP/state/rules" timeout 20 nsenter --net="$(netns server)" \
	"$BIN/app-fw" --state "$TMP/state" --socket "$TMP/other/ctl.sock"
cmp "$TMP/state/rules" "$TMP/rules-saved" || fail "the saved rules have changed"

step "messages that break the protocol"
/usr/bin/python3 $SCRIPTS/garbage.py "$APP_FW_SOCKET" || fail "the socket's answers (above)"
unchanged
expect_that "$(counter client_refused)" -gt 0 "clients closed"

step "and it still does its work"
expect_blocked curl4 8080 curl_get client $SERVER4
expect_passes wget6 8080 wget_get client $SERVER6
