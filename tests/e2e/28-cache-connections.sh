#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: with the verdict cache, a new connection of a program that was judged before costs the daemon no packet, from
# its SYN to the last packet of a socket that nobody holds any more: of 300 connections a few packets are queued in all,
# for verdicts whose time was over; whoever closes first, IPv4 and IPv6, and whatever the rules ask of the ports and
# addresses of others: each connection has a port of its own. Who holds a socket is proven once, as its first packet is sent: what
# is answered, and what is sent as it is closed, rests on that.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

TIMES=300

# ADDR PORT first|last TIMES: connections, one after the other, that it closes first, or after the other side has.
cat >"$TMP/connect.py" <<-'END'
	import socket, sys
	addr, port, order, times = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
	end = "\r\nConnection: close" if order == "last" else ""
	for i in range(times):
	    s = socket.create_connection((addr, port))
	    s.sendall(f"GET / HTTP/1.1\r\nHost: x{end}\r\n\r\n".encode())
	    got = s.recv(4096)
	    while order == "last" and s.recv(4096):
	        pass
	    s.close()
	    assert got.startswith(b"HTTP/1.1 200"), got
END

connect() {
	on client "$TMP/good" "$TMP/connect.py" "$@"
}

# costs_of ADDR ORDER: how many packets of so many connections came to the daemon, and of how many the holders were proven
# anew. Two before them have it judge each kind.
costs_of() {
	local queued proven
	connect "$1" 8088 "$2" 2
	queued=$(counter queued)
	proven=$(counter notes_proven)
	connect "$1" 8088 "$2" $TIMES
	wait_for settled
	echo $(($(counter queued) - queued)) $(($(counter notes_proven) - proven))
}

setup_net
serve_nginx server 8088
# Whose an answer is that comes when its socket was closed just now cannot be told: only who waits for one gets it.
receive server -a waits 7001 7002
copy_program "$(readlink -f "$(command -v python3)")" good
copy_program "$TMP/good" evil
copy_program "$(ldd "$TMP/good" | awk '/libm\./ { print $3 }')" evil.so
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest nc)"
hook client

all() {
	local addr order queued proven
	for addr in $SERVER4 $SERVER6; do
		for order in last first; do
			step "$TIMES connections to $addr, closed $order; $1"
			read -r queued proven <<<"$(costs_of "$addr" $order)"
			expect_that "$queued" -lt $((TIMES / 5)) "packets that were queued"
			expect_that "$proven" -lt $((TIMES / 5)) "packets whose holders were proven anew"
		done
	done
}

all "a rule on a digest"
expect_ok ctl -A -c OUTPUT -v DROP -s 172.16.0.0/12 -p tcp --sport 1024:65535
expect_ok ctl -A -c OUTPUT -v DROP -d 203.0.113.0/24
expect_ok ctl -A -c OUTPUT -v DROP -p tcp --dport 8089
expect_ok ctl -A -c INPUT -v DROP -p tcp --dport 22
expect_ok ctl -A -c INPUT -v DROP -s fd01::/32
all "and on addresses and ports of others"
expect_fail on client timeout 1 "$TMP/good" "$TMP/connect.py" $SERVER4 8089 last 1
expect_that "$(counter dropped)" -gt 0 "packets that were dropped, to the port that a rule names"
DROPPED=$(counter dropped)
connect $SERVER4 8088 last 1
expect_that "$(counter dropped)" -eq "$DROPPED" "dropped packets, after one to another port"

step "what a socket takes over from the one before it"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil.so"
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7002
PROVEN=$(counter notes_proven)
on client "$TMP/good" $SCRIPTS/heir.py $SERVER4 7001 7002 "$TMP/evil" "$TMP/evil.so"
PROVEN=$(($(counter notes_proven) - PROVEN))
wait_for settled
for text in given-back forked-back twice before; do
	wait_for received "$text.passes"
done
expect_that "$(grep -c 'many-.*passes' "$TMP/receive.log")" -eq 100 "datagrams of 100 sockets"
expect_that "$(grep -c 'threaded-.*passes' "$TMP/receive.log")" -eq 100 "the same, of a program with threads"
expect_that "$(grep -c blocked "$TMP/receive.log" || true)" -eq 0 "datagrams that may not pass"
expect_that "$PROVEN" -lt 100 "packets of these 220 and some sockets whose holders were proven anew"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
