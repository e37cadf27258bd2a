#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: however a pattern travels, in pieces, out of order, twice, over other bytes, in fragments, late, or encoded, it
# does not arrive; and what differs from it by one letter arrives in the same way, byte for byte. By IPv6 there are so many
# signatures that contents are looked for in another way (fw/sig_literals.h).
# timeout: 300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

NOBODY4=10.200.0.77 NOBODY6=fd00:200::77
EVIL='the needle in here' CLEAN='the noodle in here'
SINK=$TMP/sink
PORT=20000 # of the client; each try has its own

# try_plan FAMILY PLAN TEXT: sends it; what the sender says of it is in $SAID.
try_plan() {
	local from=$NOBODY4 to=$SERVER4
	[[ $1 == 4 ]] || { from=$NOBODY6; to=$SERVER6; }
	((PORT += 1))
	SAID=$(on client /usr/bin/python3 $SCRIPTS/segments.py veth0 $from $to 8080 "$PORT" "$2" "$3" "$own" "$MAC")
	echo "IPv$1 $2 '${3:0:60}': $SAID"
}

arrived() {
	cmp -s "$SINK/$PORT" "$TMP/wanted"
}

# expect_clean FAMILY PLAN TEXT [FILLER]: it arrives, behind so many bytes of filler.
expect_clean() {
	{ head -c "${4:-0}" /dev/zero | tr '\0' .; printf "%b" "$3"; } >"$TMP/wanted"
	try_plan "$1" "$2" "$3"
	[[ $SAID == acknowledged ]] || fail "clean bytes did not arrive: IPv$1 $2: $SAID"
	wait_for arrived
}

# expect_caught FAMILY PLAN TEXT: it is stopped, and no file of the server has it.
expect_caught() {
	local before
	before=$(($(counter signature_stopped) + $(counter stream_conflict)))
	try_plan "$1" "$2" "$3"
	[[ $SAID != acknowledged ]] || fail "it arrived: IPv$1 $2"
	! grep -qaF needle "$SINK/$PORT" 2>/dev/null || fail "the server has it: IPv$1 $2"
	expect_that $(($(counter signature_stopped) + $(counter stream_conflict))) -gt "$before" "packets stopped"
}

setup_net
mkdir "$SINK"
spawn server sink /usr/bin/python3 $SCRIPTS/sink.py 8080 "$SINK"
wait_for grep -q listening "$TMP/sink.log"
MAC=$(on server ip -j link show veth0 | jq -r '.[0].address')
own=$(on client ip -j link show veth0 | jq -r '.[0].address')
on server ip neigh add $NOBODY4 lladdr "$own" dev veth0
on server ip neigh add $NOBODY6 lladdr "$own" dev veth0
divert server
start_daemon server
cat >"$TMP/rules.4" <<-'END'
	drop tcp any any -> any 8080 (msg:"needle"; flow:to_server; content:"the needle"; sid:1;)
	drop http any any -> any 8080 (msg:"needle in a URI"; http.uri; content:"/needle"; sid:2;)
	drop udp any any -> any 8080 (msg:"needle by UDP"; content:"needle"; sid:3;)
END
cp "$TMP/rules.4" "$TMP/rules.6"
for ((i = 1; i <= 600; i++)); do
	printf 'alert tcp any any -> any 8080 (content:"|00 00|%08x|00 00|"; sid:%d;)\n' $((i * 7919)) $((i + 10))
done >>"$TMP/rules.6"

for family in 4 6; do
	expect_ok ctl sig load "$TMP/rules.$family"
	expect_that "$(ctl sig list --json | jq '.signatures | length')" -eq "$(wc -l <"$TMP/rules.$family")" "signatures"
	step "IPv$family: split at every byte"
	for ((at = 1; at < ${#EVIL}; at++)); do
		expect_caught $family split:$at "$EVIL"
	done
	expect_clean $family split:7 "$CLEAN"
	step "IPv$family: a byte a segment, in and out of order, and repeated"
	for plan in whole bytes backwards shuffled twice; do
		expect_caught $family $plan "$EVIL"
		expect_clean $family $plan "$CLEAN"
	done
	step "IPv$family: overlapping segments that contradict each other, both ways, and a wrong checksum"
	expect_caught $family first "$EVIL"
	expect_caught $family last "$EVIL"
	expect_caught $family bad-checksum "$EVIL"
	expect_clean $family bad-checksum "$CLEAN"
	step "IPv$family: in fragments"
	expect_caught $family fragments "$EVIL"
	expect_clean $family fragments "$CLEAN"
	step "IPv$family: late"
	for n in 65536 921600; do
		expect_caught $family after:$n "$EVIL"
		expect_clean $family after:$n "$CLEAN" $n
	done
	step "IPv$family: encoded, and in the third request"
	get='GET /fine HTTP/1.1\r\nHost: x\r\n\r\n'
	expect_caught $family bytes 'GET /%6e%65edl%65 HTTP/1.1\r\nHost: x\r\n\r\n'
	expect_clean $family bytes 'GET /%6e%6fodl%65 HTTP/1.1\r\nHost: x\r\n\r\n'
	expect_caught $family split:80 "$get${get}GET /NEED%4cE HTTP/1.1\r\nHost: x\r\n\r\n"
	expect_clean $family split:80 "$get${get}GET /NOOD%4cE HTTP/1.1\r\nHost: x\r\n\r\n"
	step "IPv$family: datagrams, whole and in fragments"
	for plan in udp udp-fragments; do
		before=$(counter signature_stopped)
		try_plan $family $plan "$EVIL"
		wait_for counts_more signature_stopped "$before"
		[[ ! -e $SINK/udp-$PORT ]] || fail "the datagram arrived"
		printf '%s' "$CLEAN" >"$TMP/wanted"
		try_plan $family $plan "$CLEAN"
		wait_for cmp -s "$SINK/udp-$PORT" "$TMP/wanted"
	done
	step "IPv$family: every signature has been met"
	for sid in 1 2 3; do
		expect_that "$(ctl sig list --json | jq ".signatures[] | select(.sid == $sid).hits")" -gt 0 "hits of $sid"
	done
done
wait_for settled
daemon_alive
