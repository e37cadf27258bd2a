#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: ctl-fw top counts every packet once, for the program that has its socket; it fits a terminal of 80x24, and leaves
# it as it was.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=$(readlink -f "$(command -v python3)")

# of PATH FILTER: of the program's row.
of() {
	ctl top --json | jq -e --arg exe "$1" ".programs[] | select(.exe == \$exe) | $2"
}

# adds_up: every verdict of the counters is in the rows.
adds_up() {
	diff <(ctl stats --json | jq -c '.counters | [.accepted, .dropped, .rejected, .marked, .killed]') \
		<(ctl top --json | jq -c '[.programs[].verdicts] | [([.[].ACCEPT.packets] | add), ([.[].DROP.packets] | add),
			([.[].REJECT.packets] | add), ([.[].MARK.packets] | add), ([.[].KILL.packets] | add)]')
}

setup_net
serve_http server 8080
serve_nginx client 8090
receive server 7002 7003 7004
copy_program /usr/bin/curl evil
copy_program "$PYTHON" sender
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok ctl -A -c OUTPUT -v REJECT --object "$TMP/sender" -p udp --dport 7001
expect_ok ctl -A -c OUTPUT -v MARK=0x1 --object "$TMP/sender" -p udp --dport 7002
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/sender" -p udp --dport 7003 --monitor
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7012

step "each program has its own row: what it sent, and what came of it"
for i in 1 2 3 4 5; do
	expect_passes "curl$i" 8080 curl_get client $SERVER4
done
expect_passes wget 8080 wget_get client $SERVER6
expect_fail on client "$TMP/evil" -q -sS --noproxy '*' --max-time 0.5 "$(url $SERVER4 8080 /)"
for port in 7001 7002 7003 7004; do
	expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 10 0 $SERVER4 $port
done
expect_ok on server curl -q -sS --noproxy '*' --max-time 20 -o /dev/null "$(url $CLIENT4 8090 /)"
wait_for settled
curl=$(readlink -f /usr/bin/curl)
expect_that "$(of "$curl" .flows)" -eq 5 "flows of curl"
expect_that "$(of "$curl" .verdicts.ACCEPT.packets)" -ge 40 "packets of curl"
expect_that "$(of "$curl" .verdicts.DROP.packets)" -eq 0 "of them dropped"
[[ $(of "$curl" .sha256) == "\"$(digest curl)\"" ]] || fail "not its digest"
expect_that "$(of "$(readlink -f /usr/bin/wget)" .flows)" -eq 1 "flows of wget"
expect_that "$(of "$TMP/evil" .verdicts.DROP.packets)" -ge 1 "packets of evil dropped"
expect_that "$(of "$TMP/evil" .verdicts.ACCEPT.packets)" -eq 0 "of evil accepted"
[[ $(of "$TMP/evil" .sha256) == "\"$(digest "$TMP/evil")\"" ]] || fail "not its digest"
expect_that "$(of "$TMP/sender" .verdicts.REJECT.packets)" -ge 1 "rejected"
expect_that "$(of "$TMP/sender" .verdicts.MARK.packets)" -eq 10 "marked"
expect_that "$(of "$TMP/sender" .verdicts.MARK.bytes)" -eq 300 "bytes marked"
expect_that "$(of "$TMP/sender" .would.packets)" -eq 10 "that would have been dropped"
expect_that "$(of "$(readlink -f /usr/sbin/nginx)" .verdicts.ACCEPT.packets)" -ge 4 "packets of nginx, older than the daemon"

step "a process that executes another program counts for that"
copy_program "$PYTHON" second
cat >"$TMP/exec.py" <<-END
	import os, socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.connect(("$SERVER4", 7004))
	s.send(b"x\n")
	s.recv(64)
	if len(sys.argv) > 1:
	    os.execv(sys.argv[1], [sys.argv[1], "$TMP/exec.py"])
END
copy_program "$PYTHON" first
expect_ok on client "$TMP/first" "$TMP/exec.py" "$TMP/second"
wait_for settled
expect_that "$(of "$TMP/first" .verdicts.ACCEPT.packets)" -eq 2 "packets of the first program"
expect_that "$(of "$TMP/second" .verdicts.ACCEPT.packets)" -eq 2 "packets of the second"

step "what is nobody's is nobody's, and all adds up"
on server ping -q -c 3 -i 0.05 $CLIENT4 >/dev/null
wait_for settled
expect_that "$(ctl top --json | jq '.programs[] | select(.kind == "kernel").verdicts.ACCEPT.packets')" -ge 3 "packets of the kernel"
wait_for adds_up

step "rates, in pages for a file"
spawn client steady "$TMP/sender" $SCRIPTS/datagrams.py 60000 200 $SERVER4 7012
expect_ok ctl top --frames 2
expect_that "$(grep -c '^app-fw  enforce' "$TMP/out")" -eq 2 "pages"
# shows_its_rate: 200 a second is what it is told to send; a machine that stands still for a moment delays it, so
# that not every page must say so.
shows_its_rate() {
	local rate
	ctl top --frames 2 >"$TMP/pages"
	rate=$(awk -v p="$TMP/sender" 'index($0, substr(p, length(p) - 9)) { print $1 }' "$TMP/pages" | tail -n 1)
	echo "packets a second: $rate" >>"$TMP/rates.log"
	((rate >= 150 && rate <= 250))
}
WAIT_S=30 wait_for shows_its_rate
expect_ok ctl top --json --frames 2
expect_that "$(jq -s 'length' "$TMP/out")" -eq 2 "replies"

step "a terminal of 80x24, by key and by signal"
for end in key signal; do
	for try in 1 2 3 4 5; do
		expect_ok python3 $SCRIPTS/screen.py 24 80 2 $end "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" top
		grep -q '^status 0$' "$TMP/out" || fail "its status is not 0"
		grep -q 'PKT/S' "$TMP/out" || fail "no page"
		! grep -Eq '^ +(1[5-9][0-9]|2[0-4][0-9]|250) .*/sender$' "$TMP/out" || break
		((try < 5)) || fail "the sender's rate is not there"
	done
done

step "a small one"
expect_ok python3 $SCRIPTS/screen.py 6 40 1 key "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" top
halt "$SPAWNED"

step "a daemon that ends"
python3 $SCRIPTS/screen.py 24 80 1 wait "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" top >"$TMP/ended.log" 2>&1 &
viewer=$!
PIDS+=("$viewer")
wait_for grep -q shown "$TMP/ended.log"
stop_daemon TERM
wait "$viewer" || fail "$(cat "$TMP/ended.log")"
grep -q '^ctl-fw: ' "$TMP/ended.log" || fail "it does not say why it ended"
grep -q '^status 3$' "$TMP/ended.log" || fail "its status is not 3"

step "words that are wrong"
expect_refused 3 "" ctl top
expect_refused 2 "--frames 0" ctl top --frames 0
expect_refused 2 "--frames" ctl status --frames 2
