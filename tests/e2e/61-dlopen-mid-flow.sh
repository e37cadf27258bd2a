#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a blocked library that is loaded in the middle of an established flow: of what was sent before,
# nothing is lost; of what is sent after dlopen(3) has returned, nothing arrives; 100 times in a row, by
# TCP and by UDP, where a rule forbids the library and where rules allow only the set without it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

TIMES=100
LINES=10

# flow KIND TAG LIBRARY: one flow that is established before the library is loaded, to its end.
flow() {
	local how=(-u)
	[[ $1 == udp ]] || how=()
	on client "$TMP/app" "${how[@]}" $SERVER4 7001 "$2" "$TMP/$3" $LINES <"$TMP/go" >>"$TMP/flows.log"
}

# flows KIND TAG LIBRARY: TIMES of them. A blocked connection ends unacknowledged, ten at a time.
flows() {
	local i
	for ((i = 0; i < TIMES; i++)); do
		flow "$1" "$2-$i" "$3" &
		((i % 10 < 9)) || wait_flows
	done
	wait_flows
}

wait_flows() {
	local job
	for job in $(jobs -rp); do
		[[ " ${PIDS[*]} $DAEMON " == *" $job "* ]] || wait "$job" || fail "a flow ended with status $?"
	done
}

# came TAG WHEN: how many of the lines.
came() {
	grep -cE "^(tcp|udp) 7001 $1-[0-9]+ $2 [0-9]+$" "$TMP/receive.log" || true
}

all_came() {
	[[ $(came "$1" "$2") -eq $((TIMES * LINES)) ]]
}

# expect_cut TAG: nothing before is lost, nothing after has come.
expect_cut() {
	local kind
	for kind in tcp udp; do
		wait_for all_came "$1-$kind" before
		expect_that "$(came "$1-$kind" after)" -eq 0 "lines by $kind after dlopen"
	done
}

# aggregate_of PID
aggregate_of() {
	ctl objects "$1" --json | jq -r .aggregate
}

has_aggregate() {
	[[ $(aggregate_of "$1") =~ ^[0-9a-f]{64}$ ]]
}

echo go >"$TMP/go"
setup_net
# An answer may come when its socket was closed just now: then whose it is cannot be told.
receive server -a first 7001
copy_program "$HELPERS/midflow" app
math=$(ldd /usr/bin/python3 | awk '/libm\./ { print $3 }')
copy_program "$math" good.so
copy_program "$math" evil.so
[[ -n ${CACHED:-} ]] || divert client
start_daemon client
[[ -z ${CACHED:-} ]] || hook client

step "free: all arrives"
for kind in tcp udp; do flows $kind free-$kind good.so; done
for kind in tcp udp; do
	wait_for all_came free-$kind before
	wait_for all_came free-$kind after
done

step "a rule forbids the library"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil.so"
for kind in tcp udp; do flows $kind deny-$kind evil.so; done
expect_cut deny
for kind in tcp udp; do flows $kind kept-$kind good.so; done
for kind in tcp udp; do wait_for all_came kept-$kind after; done
expect_ok ctl -D 0 -c OUTPUT

step "only the set without it is allowed"
mkfifo "$TMP/hold"
STDIN=$TMP/hold spawn client held "$TMP/app" $SERVER4 7001 held "$TMP/good.so" 0
wait_for grep -qx ready "$TMP/held.log"
wait_for has_aggregate "$SPAWNED"
expect_ok ctl -A -c OUTPUT -v ACCEPT --agg-hash "$(aggregate_of "$SPAWNED")"
expect_ok ctl -A -c OUTPUT -v DROP
for kind in tcp udp; do flows $kind allow-$kind evil.so; done
expect_cut allow
wait_for settled
echo "packets of unknown origin: $(counter unknown)"
# The sanitized daemon is several times slower: who is gone before it looks may be unknown to it, as docs/design.md says.
[[ -n ${SAN:-} ]] || expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
