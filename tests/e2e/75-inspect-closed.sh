#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what cannot be looked into (here: an urgent byte, which its receiver may take out of the stream) is counted and
# passes, or, in a chain of --inspect-closed, is dropped; the other chain goes on as before.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SINK=$TMP/sink

# ADDR PORT FROM: says "plain", then an urgent byte, and fails if that is not taken within a second.
cat >"$TMP/urgent.py" <<-'END'
	import socket, sys, time
	with socket.socket() as s:
	    s.bind(("", int(sys.argv[3])))
	    s.connect((sys.argv[1], int(sys.argv[2])))
	    for data, flags in (b"plain", 0), (b"!", socket.MSG_OOB):
	        s.send(data, flags)
	        end = time.monotonic() + (20 if data == b"plain" else 1)
	        while s.getsockopt(socket.IPPROTO_TCP, 11, 104)[24:28] != bytes(4):
	            if time.monotonic() > end:
	                sys.exit(f"not taken: {data}")
END

# says NS ADDR FROM: the urgent byte is taken.
says() {
	on "$1" python3 "$TMP/urgent.py" "$2" 8080 "$3"
}

# expect_stopped NS ADDR FROM: it is not, what came before it is.
expect_stopped() {
	expect_fail says "$@"
	grep -q "not taken: b'!'" "$TMP/err" || fail "$(cat "$TMP/err")"
	[[ $(cat "$SINK/$3") == plain ]] || fail "the other side has: $(cat "$SINK/$3")"
}

setup_net
mkdir "$SINK"
for ns in client server; do
	spawn $ns "sink-$ns" python3 $SCRIPTS/sink.py 8080 "$SINK"
	wait_for grep -q listening "$TMP/sink-$ns.log"
done
divert client
echo 'drop tcp any any -> any any (content:"the needle"; sid:1;)' >"$TMP/rules"

step "open: it passes, and is counted"
start_daemon client
expect_ok ctl sig load "$TMP/rules"
expect_ok says client $SERVER4 5001
out=$(counter not_inspected)
expect_that "$out" -ge 1 "packets not looked into"
expect_ok says server $CLIENT4 5002
expect_that "$(counter not_inspected)" -gt "$out" "packets not looked into"

step "OUTPUT is closed: what goes out is stopped, what comes in is not"
stop_daemon TERM
start_daemon client --inspect-closed OUTPUT
expect_ok ctl sig load "$TMP/rules"
expect_stopped client $SERVER4 5003
expect_ok says server $CLIENT4 5004

step "INPUT is closed: the other way round"
stop_daemon TERM
start_daemon client --inspect-closed INPUT
expect_ok ctl sig load "$TMP/rules"
expect_ok says client $SERVER4 5005
expect_stopped server $CLIENT4 5006

step "signatures that only alert stop nothing"
sed -i 's/^drop/alert/' "$TMP/rules"
expect_ok ctl sig load "$TMP/rules"
expect_ok says server $CLIENT4 5007
daemon_alive
