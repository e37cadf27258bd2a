#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: `status`, `explain`, `sig list` and --metrics tell which signatures are in force, what they have met and which of
# them would look at a packet that the rules let pass, never only that it passes; and as many contents as need another
# way to be looked for are found all the same, cut at any byte.
# timeout: 120
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SINK=$TMP/sink
N=600

# status_has FILTER: `status --json` has what it says.
status_has() {
	ctl status --json | jq -e ".signatures | $1" >"$TMP/has"
}

# explained FILTER [WORD...]: of a packet of this shell to the server.
explained() {
	ctl explain --pid $$ -d $SERVER4 -p tcp "${@:2}" --json | jq -c "$1"
}

metric() {
	on client /usr/bin/curl -q -sS --noproxy '*' --max-time 5 http://127.0.0.1:9877/metrics | grep -F "$1"
}

# send MARK CUT: those bytes to the server, in two segments, from a port of its own.
PORT=30000
send() {
	((PORT += 1))
	try on client timeout 20 python3 -c '
import socket, sys
server, port, text, cut = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4])
s = socket.socket()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s.bind(("", port))
s.connect((server, 8080))
s.settimeout(1)
s.sendall(b"padding " + text[:cut])
# The second one leaves when the first has arrived, so they are not merged.
while s.getsockopt(socket.IPPROTO_TCP, 11, 104)[24:28] != bytes(4): pass
s.sendall(text[cut:] + b" and more\r\n\r\n")
s.recv(1)' $SERVER4 $PORT "$1" "$2"
}

server_has() {
	grep -qaF -- "$1" "$SINK/$PORT" 2>/dev/null
}

setup_net
mkdir "$SINK"
spawn server sink python3 $SCRIPTS/sink.py 8080 "$SINK"
wait_for grep -q listening "$TMP/sink.log"
divert client
start_daemon client --metrics 127.0.0.1:9877 --state "$TMP/state"

step "without signatures, there are none"
expect_line "signatures none" ctl status
status_has '.loaded == 0 and .of_patches == 0 and .file == null and .at == null' || fail "status --json"
[[ $(explained .inspected) == null ]] || fail "explain has inspected"
expect_no_line "inspected" ctl explain --pid $$ -d $SERVER4 -p tcp

step "$N of them, from a file: status and explain tell so"
{
	echo 'depth 5000000'
	for ((i = 1; i < N; i++)); do
		printf 'alert tcp any any -> any 8080 (msg:"filler %d"; content:"|00 00|%08x|00 00|"; sid:%d;)\n' $i $((i * 7919)) $i
	done
	echo "drop tcp any any -> any 8080 (msg:\"the one\"; content:\"needle in the hay\"; sid:$N;)"
	echo 'drop udp any any -> any 8080 (msg:"not of TCP"; content:"needle in the hay"; sid:9000;)'
} >"$TMP/many.rules"
expect_ok ctl sig load "$TMP/many.rules"
expect_line "signatures $((N + 1)), the last from $TMP/many.rules" ctl status
status_has ".loaded == $((N + 1)) and .file == \"$TMP/many.rules\" and .inspection.depth == 5000000 and
	(.at | fromdateiso8601) <= now and (.at | fromdateiso8601) > now - 600" || fail "status --json: $(ctl status --json)"
[[ $(explained .verdict --dport 8080) == '"ACCEPT"' ]] || fail "the rules let it pass"
[[ $(explained '.inspected | [.signatures, .patches, .stopping, .depth, .sids[0]]' --dport 8080) == "[$N,0,1,5000000,1]" ]] ||
	fail "inspected: $(explained .inspected --dport 8080)"
expect_line "inspected  by $N signatures and 0 patches, 5000000 bytes deep: 1 of them stop what they find" \
	ctl explain --pid $$ -d $SERVER4 -p tcp --dport 8080
expect_line "inspected  no: no signature looks at such packets" ctl explain --pid $$ -d $SERVER4 -p tcp --dport 8081
expect_line "by $N signatures" ctl explain --pid $$ -d $SERVER4 -p tcp
expect_ok ctl -A -c OUTPUT -v DROP -p tcp --dport 8081
[[ $(explained .inspected --dport 8081) == null ]] || fail "what is dropped is not inspected"

step "a patch that looks at payload is told of"
expect_ok ctl patch add --port 8080 --pattern 'patched away' --note CVE-1
[[ $(explained '.inspected | [.signatures, .patches, .stopping, .patch_ids[0]]' --dport 8080) == "[$N,1,2,1]" ]] ||
	fail "inspected: $(explained .inspected --dport 8080)"
status_has '.of_patches >= 1' || fail "status has no patch"

step "cut at any byte, it is stopped; its twin arrives"
mark='needle in the hay'
for ((cut = 1; cut < ${#mark}; cut += 1)); do
	send "$mark" $cut
	! server_has hay || fail "cut at $cut: it arrived"
	server_has "padding ${mark:0:cut}" || fail "cut at $cut: nothing arrived at all"
done
send 'needle in the hat' 6
wait_for server_has 'needle in the hat and more'
stopped=$((cut - 1))

step "what was met is told of, and only that"
expect_that "$(ctl sig list --json | jq ".signatures[] | select(.sid == $N).hits")" -ge $stopped "hits"
hits=$(ctl sig list --json | jq ".signatures[] | select(.sid == $N).hits")
wait_for metric "appfw_signature_matches_total{sid=\"$N\",action=\"drop\",msg=\"the one\"} $hits"
expect_that "$(metric 'appfw_signature_matches_total{' | wc -l)" -eq 1 "signatures with a metric"
metric "appfw_signatures $((N + 1))" || fail "no number of signatures"
status_has '.inspection.connections > 0' || fail "no connection is inspected"

step "after a restart it is told that they are the saved ones"
stop_daemon TERM
start_daemon client --state "$TMP/state"
expect_line "signatures $((N + 1)), the last from signatures" ctl status
send "$mark" 9
! server_has hay || fail "it arrived"
expect_ok ctl patch rm 1
expect_ok ctl sig rm all
expect_line "signatures none" ctl status
wait_for settled
daemon_alive
