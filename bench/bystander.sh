#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: programs that the firewall has nothing to do with, without and with a firewall running elsewhere; and with nothing
# but one other system call traced, which is the least that any firewall costs which traces one
# timeout: 900
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

CALL_GOAL='<=1.25'
NGINX_GOAL='>=0.971'    # 1/1.03

# The last processor; nginx has the first to itself.
LAST=$(($(nproc) - 1))

# Median and least of the batches of each call.
calls() {
	"$BIN/bench/syscalls" -c "$LAST" -m 60 | awk '{ print $1, $2; print $1 ".least", $3 }'
}

keepalive() {
	echo "keepalive $(wrk_in client "$LAST" | requests_per_s)"
}

connections() {
	echo "connections $(wrk_in client "$LAST" -H 'Connection: close' | requests_per_s)"
}

# all WHO FIREWALLS
all() {
	local kind
	for kind in calls keepalive connections; do
		sample "$1" "$2" "$kind"
	done
}

without() {
	all without 0
}

with() {
	guard elsewhere
	settle
	all with 1
	stop_daemon TERM
}

traced() {
	spawn elsewhere tracepoint "$BIN/bench/tracepoint" sethostname
	wait_for grep -qx ready "$TMP/tracepoint.log"
	all traced 0
	halt "$SPAWNED"
	rm "$TMP/tracepoint.log"
}

setup_net
add_netns elsewhere
divert elsewhere
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 64999" net.ipv4.tcp_tw_reuse=1
serve_nginx server 8081
for pid in "$SPAWNED" $(pgrep -P "$SPAWNED"); do
	taskset -acp 0 "$pid" >>"$TMP/steps"
done

# The differences are small: they want more rounds than others.
ROUNDS=$((ROUNDS > 7 ? ROUNDS : 25))
rounds without with traced

for call in getppid read dup+close fork+exit+wait mmap+munmap 'mmap(EXEC)+munmap'; do
	compare "$call" ns "$call" without with "$CALL_GOAL"
done
for call in getppid read dup+close; do
	compare "$call" ns "$call" without traced
	compare "$call" ns "$call" traced with
done
for call in socket+close unix-send+recv; do
	compare "$call" ns "$call" without with
done
compare 'nginx, keep-alive requests' /s keepalive without with "$NGINX_GOAL"
compare 'nginx, new connections' /s connections without with "$NGINX_GOAL"
table
record .
