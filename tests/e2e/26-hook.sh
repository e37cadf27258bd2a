#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: `ctl-fw hook install` diverts a chain by three rules, in both families, fail open or closed, for some packets or
# all; again, it replaces its own; `hook refresh` does for a new daemon what `install` did; `hook remove` leaves the
# chain as it was. Status shows the fail mode in force.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

ctl_in() {
	local ns=$1
	shift
	on "$ns" "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" "$@"
}

# listing: all rules of the client, both families.
listing() {
	on client iptables -w 5 -S
	on client ip6tables -w 5 -S
}

# ours FAMILY CHAIN: how many rules.
ours() {
	on client "$1" -w 5 -S "$2" | grep -cE -- '--comment app-fw-hook |--object-pinned /sys/fs/bpf/app-fw/' || true
}

# fail_mode CHAIN
fail_mode() {
	ctl_in client status --json | jq -r --arg c "$1" '.queues[] | select(.chain == $c) | .fail'
}

# expect_fail_mode CHAIN MODE
expect_fail_mode() {
	[[ $(fail_mode "$1") == "$2" ]] || fail "fail mode of $1: $(fail_mode "$1") instead of $2"
}

setup_net
receive server 7001
start_daemon client
on client iptables -A OUTPUT -o lo -j ACCEPT -m comment --comment "app-fw-hook of others"
listing >"$TMP/before"

step "both families, fail open; it says so"
expect_fail_mode OUTPUT none
expect_ok ctl_in client hook install -c OUTPUT
ctl_in client hook install -c OUTPUT >"$TMP/said"
grep -q '^fail open: .* PASS$' "$TMP/said" || fail "it does not say what it is open for"
expect_that "$(ours iptables OUTPUT)" -eq 3 "rules of IPv4, installed twice"
expect_that "$(ours ip6tables OUTPUT)" -eq 3 "rules of IPv6"
expect_fail_mode OUTPUT open
expect_fail_mode INPUT none
for addr in $SERVER4 $SERVER6; do
	expect_ok on client "$HELPERS/talk" "$addr" 7001 hello
done
wait_for counts_more cache_accepted 0

step "fail closed instead"
expect_ok ctl_in client hook install -c OUTPUT --fail closed
expect_that "$(ours iptables OUTPUT)" -eq 3 "rules of IPv4"
expect_fail_mode OUTPUT closed

step "some packets only: the words are in each rule; a family that they do not fit has none"
expect_ok ctl_in client hook install -c OUTPUT --only "-p udp -d $SERVER4" --fail closed
expect_that "$(on client iptables -w 5 -S OUTPUT | grep -cE -- "-d $SERVER4/32 -p udp .*(--comment app-fw-hook|fs/bpf/app-fw/)")" -eq 3 "rules with the words"
expect_that "$(ours ip6tables OUTPUT)" -eq 0 "rules of IPv6"
queued=$(counter queued)
expect_ok on client "$HELPERS/talk" $SERVER4 7001 by-tcp
expect_that "$(counter queued)" -eq "$queued" "queued packets, after one that is not meant"
expect_ok on client "$HELPERS/talk" -u $SERVER4 7001 by-udp
expect_that "$(counter queued)" -gt "$queued" "queued packets, after one that is"

step "refreshed for another daemon: the same rules in the same place"
expect_line "none is installed" ctl_in client hook refresh -c INPUT
on client iptables -I OUTPUT -d 203.0.113.1 -j ACCEPT
listing >"$TMP/told"
stop_daemon TERM
start_daemon client
expect_line "none is installed" ctl_in server hook refresh
expect_ok ctl_in client hook refresh
diff <(listing) "$TMP/told" || fail "the rules have changed (above)"
queued=$(counter queued)
expect_ok on client "$HELPERS/talk" -u $SERVER4 7001 again
expect_that "$(counter queued)" -gt "$queued" "queued packets"
on client iptables -D OUTPUT -d 203.0.113.1 -j ACCEPT

step "refused words change nothing"
listing >"$TMP/installed"
expect_refused 1 nosuch ctl_in client hook install -c OUTPUT --only "-p tcp --nosuch"
expect_refused 2 "-j" ctl_in client hook install -c OUTPUT --only "-p tcp -j ACCEPT"
expect_refused 1 "another network namespace" ctl_in server hook install -c OUTPUT
diff <(listing) "$TMP/installed" || fail "the rules have changed (above)"

step "a rule of somebody else's with the same queue: mixed"
on client iptables -A OUTPUT -p icmp -j NFQUEUE --queue-num 0 --queue-bypass
expect_fail_mode OUTPUT mixed
on client iptables -D OUTPUT -p icmp -j NFQUEUE --queue-num 0 --queue-bypass

step "FORWARD has no cache: one rule"
ctl_in client hook install -c FORWARD 2>"$TMP/said"
grep -q 'without the verdict cache' "$TMP/said" || fail "it does not say so: $(cat "$TMP/said")"
expect_that "$(ours iptables FORWARD)" -eq 1 "rules of FORWARD"

step "without a daemon: removed all the same, and nothing is left"
stop_daemon TERM
expect_fail on client "$HELPERS/talk" -w 200 -u $SERVER4 7001 closed
expect_ok ctl_in client hook remove -c OUTPUT
expect_ok ctl_in client hook remove -c FORWARD
expect_ok ctl_in client hook remove -c FORWARD
diff <(listing) "$TMP/before" || fail "not as before (above)"
expect_refused 3 "" ctl_in client hook install -c OUTPUT
