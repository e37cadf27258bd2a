#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: sockets that were opened, duplicated, inherited, shared or passed on before the daemon started are
# judged by who holds them, as any other.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

# gather FORM GROUP: all go their ways, up to the first line.
gather() {
	local way variants
	while read -r way variants; do
		commands "$1" "$2" "$way" "$variants" "GATE=$TMP/gate"
	done < <(ways_of "$2")
}

gathered() {
	[[ $(grep -c '^gated' "$TMP/gated.log") -ge $(grep -c . "$TMP/batch") ]]
}

nobody_left() {
	! pgrep -f "^$TMP/(good|evil) "
}

# before FORM GROUP...: their lines are sent under the rules, their sockets are older than the daemon.
before() {
	local f=$1 g
	shift
	[[ -z $DAEMON ]] || stop_daemon TERM
	divert_not
	mkfifo "$TMP/gate"
	: >"$TMP/gated.log"
	for g; do gather "$f" "$g"; done >"$TMP/batch"
	{ cat "$TMP/batch"; echo wait; } >"$TMP/batch.sh"
	spawn client gated bash "$TMP/batch.sh"
	wait_for gathered
	divert client
	no_answers
	form "$f"
	exec 9<>"$TMP/gate"
	wait_for nobody_left
	exec 9>&-
	rm "$TMP/gate"
	after_all
	# A sanitized daemon lets answers wait so long that they come in while a socket lies in a message that nobody
	# has read yet: whose they are then is unknown (docs/design.md).
	[[ -n ${SAN:-} ]] || unknown_since "$f"
}

divert_not() {
	local t
	for t in iptables ip6tables; do
		on client $t -w 5 -F OUTPUT
		on client $t -w 5 -F INPUT
	done
}

setup_ways
# What lies in a ring and in no descriptor table is not found by a scan: unknown until its ring is.
NOT_WAY='uring-direct|uring-direct-worker|uring-register|uring-sqpoll-direct|uring-fork'
: >"$TMP/receive.log"
for f in free deny allow; do
	before $f alone uring pair
	[[ $f == free ]] || judge $f kept
done
none_wrong
