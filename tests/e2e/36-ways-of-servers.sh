#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a server is judged by who listens and by who accepted: evil's answers are dropped on connections
# that are there already, no connection to it begins, and good's work; with workers that share a listener.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

PORT=60900 # of those that the kernel chooses from

# ask NAME TEXT: the client NAME sends it on the connection that it has.
ask() {
	echo "$2" >"$TMP/$1.in"
}

# server WAY WHO: listens at a port of its own, and has accepted a connection; its number is $PORT.
server() {
	local name=$1.$2 options=(-k)
	[[ $1 != accept-mptcp ]] || options+=(-m)
	((PORT += 1))
	spawn client "$name" "$TMP/$2" "$1" tcp4 0.0.0.0 $PORT "$name"
	wait_for grep -q '^listening$' "$TMP/$name.log"
	mkfifo "$TMP/$name.client.in"
	STDIN=$TMP/$name.client.in spawn server "$name.client" "$HELPERS/talk" "${options[@]}" $CLIENT4 $PORT
	wait_for grep -q connected "$TMP/$name.client.log"
	ask "$name.client" hello
	wait_for grep -qF "$name.self" "$TMP/$name.client.log"
}

answers() {
	[[ $(grep -cF "$1.self" "$TMP/$1.client.log") -ge $2 ]]
}

# answered WAY N: good has now answered N times, evil once, before the rules.
answered() {
	local before
	before=$(counter dropped)
	ask "$1.evil.client" hello
	ask "$1.good.client" hello
	wait_for answers "$1.good" "$2"
	wait_for counts_more dropped "$before"
	mark
	! answers "$1.evil" 2 || { echo "WRONG $1: evil answered"; ((WRONG += 1)); }
	unknown_since "$1"
}

# connects PORT / connects_not PORT: a client comes through to the server there, or waits in vain.
connects() {
	expect_ok on server "$HELPERS/talk" -w 20000 $CLIENT4 "$1" hello
}

connects_not() {
	local before
	before=$(counter dropped)
	expect_fail on server "$HELPERS/talk" -w 200 $CLIENT4 "$1" hello
	wait_for counts_more dropped "$before"
}

setup_ways
form free
ways=$("$TMP/good" list server | cut -d' ' -f1)
for way in $ways; do
	for who in good evil; do
		server "$way" $who
	done
done

step "connections that are there, OUTPUT, one to drop"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
for way in $ways; do answered "$way" 2; done

step "the same with the other form"
form allow
for way in $ways; do answered "$way" 3; done

step "six workers at one listener"
form free
spawn client workers.evil "$TMP/evil" workers tcp4 0.0.0.0 6001 evil
spawn client workers.good "$TMP/good" workers tcp4 0.0.0.0 6002 good
wait_for listening client 6001
wait_for listening client 6002
connects 6001
connects 6002

step "INPUT: a SYN to evil's listener is dropped"
expect_ok ctl -A -c INPUT -v DROP --object "$TMP/evil"
for i in 1 2 3 4 5 6; do
	connects 6002
	connects_not 6001
done
expect_ok ctl -D 0 -c INPUT

step "OUTPUT: the listener's answer to a SYN is dropped"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
connects 6002
connects_not 6001
expect_ok ctl -D 0 -c OUTPUT
connects 6001
unknown_since workers
none_wrong
