#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: -n narrows a rule of OUTPUT and INPUT to the packets of one network namespace, negated to those
# of all others; what counts is the socket's namespace, not where its process is; and what is no
# network namespace is refused. (FORWARD: 50-forwarded.)
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

N=0 # each line sent is another

# sends PROGRAM [ENV...]: one datagram, by way $WAY; returns when it has arrived or never will.
sends() {
	local program=$1
	shift
	((N += 1))
	env "$@" nsenter --net="$(netns client)" "$TMP/$program" "${WAY:-socket}" udp4 $SERVER4 7001 "line-$N" || true
	# A line that follows it, and that no rule is about, marks the end.
	on client "$TMP/marker" socket udp4 $SERVER4 7001 "mark-$N"
	wait_for received "mark-$N.self"
}

passes() {
	sends "$@"
	wait_for received "line-$N.self"
}

blocked() {
	sends "$@"
	wait_for settled
	! received "line-$N.self" || fail "it arrived: $*"
}

# rule CHAIN VERDICT WORDS...: instead of the first one there is.
rule() {
	local chain=$1 verdict=$2
	shift 2
	ctl -D 0 -c "$chain" >"$TMP/deleted" 2>&1 || true
	expect_ok ctl -A -c "$chain" -v "$verdict" "$@"
}

answered() {
	expect_ok curl_get server "$CLIENT4" 8080 /
	expect_ok curl_get server "$CLIENT6" 8080 /
}

unanswered() {
	MAX_TIME=0.5 expect_fail curl_get server "$CLIENT4" 8080 /
	MAX_TIME=0.5 expect_fail curl_get server "$CLIENT6" 8080 /
}

# no_rule CULPRIT WORDS...: the rule is refused, and none has come or gone.
no_rule() {
	local culprit=$1
	shift
	expect_refused 2 "$culprit" ctl -A -c OUTPUT -v DROP "$@"
	daemon_alive
	rules | diff "$TMP/rules" - || fail "the rules have changed (above)"
}

setup_net
add_netns third
receive server 7001
for program in evil good marker; do
	copy_program "$HELPERS/ways" $program
done
spawn client here sleep infinity
here=/proc/$SPAWNED/ns/net
spawn third there sleep infinity
there=/proc/$SPAWNED/ns/net
wait_for test "$there" -ef "$(netns third)"
wait_for test "$here" -ef "$(netns client)"
inode=$(stat -Lc %i "$here")
divert client
start_daemon client

step "OUTPUT: in its own namespace, in another, in all others"
rule OUTPUT DROP -n "$here" --object "$TMP/evil"
expect_line "-n net:[$inode]" ctl -L -c OUTPUT
blocked evil
passes good
rule OUTPUT DROP -n "net:[$inode]" --object "$TMP/evil"
blocked evil
rule OUTPUT DROP -n "$there" --object "$TMP/evil"
passes evil
rule OUTPUT DROP '-!' -n "$there" --object "$TMP/evil"
blocked evil
passes good
rule OUTPUT DROP '-!' -n "$here" --object "$TMP/evil"
passes evil

step "without an object"
rule OUTPUT DROP -n "$there"
passes evil
rule OUTPUT DROP -n "$here" -p icmp
expect_fail on client ping -q -c 1 -W 0.5 $SERVER4
rule OUTPUT DROP '-!' -n "$here" -p icmp
expect_ok on client ping -q -c 1 -W 10 $SERVER4

step "the socket's namespace counts, wherever its process has gone"
rule OUTPUT DROP -n "$here" --object "$TMP/evil"
WAY=setns blocked evil NETNS="$(netns third)"
rule OUTPUT DROP -n "$there" --object "$TMP/evil"
WAY=setns passes evil NETNS="$(netns third)"
expect_ok ctl -D 0 -c OUTPUT

step "INPUT: in its own namespace, in another, in all others"
serve_http client 8080
answered
rule INPUT DROP -n "$here" --sng-hash "$(digest python3)"
unanswered
rule INPUT DROP -n "$there" --sng-hash "$(digest python3)"
answered
rule INPUT DROP '-!' -n "$there" --sng-hash "$(digest python3)"
unanswered
rule INPUT DROP '-!' -n "$here" --sng-hash "$(digest python3)"
answered
rule INPUT DROP -n "$here" -p tcp --dport 8080
unanswered
rule INPUT DROP -n "$there" -p tcp --dport 8080
answered
stop_daemon TERM

step "where only what is allowed passes"
start_daemon client --pol-out DROP --pol-in DROP
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/marker"
expect_ok ctl -A -c OUTPUT -v ACCEPT --sng-hash "$(digest python3)"
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -n "$here" --object "$TMP/good"
passes good
blocked evil
rule OUTPUT ACCEPT -n "$there" --object "$TMP/good"
blocked good
rule INPUT ACCEPT -n "$there" --sng-hash "$(digest python3)"
unanswered
rule INPUT ACCEPT -n "$here" --sng-hash "$(digest python3)"
answered

step "what is no network namespace"
rules >"$TMP/rules"
no_rule "$TMP/nosuch" -n "$TMP/nosuch"
no_rule /proc/4194999/ns/net -n /proc/4194999/ns/net
no_rule "/proc/$$/ns/mnt" -n "/proc/$$/ns/mnt"
no_rule "/proc/$$/ns" -n "/proc/$$/ns"
no_rule /dev/null -n /dev/null
no_rule "$TMP/evil" -n "$TMP/evil"
no_rule "net:[]" -n "net:[]"
no_rule "net:[0]" -n "net:[0]"
no_rule "net:[x]" -n "net:[x]"
no_rule "net:[$inode" -n "net:[$inode"
no_rule "net:[18446744073709551616]" -n "net:[18446744073709551616]"
no_rule "-n" -n "$here" -n "$there"
no_rule "-n" -n
no_rule "-n" -n ""
