#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: 100,000 half-open connections are followed in bounded memory, and twice as many push out only one another, not a
# connection that talks: what it has begun to say before them is stopped when it is complete, clean bytes arrive.
# timeout: 240
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SOURCES=10.200.0.11,10.200.0.12,10.200.0.13,10.200.0.14
FIRST=10000 # of the ports of each
SENT=104000 # at a time: some may not find room in a queue
MOST=131072 # docs/signatures.md
MEMORY_KB=$((256 * 1024))
SINK=$TMP/sink

followed() {
	ctl status --json | jq .signatures.inspection.connections
}

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}

# half_open FIRST N: so many, from N / 4 ports of each source.
half_open() {
	on client python3 $SCRIPTS/half_open.py $SOURCES $SERVER4 8080 "$1" $(($1 + $2 / 4 - 1)) >"$TMP/half_open"
	grep -qx "sent $2" "$TMP/half_open" || fail "not all were sent: $(cat "$TMP/half_open")"
}

follows() {
	[[ $(followed) -ge $1 ]]
}

# talker NAME PORT: a connection; it says each line of its orders, at once.
talker() {
	cat >"$TMP/talker.py" <<-'END'
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		s.bind(("", int(sys.argv[2])))
		s.connect((sys.argv[1], 8080))
		print("connected", flush=True)
		for line in sys.stdin:
		    s.sendall(line.rstrip("\n").encode())
	END
	mkfifo "$TMP/$1.orders"
	STDIN=$TMP/$1.orders spawn client "$1" python3 "$TMP/talker.py" $SERVER4 "$2"
	exec {pipe}<>"$TMP/$1.orders"
	orders[$2]=$pipe
	wait_for grep -q connected "$TMP/$1.log"
}

# say PORT TEXT
say() {
	echo "$2" >&"${orders[$1]}"
}

# has PORT TEXT: nothing but this has arrived from there.
has() {
	[[ $(cat "$SINK/$1") == "$2" ]]
}

declare -a orders
setup_net
for address in ${SOURCES//,/ }; do
	on client ip addr add "$address/24" dev veth0
done
on client iptables -w 5 -A OUTPUT -p tcp --tcp-flags RST RST --dport 8080 -j DROP
mkdir "$SINK"
spawn server sink python3 $SCRIPTS/sink.py 8080 "$SINK"
wait_for grep -q listening "$TMP/sink.log"
divert server
start_daemon server
echo 'drop tcp any any -> any 8080 (content:"the needle"; sid:1;)' >"$TMP/rules"
expect_ok ctl sig load "$TMP/rules"
talker evil 5001
talker good 5002
say 5001 'this is the nee'
say 5002 'this is the nee'
wait_for has 5001 'this is the nee'
wait_for has 5002 'this is the nee'
before=$(rss_kb)

step "100,000 half-open connections are followed, all of them"
# Nobody repeats a SYN that a full queue has dropped, but this.
half_open $FIRST $SENT
poll 5 follows 100000 || half_open $FIRST $SENT
WAIT_S=60 wait_for follows 100000
expect_that "$(counter stream_evicted)" -eq 0 "connections forgotten for want of room"
expect_that $(($(rss_kb) - before)) -lt $MEMORY_KB "kB more of memory"

step "100,000 others: there is no room for all, and who talks is not forgotten"
half_open $((FIRST + SENT / 4)) $SENT
poll 5 counts_more stream_evicted $((200000 - MOST - 1)) || half_open $((FIRST + SENT / 4)) $SENT
WAIT_S=60 wait_for counts_more stream_evicted $((200000 - MOST - 1))
expect_that "$(followed)" -le $MOST "connections that are followed"
expect_that $(($(rss_kb) - before)) -lt $MEMORY_KB "kB more of memory"
stopped=$(counter signature_stopped)
say 5001 'dle in the hay'
say 5002 'ds of many'
wait_for has 5002 'this is the needs of many'
wait_for counts_more signature_stopped "$stopped"
has 5001 'this is the nee' || fail "it has arrived: $(cat "$SINK/5001")"

step "a connection that begins now is looked into like any other"
talker late 5003
say 5003 'still the nee'
wait_for has 5003 'still the nee'
stopped=$(counter signature_stopped)
say 5003 'dle'
wait_for counts_more signature_stopped "$stopped"
has 5003 'still the nee' || fail "it has arrived: $(cat "$SINK/5003")"

step "without signatures nothing of all that is left"
expect_ok ctl sig rm all
expect_that "$(followed)" -eq 0 "connections that are followed"
daemon_alive
