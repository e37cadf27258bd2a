#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: evil and good that have one port between them, at the same time (SO_REUSEPORT) or one after the
# other, and nothing but a short life, are never taken for each other.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

ROUNDS=${ROUNDS:-200}
ALIKE=100

# relay FORM NAME VARIANT pid|any WAY [ENV...]: good and evil in turn, ROUNDS in all.
relay() {
	local form=$1 name=$2 variant=$3 ids=$4 way=$5 to=$SERVER4
	shift 5
	[[ $variant != *6 ]] || to=$SERVER6
	on client env WAIT_MS=20 "$@" "$TMP/driver" relay "$variant" $to $GOOD_PORT "$form/$name.$variant" \
		"$ROUNDS" "$ids" "$way" "$TMP/good" "$TMP/evil" || echo "not here: $name"
	mark
	unknown_since "$form/$name.$variant"
}

# sends_alike WHO VARIANT TO: the same bytes from the same port, whoever it is.
sends_alike() {
	on client env WAIT_MS=20 SPORT=6005 "$TMP/$1" sendto "$2" "$3" $GOOD_PORT "not-queued.$2"
}

short_lives() {
	relay "$1" short udp4 any exit
	relay "$1" short udp6 any exit
	relay "$1" same-port udp4 any exit SPORT=6001
	relay "$1" same-port udp6 any exit SPORT=6001
	relay "$1" same-sendto udp4 any sendto SPORT=6003
}

setup_ways
copy_program "$HELPERS/ways" driver
for f in free deny allow; do
	form $f
	ONLY_WAY=turns go $f turns
	short_lives $f
	[[ $f != free ]] || continue
	after_all
	judge $f
done

for who in good evil; do
	copy_program "$HELPERS/flood" $who-flood
done

# rule_on_floods FORM: as the form has it for evil and good.
rule_on_floods() {
	if [[ $1 == deny ]]; then
		expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil-flood"
	else
		expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/good-flood"
	fi
}

for f in deny allow; do
	form $f
	step "alike to the last byte, more than there are notes; nobody is left as they are judged"
	rule_on_floods $f
	kill -STOP "$DAEMON"
	for to in $SERVER4 $SERVER6; do
		expect_ok on client "$TMP/good-flood" $ALIKE "$to" $GOOD_PORT $f-alike
		expect_ok on client "$TMP/evil-flood" $ALIKE "$to" $EVIL_PORT $f-alike
	done
	kill -CONT "$DAEMON"
	mark
	expect_that "$(arrived "$GOOD_PORT $f-alike")" -eq $((2 * ALIKE)) "of good arrived"
	expect_that "$(arrived "$EVIL_PORT $f-alike")" -eq 0 "of evil arrived"
	unknown_since "$f/alike"
done

# at_once N TEXT: good and evil, each on a processor of its own, send N datagrams to GOOD_PORT from one port, that
# differ only by what comes after 40 bytes: TEXT/good and TEXT/evil.
at_once() {
	local who cpu=0 pids=() text
	text=$(printf '%040d' 0)$2
	for who in good evil; do
		on client taskset -c $cpu "$TMP/$who-flood" -s 6007 "$1" $SERVER6 $GOOD_PORT "$text/$who"$'\n' </dev/null >/dev/null &
		pids+=($!)
		((cpu += 1))
	done
	wait "${pids[@]}"
	mark
}

# alone TEXT: good does, and all arrives.
alone() {
	expect_ok on client "$TMP/good-flood" -s 6007 $ALIKE $SERVER6 $GOOD_PORT "$(printf '%040d' 0)$1"$'\n'
	mark
	expect_that "$(arrived "$1")" -eq $ALIKE "of good arrived"
}

for f in deny allow; do
	form $f
	step "alike as far as it is looked at, at once"
	rule_on_floods $f
	alone $f-before/good
	for ((i = 0; i < 10; i++)); do at_once 1000 $f-at-once; done
	echo "of good arrived: $(arrived $f-at-once/good) of 10000"
	expect_that "$(arrived $f-at-once/evil)" -eq 0 "of evil arrived"
	sleep 0.2 # an empty queue, for longer than the way to it takes
	mark
	alone $f-after/good
done

# What is noted as it is sent, and let pass by a rule before the queue, is never judged; then the other sends the same.
step "alike to the last byte: one has not been queued"
form deny
for variant in udp4 udp6; do
	to=$SERVER4 t=iptables
	[[ $variant == udp4 ]] || to=$SERVER6 t=ip6tables
	on client $t -w 5 -I OUTPUT -p udp --sport 6005 -j ACCEPT
	expect_ok sends_alike good $variant "$to"
	on client $t -w 5 -D OUTPUT -p udp --sport 6005 -j ACCEPT
	# A queue that is empty meanwhile, for longer than the way to it takes.
	sleep 0.2
	warm
	sends_alike evil $variant "$to" || true
	mark
	expect_that "$(arrived "not-queued.$variant")" -eq 1 "arrived"
done
unknown_since "deny/not-queued"
none_wrong
