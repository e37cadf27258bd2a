#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: sockets that go round between blocked and allowed processes at full speed: what a blocked one
# sends while it has the socket alone never arrives, what an allowed one sends does, but for what is
# counted as unknown; and the daemon stays within its bounds.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

RINGS=8
MEMBERS=6
SPIN_S=5
RSS_GROWTH_KB=${SAN:+10}16384

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}

# total "WORD..." FILE: of the numbers that follow these words at the starts of lines.
total() {
	awk -v words="$1 " 'index($0, words) == 1 { n += $NF } END { print n + 0 }' "$2"
}

# received_now NAME: what the receiver has of NAME, when it has read all that came.
received_now() {
	echo "" >"$TMP/receiver.in"
	awk -v name="$1" '/^received/ { for (i = 2; i < NF; i++) if ($i == name) n = $(i + 1) } END { print n + 0 }' \
		"$TMP/receiver.log"
}

# lost_beyond: payloads that the kernel lost past the firewall: between the two namespaces, or at the receiver's socket.
lost_beyond() {
	local link socket
	link=$(on client ip -j -s link show veth0 | jq '.[0].stats64.tx | .dropped + .errors')
	socket=$(on server cat /proc/net/snmp | awk '/^Udp:/ && n++ { print $4 }')
	echo $((link + socket))
}

# lost_before: that it lost on the way to the daemon.
lost_before() {
	echo $(($(counter queue_dropped) + $(counter queue_user_dropped)))
}

setup_net
mkfifo "$TMP/receiver.in"
STDIN=$TMP/receiver.in spawn server receiver "$HELPERS/ring" -r 7001
wait_for grep -qx listening "$TMP/receiver.log"
copy_program "$HELPERS/ring" good
copy_program "$HELPERS/ring" evil
divert client
start_daemon client --unknown DROP
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
before=$(rss_kb)

step "$RINGS rings of $MEMBERS for $SPIN_S s"
spawn client rings "$HELPERS/ring" $RINGS $MEMBERS $SPIN_S $SERVER4 7001 "$TMP/good" "$TMP/evil"
WAIT_S=30 wait_for grep -qx round "$TMP/rings.log"
WAIT_S=20 wait_for settled
daemon_alive
received_now good >/dev/null
sent_good=$(total "sent good" "$TMP/rings.log") sent_evil=$(total "sent evil" "$TMP/rings.log")
wait_for grep -q '^received' "$TMP/receiver.log"
# How many a full queue has dropped is asked of the kernel every 2 s.
all_explained() {
	good=$(received_now good)
	[[ $((sent_good - good)) -le $(($(counter unknown) + $(counter queue_dropped))) ]]
}
poll $((5 * SLOW)) all_explained || true
good=$(received_now good) evil=$(received_now evil) unknown=$(counter unknown)
lost=$(lost_before) beyond=$(lost_beyond)
echo "sent: good $sent_good, evil $sent_evil; received: good $good, evil $evil; unknown $unknown," \
	"dropped $(counter dropped), lost before the daemon $lost, and past it $beyond"
ctl stats --json | jq -c .counters
ctl stats --json | jq -c '.stages[]'

expect_that "$sent_evil" -gt 1000 "payloads that the blocked ones sent"
expect_that "$evil" -eq 0 "of them received"
expect_that $((good * 1000 / sent_good)) -gt 900 "thousandths of the allowed ones' payloads received"
expect_that "$(counter dropped)" -le $((sent_evil + unknown)) "dropped, of what the blocked ones sent and what is unknown"
expect_that $((sent_good - good)) -le "$((unknown + $(counter queue_dropped)))" \
	"lost payloads of the allowed ones; $lost before the daemon, $beyond past it"
expect_that $(($(rss_kb) - before)) -le "$RSS_GROWTH_KB" "growth of the daemon's resident memory in kB"
