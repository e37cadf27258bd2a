#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a file system that does not answer when programs are opened or read stalls no verdict on others, holds up a
# bounded number of threads, is counted, and once it answers its programs are judged by their digests.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/slowfs.sh
. $SCRIPTS/slowfs.sh

PORT=7001
STUCK=20 # programs that are run from there: more than there are threads
FS=$TMP/fs

# keep WHO: runs that program of the file system, which says lines that come by its fifo.
keep() {
	mkfifo "$TMP/$1.in"
	STDIN=$TMP/$1.in spawn client "$1" "$FS/$1" -u -k $SERVER4 $PORT
	wait_for grep -qx connected "$TMP/$1.log"
}

say() {
	echo "$2" >"$TMP/$1.in"
}

# says WHO LINE: again, until it arrives.
says() {
	say "$1" "$2"
	received "$2"
}

threads() {
	find "/proc/$DAEMON/task" -mindepth 1 -maxdepth 1 | wc -l
}

# others_pass LINE: connections of a program that was never seen before are judged at once.
others_pass() {
	local i
	for i in 1 2 3; do
		copy_program "$HELPERS/talk" "other-$1-$i"
		expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/other-$1-$i"
		expect_ok on client "$TMP/other-$1-$i" -w 1000 $SERVER4 $PORT "other/$1.$i"
	done
}

setup_net
receive server $PORT
mkdir "$TMP/files" "$FS"
for mode in open read; do
	for ((i = 0; i < STUCK; i++)); do
		copy_program "$HELPERS/talk" "files/$mode-$i"
	done
done
copy_program "$HELPERS/talk" files/evil
divert client
mount_slowfs "$FS" "$TMP/files"
start_daemon client --pol-out DROP
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/files/evil"
before=$(threads)

for mode in open read; do
	step "$mode(2) of $STUCK programs does not return"
	fs "hold $mode $DAEMON"
	stalled=$(counter hash_stalled) held=$(n_held)
	for ((i = 0; i < STUCK; i++)); do
		expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/files/$mode-$i"
		keep "$mode-$i"
		say "$mode-$i" "early/$mode-$i"
	done
	wait_for more_held "$held"
	others_pass "$mode"
	wait_for counts_more hash_stalled $((stalled + STUCK - 1))
	expect_that "$(threads)" -le $((before + 16)) "threads"
	others_pass "$mode-later"
	! received "early/$mode" || fail "accepted by a digest that cannot be known"
	step "they return"
	fs "let go"
	for ((i = 0; i < STUCK; i++)); do
		wait_for says "$mode-$i" "late/$mode-$i"
	done
	wait_for settled
done

step "and what was never accepted, was not"
fs "hold open $DAEMON"
held=$(n_held)
keep evil
say evil early/evil
wait_for more_held "$held"
fs "let go"
wait_for settled
! received early/evil || fail "evil got through"
expect_that "$(counter hash_stalled)" -ge $((2 * STUCK)) "objects that stood still"
daemon_alive
