#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: where good and evil listen at one TCP port (SO_REUSEPORT), a connection that nobody has accepted yet is his in
# whose queue it waits: what is said ahead reaches him if he may have it, and never another. Where that cannot be told
# (a program chooses; on lo, where requests have no note), it is of all who may accept it.
# timeout: 240
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7105
TIMES=6
CONNECT=0.5 # s
DELIVER=5
((SLOW == 1)) || CONNECT=2
declare -A LISTENER=() ORDERS=()

# listen WHO [PROTOCOL] [INDEX]
listen() {
	local who=$1 orders
	rm -f "$TMP/$who.orders"
	mkfifo "$TMP/$who.orders"
	: >"$TMP/$who.log"
	STDIN=$TMP/$who.orders spawn client "$who" "$TMP/$who" $SCRIPTS/listener.py wait $PORT "${@:2}"
	LISTENER[$who]=$SPAWNED
	exec {orders}<>"$TMP/$who.orders"
	ORDERS[$who]=$orders
	wait_for grep -q '^listening$' "$TMP/$who.log"
}

deafen() {
	local who
	for who; do halt "${LISTENER[$who]}"; done
}

CALLER=
hang_up() {
	[[ -z $CALLER ]] || halt "$CALLER"
	CALLER=
}

# called FROM ADDR [PROGRAM]: what became of TIMES connections, in $TMP/calls; what they said waits to be accepted.
called() {
	hang_up
	: >"$TMP/calls.log"
	mkfifo "$TMP/hold.$((++HELD))"
	STDIN=$TMP/hold.$HELD spawn "$1" calls "${3:-/usr/bin/python3}" $SCRIPTS/listener.py call "$2" $PORT \
		$TIMES "$CONNECT" "$DELIVER"
	CALLER=$SPAWNED
	WAIT_S=60 wait_for grep -q '^called$' "$TMP/calls.log"
	grep -v '^called$' "$TMP/calls.log" >"$TMP/calls"
	sed "s/^/  $2: /" "$TMP/calls"
}
HELD=0

has_accepted() {
	grep -qx 'done' "$TMP/$1.log"
}

# accepted WHO [ORDER]: the texts of those that he accepts now; or what listener.py does with them at that order.
accepted() {
	: >"$TMP/$1.log"
	echo "${2:-}" >&"${ORDERS[$1]}"
	wait_for has_accepted "$1"
	grep -vx 'done' "$TMP/$1.log" || true
}

# is_his WHO: each that was delivered is WHO's, each of his was delivered, and the other has none. There are DELIVERED.
DELIVERED=0
is_his() {
	local who=$1 other=evil
	[[ $who == good ]] || other=good
	accepted "$who" | sort >"$TMP/his"
	accepted $other | sort >"$TMP/others"
	awk '$2 == "delivered" { print $1 }' "$TMP/calls" | sort >"$TMP/delivered"
	[[ $(<"$TMP/his") == "$(<"$TMP/delivered")" ]] || fail "not all that $who accepts was delivered before, or the other way round"
	[[ ! -s $TMP/others ]] || fail "$other has accepted: $(cat "$TMP/others")"
	DELIVERED=$((DELIVERED + $(wc -l <"$TMP/delivered")))
}

# none_is_there: neither has one to accept.
none_is_there() {
	local who
	for who in good evil; do
		[[ -z $(accepted $who) ]] || fail "$who has accepted: $(cat "$TMP/$who.log")"
	done
}

all_arrive() {
	expect_that "$(grep -c ' delivered$' "$TMP/calls")" -eq $TIMES "connections whose text is acknowledged"
}

# Packets at queue 1, whether the daemon has read them or not (net/netfilter/nfnetlink_queue.c: seq_show).
at_queue() {
	on client cat /proc/net/netfilter/nfnetlink_queue | awk '$1 == 1 { n = $3 } END { exit n == 0 }'
}

# drops_what_was_said ADDR N [ORDER]: said before good accepts, and judged after he has and has done as ORDER says: N packets
# are dropped at least, or none.
drops_what_was_said() {
	local dropped
	hang_up
	rm -f "$TMP/meet.orders"
	mkfifo "$TMP/meet.orders"
	: >"$TMP/meet.log"
	STDIN=$TMP/meet.orders spawn server meet /usr/bin/python3 $SCRIPTS/listener.py meet "$1" $PORT 16 "$CONNECT"
	CALLER=$SPAWNED
	WAIT_S=60 wait_for grep -q '^[0-9]' "$TMP/meet.log"
	expect_that "$(head -n 1 "$TMP/meet.log")" -gt 0 "connections to good"
	wait_for settled
	dropped=$(counter dropped)
	kill -STOP "$DAEMON"
	echo >"$TMP/meet.orders"
	wait_for at_queue
	accepted good "${3:-}" >/dev/null
	kill -CONT "$DAEMON"
	wait_for settled
	if (($2)); then
		expect_that "$(counter dropped)" -ge $((dropped + $2)) "packets that were dropped"
	else
		expect_that "$(counter dropped)" -eq "$dropped" "packets that were dropped"
	fi
}

# rules FORM: a daemon with them.
rules() {
	hang_up
	[[ -z $DAEMON ]] || stop_daemon TERM
	case $1 in
	only-*)
		start_daemon client --pol-in DROP
		expect_ok ctl -A -c INPUT -v ACCEPT --object "$TMP/${1#only-}"
		;;
	not-*)
		start_daemon client
		expect_ok ctl -A -c INPUT -v "${2:-DROP}" --object "$TMP/${1#not-}"
		;;
	free) start_daemon client ;;
	esac
}

knows_all() {
	expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
}

setup_net
for who in good evil; do
	copy_program "$(readlink -f "$(command -v python3)")" $who
done
for t in iptables ip6tables; do
	# shellcheck disable=SC2046 # words
	on client $t -w 5 -A INPUT -p tcp -j NFQUEUE $(to_queues 1)
done
protocols=(0)
on client sysctl -q -w net.mptcp.enabled=1 && protocols+=(262)

for protocol in "${protocols[@]}"; do
	rules free
	listen evil "$protocol"
	listen good "$protocol"

	for form in only-good only-evil not-evil not-good; do
		case $form in
		*good) let=${form/not-good/evil} ;;
		*evil) let=${form/not-evil/good} ;;
		esac
		step "protocol $protocol, $form: what is said before anybody accepts reaches ${let#only-}, and him alone"
		rules $form
		DELIVERED=0
		for ((i = 0; i < 8 && DELIVERED < 3; i++)); do
			called server $CLIENT4
			is_his "${let#only-}"
			called server $CLIENT6
			is_his "${let#only-}"
		done
		expect_that $DELIVERED -gt 0 "connections to him"
		knows_all
	done

	if ((protocol == 0)); then
		step "good has accepted it by the time that it is judged; or has closed it, or has left it to evil"
		rules not-evil
		for to in $CLIENT4 $CLIENT6; do
			drops_what_was_said "$to" 0 keep
			drops_what_was_said "$to" 0
			drops_what_was_said "$to" 1 "hand $TMP/evil"
		done
		knows_all
	fi

	step "protocol $protocol: on lo, where it is not known whose a request is, it is of both"
	for who in good evil; do
		rules only-$who
		DELIVER=0.3 called client 127.0.0.1 "$TMP/$who"
		none_is_there
		DELIVER=0.3 called client ::1 "$TMP/$who"
		none_is_there
		knows_all
	done
	rules free
	called client 127.0.0.1
	all_arrive
	{ accepted good && accepted evil; } >"$TMP/his"
	expect_that "$(wc -l <"$TMP/his")" -eq $TIMES "connections that both accept"

	step "protocol $protocol: when evil is gone, all is good's"
	rules only-good
	deafen evil
	called server $CLIENT4
	all_arrive
	called client 127.0.0.1 "$TMP/good"
	all_arrive
	knows_all
	expect_that "$(accepted good | wc -l)" -eq $((2 * TIMES)) "connections that good accepts"
	deafen good
done

step "a program of evil's chooses who gets a connection: before that is seen, it may be any of them"
rules free
listen good
listen evil 0 1
for who in good evil; do
	rules only-$who
	for to in $CLIENT4 $CLIENT6; do
		called server "$to"
		expect_that "$(grep -c ' none$' "$TMP/calls")" -eq $TIMES "connections that are not made"
	done
	knows_all
done
rules not-evil KILL
called server $CLIENT4
expect_that "$(grep -c ' none$' "$TMP/calls")" -eq $TIMES "connections that are not made"
for who in good evil; do ! gone "${LISTENER[$who]}" || fail "$who was ended"; done
rules free
called server $CLIENT4
all_arrive
expect_that "$(accepted evil | wc -l)" -eq $TIMES "connections that evil accepts"
deafen good evil

# Before, the kernel does not say that one of a group has asked for that (docs/design.md).
if [[ $(printf '6.2\n%s\n' "$(uname -r)" | sort -V | head -n 1) == 6.2 ]]; then
	step "the processor chooses"
	rules free
	listen good
	listen evil 0 cpu
	rules only-good
	called server $CLIENT4
	expect_that "$(grep -c ' none$' "$TMP/calls")" -eq $TIMES "connections that are not made"
fi
hang_up
