#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: `explain` says for a live process which processes hold the socket, what they have mapped, which
# rule decides and why; and a process that is not there, or half a description, is refused.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

shell=$(readlink -f /bin/bash)

# The explanation of a packet of this shell to the server's port $1, as JSON: filtered by $2.
explained() {
	ctl explain --pid $$ -d $SERVER4 -p tcp --dport "$1" --json | jq -r "$2"
}

setup_net
receive server 7001
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP -p tcp --dport 99
expect_ok ctl -A -c OUTPUT -v DROP --object "$(command -v curl)"
expect_ok ctl -A -c OUTPUT -v DROP --dport 80 --object "$shell"

step "a process alone: the rule that matches its digest decides, and those before it say why not"
[[ $(explained 80 .verdict) == DROP ]] || fail "the verdict is not DROP"
[[ $(explained 80 .rule) == 2 ]] || fail "rule 2 is not the one"
[[ $(explained 80 '.steps[0].why') == "the destination port does not match" ]] || fail "rule 0"
[[ $(explained 80 '.steps[1].why') == "pid $$ has no object of the digest" ]] || fail "rule 1"
[[ $(explained 80 '.holders[0].objects[].sha256' | grep -c "$(digest bash)") -eq 1 ]] || fail "no digest of the shell"
[[ $(explained 81 .verdict) == ACCEPT && $(explained 81 .rule) == null ]] || fail "port 81 is not the policy's"
expect_line "verdict    DROP" ctl explain --pid $$ -d $SERVER4 -p tcp --dport 80

step "a socket that two processes hold: both are named"
cat >"$TMP/two.py" <<-'END'
	import os, signal, socket, sys
	s = socket.create_connection((sys.argv[1], 7001))
	child = os.fork()
	if child == 0:
	    signal.pause()
	print(os.getpid(), child, flush=True)
	try:
	    signal.pause()
	finally:
	    os.kill(child, signal.SIGKILL)
END
spawn client two python3 "$TMP/two.py" $SERVER4
wait_for test -s "$TMP/two.log"
read -r parent child <"$TMP/two.log"
UNDO+=("kill -KILL $child")
ctl explain --pid "$child" -d $SERVER4 -p tcp --dport 7001 --json >"$TMP/both"
[[ $(jq -r '[.holders[].pid] | sort | join(" ")' "$TMP/both") == "$(printf '%s\n' "$parent" "$child" | sort -n | paste -sd ' ')" ]] ||
	fail "the holders are not $parent and $child: $(jq -c '[.holders[].pid]' "$TMP/both")"
[[ $(jq .socket "$TMP/both") != null ]] || fail "the socket has no cookie"

step "bad input"
expect_refused 1 "999999999" ctl explain --pid 999999999 -d $SERVER4
expect_refused 1 "-d" ctl explain --pid $$ -d $SERVER4/24 -p tcp
expect_refused 2 "--pid" ctl explain -d $SERVER4 -p tcp
expect_refused 2 "--dport" ctl explain --pid $$ -p tcp --dport 65536
