#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what a process has written and cannot send any more goes out by the kernel when the process is
# gone. If it was denied while the process lived, it stays denied; if not, it arrives.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Connects to port $2 of $1; at each line of standard input writes it; ends with its input, at once.
cat >"$TMP/leave.py" <<-'END'
	import os, socket, sys
	s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
	print("connected", flush=True)
	for line in sys.stdin:
	    s.send(line.encode())
	os._exit(0)
END
python=$(readlink -f "$(command -v python3)")

# leave NAME PORT: the program NAME connects; it writes what comes into $TMP/NAME.in.
leave() {
	mkfifo "$TMP/$1.in"
	nsenter --net="$(netns client)" "$TMP/$1" "$TMP/leave.py" $SERVER4 "$2" <"$TMP/$1.in" >"$TMP/$1.log" 2>&1 &
	PIDS+=($!)
	LEAVER=$!
	exec {pipe}>"$TMP/$1.in"
	wait_for grep -q connected "$TMP/$1.log"
}

setup_net
receive server 7001 7002
copy_program "$python" good
copy_program "$python" evil
divert client
start_daemon client

step "denied in the middle of its connection, it writes and exits: nothing of that arrives"
leave evil 7002
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
dropped=$(counter dropped)
echo "evil says" >&"$pipe"
wait_for counts_more dropped "$dropped"
exec {pipe}>&-
wait_for gone "$LEAVER"
dropped=$(counter dropped)
wait_for counts_more dropped $((dropped + 1))
expect_that "$(grep -c 'tcp 7002 evil' "$TMP/receive.log" || true)" -eq 0 "lines of the denied process received"

step "another one, not denied, with its last words still in its buffer: they arrive"
leave good 7001
echo "good says" >&"$pipe"
exec {pipe}>&-
wait_for gone "$LEAVER"
wait_for received "tcp 7001 good says"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
