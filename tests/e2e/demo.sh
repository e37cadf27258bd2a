#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `make demo`: the firewall at work in two network namespaces, told step by step. Everything it
# makes is removed at its end; the host's own traffic is not touched.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

if [[ -t 1 ]]; then bold=$'\e[1m' good=$'\e[32m' plain=$'\e[0m'; else bold='' good='' plain=''; fi

tell() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# show LINE: what a user would type, then what came of it.
show() {
	printf '    $ %s\n' "$*"
}

shown() {
	show "$*"
	"$@" | sed 's/^/      /'
}

# must_pass PROGRAM GET ADDR; must_be_blocked PROGRAM GET ADDR
must_pass() {
	show "$1 $(url "$3" 8080 /)"
	MAX_TIME=20 "$2" client "$3" 8080 / >/dev/null 2>&1 || fail "$1 did not get through to $3"
	printf '      %spasses%s\n' "$good" "$plain"
}

must_be_blocked() {
	show "$1 $(url "$3" 8080 /)"
	! MAX_TIME=1 "$2" client "$3" 8080 / >/dev/null 2>&1 || fail "$1 got through to $3"
	printf '      %sblocked%s: no answer within a second\n' "$good" "$plain"
}

both_pass() {
	must_pass curl curl_get $SERVER4
	must_pass curl curl_get $SERVER6
	must_pass wget wget_get $SERVER4
	must_pass wget wget_get $SERVER6
}

tell "1. Two network namespaces, a veth pair between them; a web server in one, $CLIENT4 in the other."
setup_net
serve_http server 8080
show "python3 serve.py 8080          (at $SERVER4 and $SERVER6)"

tell "2. In the client's namespace every packet goes to the firewall, or nowhere."
show "iptables -A OUTPUT -j NFQUEUE --queue-num 0     (the same for INPUT, queue 1, and ip6tables)"
divert client

tell "3. The firewall."
show "app-fw --no-state"
start_daemon client >/dev/null
printf '      ready\n'

tell "4. No rule yet: everybody passes."
both_pass

tell "5. A rule on the SHA-256 of what sends."
curl=$(digest curl)
show "sha256sum /usr/bin/curl"
printf '      %s\n' "$curl"
show "ctl-fw -A -c OUTPUT -v DROP --sng-hash $curl"
ctl -A -c OUTPUT -v DROP --sng-hash "$curl"
must_be_blocked curl curl_get $SERVER4
must_be_blocked curl curl_get $SERVER6
must_pass wget wget_get $SERVER4
must_pass wget wget_get $SERVER6

tell "6. The name does not matter: a copy of curl under another name is still curl."
cp /usr/bin/curl "$TMP/innocent"
show "cp /usr/bin/curl innocent; ./innocent $(url $SERVER4 8080 /)"
! on client "$TMP/innocent" -q -s --noproxy '*' --max-time 1 "$(url $SERVER4 8080 /)" >/dev/null ||
	fail "the copy got through"
printf '      %sblocked%s\n' "$good" "$plain"

tell "7. What is in force, and what it took."
show "ctl-fw -L"
ctl -L | sed 's/^/      /'
show "ctl-fw stats"
ctl stats | sed 's/^/      /'

tell "8. The rule is deleted."
show "ctl-fw -D 0 -c OUTPUT"
ctl -D 0 -c OUTPUT >/dev/null
both_pass

tell "9. SIGTERM; namespaces, rules and processes of this demonstration are removed."
stop_daemon TERM
printf '\nDone. Your own iptables rules and traffic were not touched.\n'
