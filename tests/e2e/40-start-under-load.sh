#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: beside 1,000 processes that hold 20,000 sockets the daemon is ready within 0.5 s of its exec, and
# every one of those processes is then known: a blocked one's packets are dropped, all others' pass.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

STARTS=5 # this machine has other things to do: the best counts
# The 0.5 s are printed. What must hold is a share of what it takes to read the same from /proc beside each start, so
# that neither a slow machine nor a busy moment fails it.
TIMES=${SAN:+10}2

# crowd NAME PROCESSES PORT: copies of the program NAME, with 20 sockets each: TCP connections, connected
# UDP sockets, listeners. Of each, two will speak: one of TCP, one of UDP.
crowd() {
	mkfifo "$TMP/$1.in"
	STDIN=$TMP/$1.in spawn client "$1" "$TMP/$1" -w 3000 -n 2 "$2" 20 ltu $SERVER4 "$3"
	WAIT_S=30 wait_for grep -qx crowded "$TMP/$1.log"
}

# say NAME TEXT ANSWERED ASKED
say() {
	echo "all $2" >"$TMP/$1.in"
	WAIT_S=30 wait_for grep -q "^said $2:" "$TMP/$1.log"
	grep "^said $2:" "$TMP/$1.log"
	grep -qx "said $2: $3 of $4 answered" "$TMP/$1.log" || fail "$1: not $3 of $4 answered"
}

# read_proc: each process with its mappings and descriptors, as one would without probes.
read_proc() {
	cat /proc/[0-9]*/maps >/dev/null 2>&1 || true
	find /proc/[0-9]*/fd -type l -printf '%l\n' >/dev/null 2>&1 || true
}

# timed_start: starts the daemon; the ms from its exec to `ready` in $TOOK, those of read_proc in $PROC_MS.
timed_start() {
	local ready line began
	began=${EPOCHREALTIME/[.,]/}
	read_proc
	PROC_MS=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	rm -f "$TMP/ready"
	mkfifo "$TMP/ready"
	DAEMON_LOG=$TMP/app-fw.log
	# shellcheck disable=SC2016 # the inner shell is to expand it
	nsenter --net="$(netns client)" bash -c 'echo "$EPOCHREALTIME"; exec "$@"' - \
		"$BIN/app-fw" --socket "$APP_FW_SOCKET" --no-state </dev/null >"$TMP/ready" 2>>"$DAEMON_LOG" &
	# shellcheck disable=SC2034 # lib.sh ends it
	DAEMON=$!
	exec {ready}<"$TMP/ready"
	if ! read -r -t 30 began <&"$ready" || ! read -r -t 30 line <&"$ready"; then
		fail "the daemon was not ready in 30 s"
	fi
	TOOK=$(((${EPOCHREALTIME/[.,]/} - ${began/[.,]/}) / 1000))
	[[ $line == ready ]] || fail "the daemon said '$line'"
	exec {ready}<&-
}

setup_net
receive server 7001 7002
copy_program "$HELPERS/crowd" good
copy_program "$HELPERS/crowd" evil
step "1,000 processes, 20,000 sockets"
crowd good 999 7001
crowd evil 1 7002
say good before 1998 1998
say evil before 2 2

divert client
best='' proc=''
for ((i = 1; i <= STARTS; i++)); do
	timed_start
	echo "start $i: ready after $TOOK ms; /proc read in $PROC_MS ms"
	proc=$((${proc:-$PROC_MS} < PROC_MS ? proc : PROC_MS))
	best=$((${best:-$TOOK} < TOOK ? best : TOOK))
	((i == STARTS)) || stop_daemon TERM
done

step "each of them is known"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
say good after 1998 1998
say evil after 0 2
wait_for settled
! received "7002 after" || fail "a blocked process's packet arrived"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
expect_that "$(ctl status --json | jq '.sockets')" -ge 20000 "sockets on record"
expect_that "$(ctl status --json | jq '.degraded | length')" -eq 0 "reasons to be degraded"
expect_that "$best" -le $((TIMES * proc)) "ms from exec to ready, the best of $STARTS (500 promised; $proc to read /proc)"
