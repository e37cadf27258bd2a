#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what was opened before the daemon started is known all the same: a connection held open is
# blocked by the digest of its holder afterwards, and a server that was listening already as well. So is it for a daemon
# that comes after another, and for a socket that is far behind in its process's descriptors.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# hold NAME FAMILY ADDR: the program keeps a connection, and sends what `say` hands it.
hold() {
	mkfifo "$TMP/$1.$2.in"
	STDIN=$TMP/$1.$2.in spawn client "$1.$2" "$TMP/$1" -k "$3" 7001
	wait_for grep -q connected "$TMP/$1.$2.log"
}

# say NAME.FAMILY TEXT
say() {
	echo "$2" >"$TMP/$1.in"
}

# says_in_vain NAME.FAMILY TEXT: the packet with it is dropped, and does not arrive.
says_in_vain() {
	local before
	before=$(counter dropped)
	say "$1" "$2"
	wait_for counts_more dropped "$before"
	wait_for settled
	! received "$2" || fail "'$2' arrived"
}

# PORT: answers, by a socket that is descriptor 3000.
cat >"$TMP/far.py" <<'END'
import os, resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
with socket.create_server(("", int(sys.argv[1]))) as s:
    os.dup2(s.fileno(), 3000)
far = socket.socket(fileno=3000)
while True:
    with far.accept()[0] as c:
        c.sendall(c.recv(100))
END

setup_net
receive server 7001
serve_http client 8080
on client sysctl -q -w net.mptcp.enabled=1
spawn client multipath /usr/bin/python3 $SCRIPTS/echo.py $CLIENT4 7102 262
wait_for listening client 7102
spawn client far /usr/bin/python3 "$TMP/far.py" 7103
wait_for listening client 7103
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
for name in good evil; do
	hold $name 4 $SERVER4
	hold $name 6 $SERVER6
	for family in 4 6; do
		say $name.$family "$name$family-before"
		wait_for received "$name$family-before"
	done
done

divert client
start_daemon client

step "no rule: connections from before go on"
say evil.4 evil4-no-rule
wait_for received evil4-no-rule

step "a rule on one holder's digest"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
says_in_vain evil.4 evil4-ruled
says_in_vain evil.6 evil6-ruled
say good.4 good4-ruled
say good.6 good6-ruled
wait_for received good4-ruled
wait_for received good6-ruled
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"

step "servers that were listening before, one of multipath TCP"
expect_passes before 8080 curl_get server $CLIENT4
expect_ok on server "$HELPERS/talk" $CLIENT4 7102 hello
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
expect_ok ctl -A -c INPUT -v DROP --sng-hash "$(digest python3)"
expect_blocked server4 8080 curl_get server $CLIENT4
expect_blocked server6 8080 curl_get server $CLIENT6
before=$(counter dropped)
expect_fail on server "$HELPERS/talk" -w 300 $CLIENT4 7102 hello
expect_that "$(counter dropped)" -gt "$before" "packets dropped"

step "another daemon"
stop_daemon TERM
start_daemon client
expect_ok on server "$HELPERS/talk" $CLIENT4 7103 hello
expect_ok on server "$HELPERS/talk" $CLIENT4 7102 hello
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
expect_ok ctl -A -c INPUT -v DROP --sng-hash "$(digest python3)"
before=$(counter dropped)
expect_fail on server "$HELPERS/talk" -w 300 $CLIENT4 7103 hello
expect_that "$(counter dropped)" -gt "$before" "packets dropped"
