#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: ctl-fw doctor finds what keeps packets from being judged, each with what to do about it, and nothing where all is
# well; it exits 0, 1 or, without a daemon, 3.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Of the machine this runs on, and of the daemon's view of it, some things are not this scenario's to put right.
MACHINE='kernel btf programs mounts tsc hidepid degraded'

doctor() {
	on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" doctor "$@"
}

# says LEVEL CHECK TEXT: a line of the last report, in $TMP/report.
says() {
	jq -e --arg l "$1" --arg c "$2" --arg t "$3" \
		'.checks[] | select(.level == $l and .check == $c and (.text | contains($t)))' "$TMP/report" >/dev/null ||
		fail "no line of $2, $1: $3 in: $(jq -c '.checks[]' "$TMP/report")"
}

# finds STATUS LEVEL CHECK TEXT: in a fresh report.
finds() {
	local status=$1
	shift
	expect_status "$status" doctor --json
	cp "$TMP/out" "$TMP/report"
	says "$@"
}

nothing_else() {
	jq -e --arg but "$MACHINE" '[.checks[] | select(.level != "ok" and (.check | inside($but) | not))] == []' "$TMP/report" ||
		fail "more than the machine: $(jq -c '.checks[] | select(.level != "ok")' "$TMP/report")"
}

setup_net
receive server 7001
mkdir "$TMP/state"

step "no daemon: the machine and the rules are looked at all the same"
finds 3 fail daemon "cannot reach app-fw"
says fail output "OUTPUT, IPv4: not diverted"
says ok kernel "kernel $(uname -r)"

step "all is well"
divert client
start_daemon client --state "$TMP/state"
expect_ok on client "$HELPERS/talk" -w 20000 $SERVER4 7001 hello
wait_for settled
finds 0 ok output "fails closed"
says ok state "$TMP/state"
says ok queues "queue 0 (OUTPUT) is served"
says ok mode enforce
says ok unknown "packets were of unknown origin"
nothing_else
expect_ok doctor
grep -q '^ok  *queue 1 (INPUT) is served$' "$TMP/out" || fail "not told to people"

step "a mode that only logs"
expect_ok ctl mode monitor
finds 0 warn mode "only logged"
expect_ok ctl mode enforce --confirm-within 1h
finds 0 warn mode "waits to be confirmed"
expect_ok ctl mode confirm

step "rules of iptables that let packets go round it"
for t in iptables ip6tables; do
	family=IPv4
	[[ $t == iptables ]] || family=IPv6
	on client $t -w 5 -I OUTPUT -p tcp --dport 22 -j ACCEPT
	finds 0 warn output "$family: before that, -A OUTPUT -p tcp -m tcp --dport 22 -j ACCEPT"
	on client $t -w 5 -R OUTPUT 1 -o lo -j ACCEPT
	finds 0 ok output "$family: diverted"
	nothing_else
	on client $t -w 5 -D OUTPUT 1
	on client $t -w 5 -F OUTPUT
	finds 1 fail output "OUTPUT, $family: not diverted"
	on client $t -w 5 -A OUTPUT -j NFQUEUE --queue-num 77 --queue-bypass
	finds 1 fail output "$family: goes to queue 77, which app-fw does not read"
	says ok output "$family: fails open"
	on client $t -w 5 -R OUTPUT 1 -j NFQUEUE --queue-num 1
	finds 1 fail output "$family: goes to queue 1, where app-fw takes it for INPUT"
	on client $t -w 5 -N ours
	on client $t -w 5 -A ours -j NFQUEUE --queue-num 0 --queue-bypass
	on client $t -w 5 -R OUTPUT 1 -j ours
	finds 0 ok output "$family: fails open"
	nothing_else
done

step "packets that are forwarded, and nobody judges"
on client sysctl -qw net.ipv4.ip_forward=1
finds 0 warn forward "FORWARD, IPv4: not diverted"
on client sysctl -qw net.ipv4.ip_forward=0

step "another network namespace: nobody serves the daemon's queues there"
expect_status 1 on server "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" doctor --json
cp "$TMP/out" "$TMP/report"
says fail queues "nobody serves queue 0"

step "rules that can't be saved, or are not"
mount --bind "$TMP/state" "$TMP/state"
UNDO+=("umount $TMP/state")
mount -o remount,bind,ro "$TMP/state"
finds 1 fail state "Read-only file system"
mount -o remount,bind,rw "$TMP/state"
finds 0 ok state "$TMP/state"
stop_daemon TERM
start_daemon client
finds 0 warn state "not saved"

step "a process that may see little"
expect_status 3 on client setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" doctor
grep -q '^warn .*save did not run' "$TMP/out" || fail "it does not say what it could not see"
grep -q -- '-> run ctl-fw doctor as root' "$TMP/out" || fail "nor what to do about it"
daemon_alive
