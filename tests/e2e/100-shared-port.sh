#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: where good and evil have one UDP port between them, what the kernel gives to both (multicast, broadcast) or to the
# one that a program chooses comes in for both, and is stopped if it may not come in for one; what it gives to one is that
# one's. What went out without a note from such a port is not taken for the one's that is found there.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7005
GROUP4=239.1.2.3 GROUP6=ff02::1:2:3
TO_ALL=("$GROUP4" "$GROUP6" 255.255.255.255 10.200.0.255)
SAID=0

# hear WHO HOW [INDEX]: by both IPs, with a socket for each of BY (46 is one for both). HEARERS[WHO] are the pids,
# $TMP/WHO4.log, WHO6.log and WHO46.log what they heard.
declare -A HEARERS=()
BY="4 6"
hear() {
	local v who=$1
	shift
	HEARERS[$who]=
	for v in $BY; do
		: >"$TMP/$who$v.log"
		spawn client "$who$v" "$TMP/$who" $SCRIPTS/port.py hear "$v" "$1" $PORT "${@:2}"
		HEARERS[$who]+=" $SPAWNED"
		wait_for grep -q '^listening$' "$TMP/$who$v.log"
	done
}

deafen() {
	local who
	for who; do
		# shellcheck disable=SC2086 # pids
		halt ${HEARERS[$who]}
	done
}

# say TO: a line of its own, $TEXT, from the server; returns when it has its verdict.
say() {
	local before
	((SAID += 1))
	TEXT=said-$SAID-end
	before=$(counter queued)
	on server /usr/bin/python3 $SCRIPTS/port.py say "$1" $PORT "$TEXT"
	wait_for counts_more queued "$before"
	wait_for settled
}

hears() {
	wait_for grep -qx -- "$TEXT" "$TMP/$1"{4,6,46}.log
}

hears_not() {
	! grep -qx -- "$TEXT" "$TMP/$1"{4,6,46}.log || fail "$1 heard it: $TEXT"
}

# said_to_all: each way to say something to both; CMD... looks at who hears it.
said_to_all() {
	local to
	for to in "${TO_ALL[@]}"; do
		echo "to $to"
		say "$to"
		"$@"
	done
}

both_hear() {
	hears good
	hears evil
}

good_hears() {
	hears good
	hears_not evil
}

none_hears() {
	hears_not evil
	hears_not good
}

# heard_by: who of the two has heard it.
heard_by() {
	wait_for grep -qx -- "$TEXT" "$TMP"/{good,evil}{4,6,46}.log
	if grep -qx -- "$TEXT" "$TMP/good"{4,6,46}.log; then echo good; else echo evil; fi
}

# rules FORM: a daemon with them.
rules() {
	[[ -z $DAEMON ]] || stop_daemon TERM
	if [[ $1 == allow ]]; then
		start_daemon client --pol-in DROP --pol-out DROP
		expect_ok ctl -A -c INPUT -v ACCEPT --object "$TMP/good"
		expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/good"
	else
		start_daemon client
		[[ $1 == free ]] || expect_ok ctl -A -c INPUT -v "${2:-DROP}" --object "$TMP/evil"
	fi
}

knows_all() {
	expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
}

setup_net
for who in good evil; do
	copy_program "$(readlink -f "$(command -v python3)")" $who
	touch "$TMP/$who"{4,6,46}.log
done
for t in iptables ip6tables; do
	# shellcheck disable=SC2046 # words
	on client $t -w 5 -A INPUT -p udp -j NFQUEUE $(to_queues 1)
done

for order in "evil good" "good evil"; do
	step "$order: without a rule both hear what is said to both, and one what is said to one"
	rules free
	for who in $order; do hear "$who" addr; done
	said_to_all both_hear
	say $CLIENT4
	one4=$(heard_by)
	say $CLIENT6
	one6=$(heard_by)
	knows_all

	step "$order: a DROP rule on evil"
	rules deny
	said_to_all none_hears
	for to in "$one4 $CLIENT4" "$one6 $CLIENT6"; do
		say "${to#* }"
		if [[ $to == good* ]]; then good_hears; else none_hears; fi
	done
	knows_all

	step "$order: a KILL rule on evil: nobody ends for what is another's as well"
	rules deny KILL
	said_to_all none_hears
	for who in good evil; do
		for pid in ${HEARERS[$who]}; do ! gone "$pid" || fail "$who was ended"; done
	done

	step "$order: where only good is allowed: when evil has gone"
	rules allow
	said_to_all none_hears
	deafen evil
	said_to_all good_hears
	knows_all
	deafen good
done

step "evil has one socket for both IPs"
rules deny
hear good addr
BY=46 hear evil addr
said_to_all none_hears
knows_all
rules free
said_to_all both_hear
deafen good evil

step "a program of evil's chooses who gets what comes in"
rules deny
hear good port
hear evil port 1
for ((i = 0; i < 8; i++)); do
	say $CLIENT4
	none_hears
	say $CLIENT6
	none_hears
done
knows_all
rules free
say $CLIENT4
expect_that "$(heard_by)" = evil "who hears it"
say $CLIENT6
expect_that "$(heard_by)" = evil "who hears it"
deafen evil

step "what goes out without a note, from the port that good has: evil's does not count as good's"
receive server 7001
for t in iptables ip6tables; do
	# shellcheck disable=SC2046 # words
	on client $t -w 5 -t mangle -A OUTPUT -p udp --dport 7001 -j NFQUEUE $(to_queues 0)
done
rules allow
for to in $SERVER4 $SERVER6; do
	before=$(counter queued)
	on client "$TMP/evil" $SCRIPTS/port.py say "$to" 7001 "evil-$to" $PORT
	wait_for counts_more queued "$before"
	expect_ok on client "$TMP/good" $SCRIPTS/port.py ask "$to" 7001 "good-$to"
	! received "evil-$to" || fail "it arrived: evil-$to"
done
