#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: raw and ping sockets, forged datagrams, and sockets whose process has gone to another network
# namespace are judged by the program that holds them: evil's packets are dropped, good's pass.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

setup_ways
add_netns third
on client sysctl -q -w net.ipv4.ping_group_range="0 2147483647"
spawn server sniff "$HELPERS/ways" sniff udp4 0.0.0.0 0 -
wait_for grep -q '^listening$' "$TMP/sniff.log"
NETNS=$(netns third)

for f in free deny allow; do
	form $f
	go $f raw
	go $f netns "NETNS=$NETNS"
	[[ $f != free ]] || { all_sent raw; all_sent netns; continue; }
	after_all
	judge $f
done
none_wrong
