#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: whatever changes what a packet would meet (rule, policy, set, patch, mode) is obeyed by the next packet of a socket
# whose packets pass, or are dropped, in the kernel; and by the first of a new one, of a program whose first packets pass
# there.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

cat >"$TMP/lines.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("listening", flush=True)
for line in sys.stdin:
    if sys.argv[2] == "new":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.sendto(line.encode(), (sys.argv[1], 7001))
    except PermissionError: # what the filter table drops at once is told
        pass
    print(line.strip(), flush=True)
END
LINES_SAID=0

# say: one line more, by the same socket; returns when it was sent.
say() {
	((LINES_SAID += 1))
	echo "line/$LINES_SAID." >&3
	wait_for grep -qx "line/$LINES_SAID." "$TMP/lines.log"
}

# warm accepted|dropped: the kernel does that by itself; but of what is to be dropped the daemon has each socket's first.
warm() {
	local before
	[[ $SOCKET$1 != newdropped ]] || return 0
	before=$(counter "cache_$1")
	say_more() { say; counts_more "cache_$1" "$before"; }
	wait_for say_more "$1"
}

# what_became BLOCKED: whether the last line arrived, or more packets than that were stopped.
what_became() {
	OUTCOME=passes
	received "line/$LINES_SAID." && return
	OUTCOME=blocked
	[[ $(($(counter dropped) + $(counter cache_dropped))) -gt $1 ]]
}

# next passes|blocked: what becomes of the very next one.
next() {
	local before=$(($(counter dropped) + $(counter cache_dropped)))
	say
	wait_for what_became "$before"
	[[ $OUTCOME == "$1" ]] || fail "the next packet: $OUTCOME instead of $1"
	((NEXT += 1))
}

# obeyed CMD... -- UNDO...: packets pass; after CMD none does, and after UNDO they do.
obeyed() {
	local cmd=()
	while [[ $1 != -- ]]; do
		cmd+=("$1")
		shift
	done
	shift
	warm accepted
	expect_ok ctl "${cmd[@]}"
	next blocked
	next blocked
	warm dropped
	expect_ok ctl "$@"
	next passes
	next passes
}

spawn_lines() {
	rm -f "$TMP/lines.in" "$TMP/lines.log"
	mkfifo "$TMP/lines.in"
	exec 3<>"$TMP/lines.in"
	STDIN=$TMP/lines.in spawn client lines taskset -c 0 "$TMP/sender" "$TMP/lines.py" $SERVER4 "$SOCKET"
	SPEAKER=$SPAWNED
	wait_for grep -q '^listening$' "$TMP/lines.log"
}

# all same|new: by one socket, or a new one for each line.
all() {
	SOCKET=$1
	spawn_lines
	step "$SOCKET socket: a rule"
	obeyed -A -c OUTPUT -v DROP -p udp -- -D 0 -c OUTPUT
	step "$SOCKET socket: a rule on the program"
	obeyed -A -c OUTPUT -v DROP --object "$TMP/sender" -- -D 0 -c OUTPUT
	step "$SOCKET socket: a rule on a port, which nothing asked for before"
	obeyed -I 0 -c OUTPUT -v DROP --dport 7001 -p udp -- -D 0 -c OUTPUT
	step "$SOCKET socket: a policy"
	obeyed policy OUTPUT DROP -- policy OUTPUT ACCEPT
	step "$SOCKET socket: a patch"
	((PATCHES += 1))
	obeyed patch add --cidr $SERVER4/32 --port 7001 --note CVE-1 -- patch rm $PATCHES
	step "$SOCKET socket: what a set has"
	expect_ok ctl set add "$SOCKET" /usr/bin/curl
	expect_ok ctl -A -c OUTPUT -v DROP --set "$SOCKET"
	obeyed set add "$SOCKET" "$TMP/sender" -- -D 0 -c OUTPUT
	step "$SOCKET socket: the mode"
	expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/sender"
	next blocked
	warm dropped
	expect_ok ctl mode monitor
	next passes
	expect_ok ctl mode enforce
	next blocked
	warm dropped
	expect_ok ctl -D 0 -c OUTPUT
	warm accepted
	halt "$SPEAKER"
}

NEXT=0 PATCHES=0
setup_net
receive server 7001
copy_program "$(command -v python3)" sender
start_daemon client
hook client
all same
all new
expect_that "$NEXT" -eq 54 "packets of which it was known what becomes of them"
daemon_alive
