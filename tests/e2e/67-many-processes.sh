#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: 10,000 processes of 200 programs talk: each program is hashed once, and the daemon stays below 60 MB.
# timeout: 300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PROCESSES=10000
PROGRAMS=200
RSS_KB=${SAN:+10}61440

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}

arrived() {
	[[ $(seen_by_rule server army) -ge $1 ]]
}

# Processes are limited: what there is room for, with some left for everybody else. Those of a sanitized build are large.
tasks=$(cut -d' ' -f4 /proc/loadavg)
room=$(($(</proc/sys/kernel/pid_max) - ${tasks#*/} - 2000))
[[ -z ${SAN:-} ]] || PROCESSES=1000
PROCESSES=$((PROCESSES < room ? PROCESSES : room))
((PROCESSES >= 1000)) || skip "there is room for $room processes only"

setup_net
count_rule server -p udp --dport 7002 -m comment --comment army
mkdir "$TMP/army"
programs=()
for ((i = 0; i < PROGRAMS; i++)); do
	copy_program "$HELPERS/army" "army/$i"
	programs+=("$TMP/army/$i")
done
divert client
start_daemon client --pol-out DROP
libc=$(ldd "$HELPERS/army" | awk '/libc\./ { print $3 }')
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/army/0"
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$libc"

step "$PROCESSES processes of $PROGRAMS programs"
before=$(rss_kb)
mkfifo "$TMP/army.in"
STDIN=$TMP/army.in spawn client army "$HELPERS/army" -s $PROCESSES $SERVER4 7002 army "${programs[@]}"
WAIT_S=200 wait_for grep -qx sent "$TMP/army.log"
WAIT_S=30 wait_for settled
expect_that "$(pgrep -c -P "$SPAWNED")" -eq $PROCESSES "processes that live"
WAIT_S=10 wait_for arrived $((PROCESSES - PROCESSES / PROGRAMS))
expect_that "$(seen_by_rule server army)" -eq $((PROCESSES - PROCESSES / PROGRAMS)) "datagrams of all programs but the denied one"
known=$(ctl status --json | jq .processes)
expect_that "$known" -ge $PROCESSES "processes that the daemon knows"
expect_that "$(ctl status --json | jq .objects)" -ge $PROGRAMS "objects"
expect_that "$(counter hashed)" -ge $PROGRAMS "hashes"
# What has ended meanwhile, of this script and others, is forgotten: a few programs beside those of the army.
expect_that "$(counter hashed)" -le $(($(ctl status --json | jq .objects) + PROGRAMS / 20)) "hashes, none of an object that had one"
echo "resident memory: $before kB before"
expect_that "$(rss_kb)" -lt "$RSS_KB" "kB of resident memory"
halt "$SPAWNED"
daemon_alive
