#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a connection that signatures have done with passes in the kernel, however much it carries (its numbers go round),
# one that they have to read does not; and what passes there is that connection, not the next one with its addresses and ports.
# timeout: 240
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

GB=5 AGAIN=20
PORT=8443 FROM=41000

# PORT: takes connections. Who begins with a TLS hello is answered with one, and told once the needle has come. What each
# brought is told at its end: how much, and whether the needle was in the last of it.
cat >"$TMP/take.py" <<-'END'
	import socket, sys, threading
	def take(s, peer):
	    n, tail, hello = 0, b"", False
	    try:
	        while (data := s.recv(1 << 20)):
	            if n == 0 and data[0] == 0x16:
	                hello = True
	                s.sendall(b"\x16\x03\x03\x00\x64\x02")
	            n += len(data)
	            tail = (tail + data)[-100:]
	            if hello and b"needle" in tail:
	                s.sendall(b"!")
	    except OSError:
	        pass
	    print("took", peer, n, "needle" if b"needle" in tail else "clean", flush=True)
	with socket.create_server(("", int(sys.argv[1])), backlog=100) as server:
	    print("listening", flush=True)
	    while True:
	        s, peer = server.accept()
	        threading.Thread(target=take, args=(s, peer[1]), daemon=True).start()
END

# ADDR PORT FROM HELLO MB [TEXT]: from that port, the hello if it is one, so many megabytes, the text. It ends the connection,
# or, after a text, has it reset: once it has come, or, without a hello, once it has had its time to.
cat >"$TMP/give.py" <<-'END'
	import socket, struct, sys, time
	addr, port, source, hello, mb = sys.argv[1], *map(int, sys.argv[2:6])
	text = sys.argv[6].encode() if len(sys.argv) > 6 else b""
	with socket.socket() as s:
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", bool(text), 0))
	    s.settimeout(20)
	    s.bind(("", source))
	    s.connect((addr, port))
	    if hello:
	        s.sendall(b"\x16\x03\x01\x00\x64\x01")
	        s.recv(100)
	    zeros = bytes(1 << 20)
	    for i in range(mb):
	        s.sendall(zeros)
	    if text:
	        s.sendall(text)
	    if text and hello:
	        s.recv(1)
	    elif text:
	        end = time.monotonic() + 0.3
	        while time.monotonic() < end and s.getsockopt(socket.IPPROTO_TCP, 11, 104)[24:28] != bytes(4):
	            time.sleep(0.005)
END

give() {
	on client python3 "$TMP/give.py" $SERVER4 $PORT "$@"
}

# took_from PORT WHAT: how many connections from there have brought it.
took_from() {
	grep -c "^took $1 $2" "$TMP/take.log" || true
}

# guard_ns NS: a daemon there, with the hook, and a signature that looks for the needle.
guard_ns() {
	start_daemon "$1"
	expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest nc)"
	hook "$1"
	echo 'drop tcp any any <> any any (content:"needle"; sid:1;)' >"$TMP/needle.rules"
	expect_ok ctl sig load "$TMP/needle.rules"
}

# in_kernel: packets that passed there, as of now.
in_kernel() {
	ctl stats --json | jq '.counters.cache_accepted'
}

setup_net
spawn server take python3 "$TMP/take.py" $PORT
wait_for grep -q listening "$TMP/take.log"
guard_ns client

step "$GB GB that nobody has to read"
give $((FROM + 1)) 1 1
queued=$(counter queued) passed=$(in_kernel)
give $((FROM + 2)) 1 $((GB * 1024)) "a needle"
queued=$(($(counter queued) - queued)) passed=$(($(in_kernel) - passed))
wait_for grep -q "^took $((FROM + 2)) " "$TMP/take.log"
expect_that "$(took_from $((FROM + 2)) "$((GB * 1024 * 1048576 + 6 + 8)) needle")" -eq 1 "connections that brought all of it"
expect_that "$passed" -ge 1000 "packets that passed in the kernel"
expect_that "$queued" -le $((passed / 10)) "packets that were queued"

step "what has to be read is read"
passed=$(in_kernel)
give $((FROM + 3)) 0 1
wait_for grep -q "^took $((FROM + 3)) 1048576 clean" "$TMP/take.log"
give $((FROM + 4)) 0 0 "a needle"
expect_that $(($(in_kernel) - passed)) -eq 0 "packets of these that passed in the kernel"
wait_for counts_more signature_stopped 0
expect_that "$(took_from '[0-9]*' '[0-9]* needle')" -eq 1 "needles, with the one of before"
unhook client
stop_daemon TERM

step "the next connection with its addresses and ports"
guard_ns server
for ((i = 0; i < AGAIN; i++)); do
	give $((FROM + 5)) 1 4 "a needle" # nobody reads it
	give $((FROM + 5)) 0 0 "a needle"
done
wait_for counts_more signature_stopped $((AGAIN - 1))
expect_that "$(in_kernel)" -ge $((AGAIN * 10)) "packets that passed in the kernel"
expect_that "$(took_from $((FROM + 5)) '[0-9]* needle')" -eq $AGAIN "needles among what nobody had to read"
expect_that "$(took_from $((FROM + 5)) '8 needle')" -eq 0 "needles among what had to be"
daemon_alive
