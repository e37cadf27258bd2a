#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: SIGTERM and SIGINT end the daemon with status 0; its counters reconcile; it leaves no socket, no
# pinned file and nothing loaded in the kernel.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# The ids of the programs, maps and links that the daemon holds descriptors of.
bpf_ids() {
	local fd
	for fd in /proc/"$DAEMON"/fdinfo/*; do
		awk '$1 ~ /^(prog|map|link)_id:$/ { sub("_id:", "", $1); print $1, $2 }' "$fd" 2>/dev/null || true
	done | sort -u
}

# none_loaded FILE: of the ids in FILE.
none_loaded() {
	local kind id
	while read -r kind id; do
		! bpftool "$kind" show id "$id" >/dev/null 2>&1 || return 1
	done <"$1"
}

pins() {
	{ find /sys/fs/bpf -mindepth 1; find "$TMP/run" /run/app-fw -mindepth 1; } 2>/dev/null | sort || true
}

# In one reading: every packet queued has had one verdict and one origin.
reconciled() {
	ctl stats --json | jq -e '.counters | .queued > 0
		and .queued == .accepted + .dropped + .rejected + .marked + .killed and .queued == .known + .kernel + .unknown'
}

leaves_nothing() {
	bpf_ids >"$TMP/ids"
	expect_that "$(wc -l <"$TMP/ids")" -gt 0 "BPF objects in use"
	stop_daemon "$1"
	wait_for none_loaded "$TMP/ids"
	[[ ! -e $APP_FW_SOCKET ]] || fail "its socket is still there"
	pins | diff - "$TMP/pins" || fail "files were left (above)"
	! on client grep -q . /proc/net/netfilter/nfnetlink_queue || fail "a queue is still bound"
}

setup_net
serve_http server 8080
divert client
pins >"$TMP/pins"

for signal in TERM INT; do
	step "SIG$signal"
	start_daemon client
	[[ $(stat -c %a "$APP_FW_SOCKET") == 660 ]] || fail "the socket's mode is not 660"
	expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)"
	expect_blocked curl-$signal 8080 curl_get client $SERVER4
	expect_passes wget-$signal 8080 wget_get client $SERVER6
	wait_for reconciled
	leaves_nothing $signal
done

step "while packets are coming in"
start_daemon client
spawn client flood ping -q -f -c 1000000 -W 1 $SERVER4
wait_for counts_more queued 1000
stop_daemon TERM
halt "$SPAWNED"
