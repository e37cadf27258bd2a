#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: who speaks multipath TCP is judged as who speaks TCP, by who holds the connection, whether the other side can
# do it too or not. Its packets are of sockets that no process has open: none is of unknown origin for that.
# (Servers that speak it: 36-ways-of-servers.)
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PLAIN=7101 MULTIPATH=7102

# multipath: connections of the client whose other side has agreed to it.
multipath() {
	on client cat /proc/net/netstat | awk '
		$1 == "MPTcpExt:" && !n { n = split($0, name); next }
		$1 == "MPTcpExt:" { for (i = 2; i <= n; i++) if (name[i] == "MPCapableSYNACKRX") print $i }'
}

# speaks WHO / is_silent WHO: gets an answer from both, or from neither.
speaks() {
	expect_ok on client "$TMP/$1" -m $SERVER4 $PLAIN hello
	expect_ok on client "$TMP/$1" -m $SERVER4 $MULTIPATH hello
}

is_silent() {
	local port before
	for port in $PLAIN $MULTIPATH; do
		before=$(counter dropped)
		expect_fail on client "$TMP/$1" -m -w 300 $SERVER4 "$port" hello
		expect_that "$(counter dropped)" -gt "$before" "packets dropped"
	done
}

setup_net
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
on client sysctl -q -w net.mptcp.enabled=1
on server sysctl -q -w net.mptcp.enabled=1
spawn server plain python3 $SCRIPTS/echo.py $SERVER4 $PLAIN
spawn server multipath python3 $SCRIPTS/echo.py $SERVER4 $MULTIPATH 262
wait_for listening server $PLAIN
wait_for listening server $MULTIPATH
divert client
start_daemon client

step "without a rule both speak"
before=$(multipath)
speaks good
speaks evil
expect_that "$(multipath)" -eq $((before + 2)) "connections of more than one path agreed to"

step "evil is denied, also on a connection that is there"
mkfifo "$TMP/in"
STDIN=$TMP/in spawn client kept "$TMP/evil" -m -k $SERVER4 $MULTIPATH
exec {in}>"$TMP/in"
wait_for grep -qx connected "$TMP/kept.log"
echo first >&"$in"
wait_for grep -qx first "$TMP/kept.log"
ctl explain --pid $SPAWNED -d $SERVER4 -p tcp --dport $MULTIPATH >"$TMP/explained"
expect_ok grep -qxE "holder +pid $SPAWNED, $TMP/evil" "$TMP/explained"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
before=$(counter dropped)
echo second >&"$in"
wait_for counts_more dropped "$before"
is_silent evil
speaks good
! grep -qx second "$TMP/kept.log" || fail "evil was answered"
exec {in}>&-
wait_for settled
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
stop_daemon TERM

step "only good is allowed"
start_daemon client --pol-out DROP
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/good"
speaks good
is_silent evil
wait_for settled
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
