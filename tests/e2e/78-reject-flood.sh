#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: who floods against a REJECT is told, a thousand times a second at most; what he is not told of is dropped in the
# kernel, by the verdict cache, and counted by the rule. Once the second is over he is told again. Nothing arrives.
# timeout: 120
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# ADDR PORT SECONDS: datagrams from one socket, 200,000 of them at most. Prints how many went out, and of how many errors
# it was told.
cat >"$TMP/flood.py" <<-'END'
	import socket, sys, time
	s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
	s.connect((sys.argv[1], int(sys.argv[2])))
	sent = told = 0
	end = time.monotonic() + float(sys.argv[3])
	while sent + told < 200000 and time.monotonic() < end:
	    try:
	        s.send(b"flood\n")
	        sent += 1
	    except ConnectionRefusedError:
	        told += 1
	    except OSError: # EPERM: it went out, and was dropped in the kernel
	        sent += 1
	print("sent", sent, "told", told, flush=True)
END

# rule_packets: what the rule has counted.
rule_packets() {
	ctl -L -c OUTPUT --json | jq '[.. | .packets? // empty] | add'
}

rule_counted() {
	[[ $(rule_packets) -ge $1 ]]
}

# told_again ADDR
told_again() {
	on client "$TMP/evil" $SCRIPTS/refused.py udp "$1" 7001 again | grep -q ^ECONNREFUSED
}

setup_net
python=$(readlink -f "$(command -v python3)")
copy_program "$python" evil
copy_program "$python" good
receive server 7001
on client sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
start_daemon client
hook client
for addr in $SERVER4 $SERVER6; do
	step "$addr: three seconds of flood"
	expect_ok ctl -A -c OUTPUT -v REJECT --object "$TMP/evil" -p udp
	dropped=$(counter cache_dropped)
	on client "$TMP/evil" "$TMP/flood.py" "$addr" 7001 3 >"$TMP/flood.out"
	read -r _ sent _ told <"$TMP/flood.out"
	echo "sent $sent, told of $told errors"
	expect_that "$told" -gt 0 "errors that he was told of"
	expect_that "$told" -le 5000 "errors that he was told of: 1,000 a second"
	wait_for counts_more cache_dropped $((dropped + sent / 2))
	wait_for rule_counted "$sent"
	expect_that "$(rule_packets)" -eq "$sent" "packets that the rule has counted"

	step "$addr: he is told again, and others are not held to it"
	wait_for told_again "$addr"
	on client "$TMP/good" $SCRIPTS/refused.py udp "$addr" 7001 good | grep -q ^ok || fail "a good one is not answered"
	! received "7001 flood" || fail "a datagram arrived"
	! received "7001 again" || fail "a datagram arrived"
	expect_ok ctl -D 0 -c OUTPUT
done
