#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: two sets of 10,000 rules, which both accept a program by its digest and nothing else, are swapped 100 times
# under new connections of that program, 5,000 a second or as many as can be: none of them fails.
# timeout: 600
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SWAPS=100 RULES=10000 RATE=5000
PORT=8080

# rule N: of many kinds; none is about a packet of this scenario.
rule() {
	local n=$1
	local hi=$((n / 256 % 256)) lo=$((n % 256)) port=$((20000 + n % 40000))
	case $((n % 8)) in
	0) echo "-c OUTPUT -v DROP -d 198.18.$hi.$lo" ;;
	1) printf -- '-c OUTPUT -v REJECT -d 2001:db8:%x::/48 -p tcp\n' $((n % 65536)) ;;
	2) printf -- '-c OUTPUT -v DROP --sng-hash %064x\n' "$n" ;;
	3) echo "-c OUTPUT -v DROP -p udp --dport $port:$((port + 9)) --note \"number $n\"" ;;
	4) echo "-c INPUT -v DROP -s 198.19.$hi.0/24 -p tcp" ;;
	5) echo "-c INPUT -v ACCEPT -s 198.18.$hi.$lo/31 -p udp --sport $port" ;;
	6) echo "-c OUTPUT -v DROP -p tcp --dport $port -! -s 10.0.0.0/8" ;;
	7) echo "-c FORWARD -v DROP -p tcp --dport $port" ;;
	esac
}

# rules_file FIRST: RULES rules, the first of them number FIRST; at the end of two chains what accepts the program.
rules_file() {
	local n
	printf 'app-fw rules 2\npolicy INPUT DROP\npolicy OUTPUT DROP\n'
	for ((n = $1; n < $1 + RULES - 2; n++)); do
		rule "$n"
	done
	printf -- '-c %s -v ACCEPT --sng-hash %s\n' OUTPUT "$PROGRAM" INPUT "$PROGRAM"
	echo end
}

# dial_until CMD...: new connections while that runs; what became of them in $SUMMARY, $RATE_REACHED, $FAILED.
dial_until() {
	local log=$TMP/dial.log
	rm -f "$log"
	STDIN=$TMP/go spawn client dial "$HELPERS/dial" $RATE $SERVER4 $PORT
	wait_for grep -q '^dialing$' "$log"
	"$@"
	echo >"$TMP/go"
	WAIT_S=$((30 * SLOW)) wait_for gone "$SPAWNED"
	cat "$log"
	SUMMARY=$(grep ' connections, ' "$log") || fail "it came to no summary"
	[[ $SUMMARY =~ ^[0-9]+\ connections,\ ([0-9]+)/s,\ ([0-9]+)\ failed ]] || fail "not a summary: $SUMMARY"
	RATE_REACHED=${BASH_REMATCH[1]} FAILED=${BASH_REMATCH[2]}
}

# swap: the sets in turn, SWAPS times, as fast as they go.
swap() {
	local i began=${EPOCHREALTIME/[.,]/} took
	for ((i = 1; i <= SWAPS; i++)); do
		ctl restore "$TMP/rules-$((i % 2))" >"$TMP/restored" || fail "restore number $i"
	done
	took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	echo "$SWAPS restores of $RULES rules in $took ms: $((took / SWAPS)) ms each"
}

# last_rule_counts CHAIN: packets of its last rule.
last_rule_counts() {
	ctl -L -c "$1" --json | jq '.chains[0].rules[-1].packets'
}

setup_net
serve_nginx server $PORT
mkfifo "$TMP/go"
PROGRAM=$(digest "$HELPERS/dial")
rules_file 0 >"$TMP/rules-0"
rules_file $RULES >"$TMP/rules-1"
! cmp -s "$TMP/rules-0" "$TMP/rules-1" || fail "they are the same"

step "the load without a firewall"
dial_until sleep 5
expect_that "$FAILED" -eq 0 "connections that failed"
without=$RATE_REACHED

divert client
start_daemon client --state "$TMP/state"
step "each of the two accepts this program, and no other"
for i in 0 1; do
	expect_line "restored: $RULES rules" ctl restore "$TMP/rules-$i"
	dial_until true
	expect_that "$FAILED" -eq 0 "connections that failed"
	expect_that "$(last_rule_counts OUTPUT)" -gt 0 "packets of the rule on its digest in OUTPUT"
	expect_that "$(last_rule_counts INPUT)" -gt 0 "packets of the rule on its digest in INPUT"
	MAX_TIME=0.5 expect_fail wget_get client $SERVER4 $PORT /
done

step "the load with a firewall, and nobody who changes it"
dial_until sleep 5
expect_that "$FAILED" -eq 0 "connections that failed"
with=$RATE_REACHED

step "swapped $SWAPS times"
before=$(ctl status --json | jq .epoch)
dial_until swap
expect_that "$(ctl status --json | jq .epoch)" -eq $((before + SWAPS)) "epoch: each restore published one set"
echo "new connections a second: $without without a firewall, $with with it, $RATE_REACHED while rules are swapped"
expect_that "$FAILED" -eq 0 "connections that failed, while rules were swapped"
# How many there were is to be read above; they must not have been the fewer for the swaps by half.
expect_that $((RATE_REACHED * 2)) -ge "$with" "twice the new connections a second, compared with those without swaps"
wait_for settled
echo "packets dropped: $(counter dropped); of unknown origin: $(counter unknown)"
stop_daemon TERM
