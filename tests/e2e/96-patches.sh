#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a virtual patch drops what reaches a vulnerable service, by address, port and protocol, in both directions and
# both families, before all rules; a /32 never hides a /24; its id stays its own through restart, save and restore; it
# expires by itself; with --monitor it only tells; wrong words are named and change nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# patch ID KEY: of `patch list`.
patch() {
	ctl patch list --json | jq -r --argjson id "$1" --arg key "$2" '.patches[] | select(.id == $id)[$key]'
}

ids() {
	ctl patch list --json | jq -c '[.patches[].id]'
}

expect_ids() {
	[[ $(ids) == "$1" ]] || fail "patches are $(ids), not $1"
}

is_listed() {
	[[ -n $(patch "$1" id) ]]
}

is_not_listed() {
	! is_listed "$1"
}

# blocked PATH ADDRESS
blocked() {
	expect_blocked "$1" 8080 curl_get client "$2"
}

passes() {
	expect_passes "$1" 8080 curl_get client "$2"
}

setup_net
serve_http server 8080
serve_http client 8081
divert client
start_daemon client --state "$TMP/state" --events "$TMP/events"

step "not shadowed by a rule that allows all"
for chain in INPUT OUTPUT; do expect_ok ctl -A -c $chain -v ACCEPT; done
passes before4 $SERVER4
began=${EPOCHREALTIME/[.,]/}
expect_line "patch 1" ctl patch add --cidr $SERVER4 --port 8080 -p tcp --note CVE-2099-0001
echo "acknowledged, and so durable and in force, $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms after ctl-fw was started"
blocked one4 $SERVER4
passes one6 $SERVER6
expect_that "$(patch 1 packets)" -gt 0 "packets of the patch"
[[ $(patch 1 note) == CVE-2099-0001 ]] || fail "its note"
wait_for grep -q '"reason":"patch","rule":null,"patch":{"id":1,.*"note":"CVE-2099-0001"' "$TMP/events"
wait_for grep -q 'DROP OUTPUT patch 1: known origin, pid' "$DAEMON_LOG"

step "explain and -L tell of it first"
expect_line "patch      1: --cidr $SERVER4/32 --port 8080 -p tcp --note" ctl explain --pid $$ -d $SERVER4 -p tcp --dport 8080
ctl explain --pid $$ -d $SERVER4 -p tcp --dport 8080 --json |
	jq -e '.verdict == "DROP" and .patch == 1 and .rule == null and .steps[0].matches' || fail "explain"
ctl explain --pid $$ -d $SERVER6 -p tcp --dport 8080 --json |
	jq -e '.verdict == "ACCEPT" and .patch == null and .rule == 0 and .steps[0].patch == 1' || fail "explain of another"
expect_line "1: --cidr $SERVER4/32 --port 8080 -p tcp" ctl -L
ctl status --json | jq -e '.rules.patches == 1' || fail "status"

step "both families, and both directions"
expect_line "patch 2" ctl patch add --cidr fd00:200::/64 --port 8080 --note six
blocked two6 $SERVER6
expect_line "patch 3" ctl patch add --port 8081 --note "a server here"
expect_fail curl_get server $CLIENT4 8081 /three
http_saw 8081 /three && fail "the server here saw it"
expect_ok ctl patch rm 3
expect_ok curl_get server $CLIENT4 8081 /four
http_saw 8081 /four || fail "the server here did not see it"

step "an end is one end: the port of one and the address of the other are not"
expect_ok ctl patch rm CVE-2099-0001
expect_line "patch 4" ctl patch add --cidr $CLIENT4 --port 8080 --note "nobody listens here"
passes end4 $SERVER4
expect_ok ctl patch rm 4

step "a /32 never hides a /24, nor a /0"
expect_line "patch 5" ctl patch add --cidr $SERVER4/32 -p udp --note narrow
expect_line "patch 6" ctl patch add --cidr $SERVER4/24 --port 8080 --note wide
expect_line "patch 7" ctl patch add --cidr $SERVER4/32 -p tcp --port 9 --note narrow
blocked wide4 $SERVER4
expect_that "$(patch 6 packets)" -gt 0 "packets of the wide one"
expect_that "$(patch 5 packets)" -eq 0 "packets of the narrow one"
expect_refused 1 "patch rm narrow: 2 patches: expected the id of one" ctl patch rm narrow
expect_line "patch 6: --cidr 10.200.0.0/24" ctl patch rm wide
passes narrow4 $SERVER4
expect_ids '[2,5,7]'

step "one chain only"
expect_line "patch 8" ctl patch add -c INPUT --cidr $SERVER4 --port 8080 --note in
ctl explain --pid $$ -d $SERVER4 -p tcp --dport 8080 --json | jq -e '.verdict == "ACCEPT"' || fail "OUTPUT has it too"
blocked_in() { MAX_TIME=0.5 expect_fail curl_get client $SERVER4 8080 /in; }
blocked_in
expect_ok ctl patch rm 8

step "one that only tells"
expect_line "patch 9" ctl patch add --cidr $SERVER4 --port 8080 --monitor --note watched
would=$(counter would_drop)
passes watched4 $SERVER4
expect_that "$(patch 9 packets)" -gt 0 "packets that it counted"
expect_that "$(counter would_drop)" -gt "$would" "packets that it would have dropped"
wait_for grep -q 'would DROP OUTPUT patch 9: ' "$DAEMON_LOG"

step "it expires by itself"
expect_line "patch 10" ctl patch add --cidr $SERVER4 --port 8080 --expires +5s --note short
blocked short4 $SERVER4
is_listed 10 || fail "it vanished too early"
WAIT_S=30 wait_for is_not_listed 10
passes long4 $SERVER4
grep -q 'note "short"' "$TMP/state/rules" && fail "it is still saved"
wait_for grep -q 'the time of 1 patches is over' "$DAEMON_LOG"

step "a crash and a restart: the same patches, and no id twice"
expect_line "patch 11" ctl patch add --cidr $SERVER4 --port 8080 --note stays
kill_daemon
start_daemon client --state "$TMP/state"
expect_ids '[2,5,7,9,11]'
blocked stays4 $SERVER4
expect_ok ctl patch rm 11
stop_daemon TERM
start_daemon client --state "$TMP/state"
passes restarted4 $SERVER4
expect_line "patch 12" ctl patch add --port 9 --note next

step "save and restore, byte for byte; SIGHUP"
ctl save >"$TMP/one"
grep -qx 'patch 2 --cidr fd00:200::/64 --port 8080 --note "six"' "$TMP/one" || fail "not in what is saved"
expect_ok ctl patch rm 2
passes without6 $SERVER6
expect_ok ctl restore "$TMP/one"
ctl save | diff "$TMP/one" - || fail "not what was saved (above)"
blocked again6 $SERVER6
printf 'app-fw rules 2\nend\n' | ctl restore - || fail "a text of before there were patches"
expect_ids '[]'
expect_line "patch 13" ctl patch add --port 9 --note "no id comes again"
kill -HUP "$DAEMON"
wait_for grep -q 'rules reloaded' "$DAEMON_LOG"
expect_ids '[13]'

step "a patch by a named set holds the set"
expect_ok ctl set add web /usr/bin/curl
expect_line "patch 14" ctl patch add --set web --cidr $SERVER4 --note "by set"
blocked set4 $SERVER4
expect_refused 1 "set web is in use by patch 14" ctl set rm web
expect_ok ctl patch rm 14
expect_ok ctl set rm web

ctl save >"$TMP/before"

step "bad input"
expect_no_change 2 "patch nosuch" ctl patch nosuch
expect_no_change 2 "patch: expected add, rm or list" ctl patch
expect_no_change 2 "--cidr 10.0.0.0/33" ctl patch add --cidr 10.0.0.0/33 --note x
expect_no_change 2 "--port 65536" ctl patch add --port 65536 --note x
expect_no_change 2 "missing --note" ctl patch add --port 1
expect_no_change 2 "a patch that matches everything" ctl patch add --note x
expect_no_change 2 "-v" ctl patch add --port 1 -v ACCEPT --note x
expect_no_change 2 "-! --cidr" ctl patch add -! --cidr 10.0.0.1 --note x
expect_no_change 2 "--cidr" ctl patch add --cidr 10.0.0.1 -s 10.0.0.2 --note x
expect_no_change 2 "--port" ctl patch add --port 1 -p icmp --note x
expect_no_change 2 "--until-unmapped" ctl patch add --port 1 --until-unmapped --note x
expect_no_change 2 "--file" ctl patch add --port 1 --file /bin/true --note x
expect_no_change 2 "--sid 0" ctl patch add --sid 0 --note x
expect_no_change 2 "expected one of them" ctl patch add log4shell --pattern x
expect_no_change 2 "heartbleed" ctl patch add heartbleed
expect_no_change 2 "patch rm" ctl patch rm
expect_no_change 2 "7" ctl patch rm 13 7
expect_no_change 1 "--sid 5: expected a signature that is loaded" ctl patch add --sid 5 --note x
expect_no_change 1 "what looks at a payload goes with" ctl patch add log4shell -c INPUT
expect_no_change 1 "-p: expected tcp or udp" ctl patch add --pattern x -p icmp --note x
expect_no_change 1 "patch rm 999: no such patch" ctl patch rm 999
expect_no_change 1 "this time is over" ctl patch add --port 1 --note x --expires 2020-01-01T00:00:00Z
expect_no_change 1 "--set nosuch: no such set" ctl patch add --set nosuch --note x
printf 'app-fw rules 3\npatch 1 --port 1 --note "x"\npatch 1 --port 2 --note "y"\nend\n' >"$TMP/twice"
expect_no_change 1 "line 3: 1: a second patch of this id" ctl restore "$TMP/twice"
