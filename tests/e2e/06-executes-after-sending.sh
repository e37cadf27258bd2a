#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a packet is judged by the program that sent it, though its process, and others who hold its socket, have executed
# another since.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

LIVES=30
FLOOD=20000
PORT=7001
TO=$SERVER4/$PORT
# Each sends its line, and executes the next: PROGRAM LINE, ...
# shellcheck disable=SC2016,SC2089
NEXT='exec 3<>"/dev/udp/$TO"
for ((n = ${TIMES:-1}; n; n--)); do echo "$1" >&3; done
shift
(($# == 0)) || exec "$1" -c "$NEXT" "$@"
[[ -z ${STAYS:-} ]] || read -r _'
# shellcheck disable=SC2090
export TO NEXT

# life PROGRAM LINE [PROGRAM LINE]...
life() {
	on client "$1" -c "$NEXT" "$@"
}

# lives TAG: while the daemon stands still, of each kind; then they are judged.
lives() {
	local i
	kill -STOP "$DAEMON"
	for ((i = 0; i < LIVES; i++)); do
		life "$TMP/evil" "$1-$i-evil-1" "$TMP/good" "$1-$i-good-2"
		life "$TMP/good" "$1-$i-good-1" "$TMP/evil" "$1-$i-evil-2" "$TMP/good" "$1-$i-good-3" "$TMP/evil" "$1-$i-evil-4"
	done
	STAYS=1 STDIN=$TMP/stays.in spawn client stays "$TMP/evil" -c "$NEXT" "$TMP/evil" "$1-$i-evil-1" "$TMP/good" "$1-$i-good-2"
	wait_for is_executed "$SPAWNED" "$TMP/good"
	kill -CONT "$DAEMON"
	wait_for all_come "$1" $((LIVES * 3 + 1))
	wait_for settled
	halt "$SPAWNED"
	expect_that "$(come "$1" evil)" -eq 0 "lines of what is forbidden"
}

# come TAG PROGRAM: how many lines of its have arrived.
come() {
	grep -cE "^udp $PORT $1-[0-9]+-$2-[0-9]$" "$TMP/receive.log" || true
}

all_come() {
	[[ $(come "$1" good) -eq $2 ]]
}

# none_unknown: since it was asked last. The sanitized daemon is several times slower, as 61 says.
none_unknown() {
	local n
	n=$(counter unknown)
	[[ -n ${SAN:-} ]] || expect_that $((n - unknown)) -eq 0 "packets of unknown origin"
}

# in_a_crowd TAG: nobody stands still, but so many packets wait that the next is judged late.
in_a_crowd() {
	local i
	TIMES=$FLOOD spawn client flood "$TMP/good" -c "$NEXT" "$TMP/good" "$1-flood"
	for ((i = 0; i < LIVES; i++)); do
		life "$TMP/evil" "$1-$i-evil-1" "$TMP/good" "$1-$i-good-2"
	done
	wait_for gone "$SPAWNED"
	wait_for settled
	wait_for all_come "$1" $LIVES
	expect_that "$(come "$1" evil)" -eq 0 "lines of what is forbidden"
}

# The sender, and more who hold his socket than a note names, each of whom has sent; then all execute another program.
# shellcheck disable=SC2016,SC2089
CROWD='exec 3<>"/dev/udp/$TO"
for ((n = 12; n; n--)); do
	(echo "$LINE of one" >&3; read -r _ <>"$GO"; exec "$GOOD" -c "read -r _ <>$STAY") &
	echo "$!"
done
read -r _ <>"$GO.first"
echo "$LINE" >&3
for ((n = 12; n; n--)); do echo >"$GO"; done
exec "$GOOD" -c "read -r _ <>$STAY"'

all_executed() {
	local pid
	for pid; do
		is_executed "$pid" "$TMP/good" || return 1
	done
}

# judged N: so many packets, since the start.
judged() {
	[[ $(counter queued) -ge $1 ]] && settled
}

crowd() {
	local all before
	before=$(counter queued)
	mkfifo "$TMP/go-$1" "$TMP/go-$1.first"
	exec 7<>"$TMP/go-$1" # what is written to it stays there
	GO=$TMP/go-$1 STAY=$TMP/stays.in GOOD=$TMP/good LINE=$1-0-evil-1 spawn client "$1" "$TMP/evil" -c "$CROWD"
	wait_for judged $((before + 12))
	kill -STOP "$DAEMON"
	echo >"$TMP/go-$1.first"
	wait_for is_executed "$SPAWNED" "$TMP/good"
	mapfile -t all <"$TMP/$1.log"
	expect_that "${#all[@]}" -eq 12 "children"
	wait_for all_executed "${all[@]}"
	kill -CONT "$DAEMON"
	wait_for judged $((before + 13))
	halt "${all[@]}" "$SPAWNED"
	expect_that "$(come "$1" evil)" -eq 0 "lines of what is forbidden"
	unknown=$(counter unknown) # it may be of so many: who holds it changes as they are looked at
}

setup_net
receive server -a nobody $PORT
copy_program /bin/bash good
copy_program /bin/bash evil
mkfifo "$TMP/stays.in"
divert client
start_daemon client

unknown=0
step "one of them is forbidden"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
lives deny
in_a_crowd deny-crowd
none_unknown
crowd deny-many
expect_ok ctl -D 0 -c OUTPUT

step "one of them alone is allowed"
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/good"
expect_ok ctl -A -c OUTPUT -v DROP -p udp
lives allow
in_a_crowd allow-crowd
none_unknown
crowd allow-many
