#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: nothing passes by what a dead daemon has left: after kill -9 its rules of iptables and pinned programs accept
# nothing; a new daemon replaces the pins and leaves none when it ends; two daemons in two namespaces do not touch each
# other's; without bpffs, or where the kernel refuses the program, there is no cache, status says so, and packets are
# judged.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# pins NS: the folder of its daemon.
pins() {
	echo "/sys/fs/bpf/app-fw/$(stat -Lc %i "$(netns "$1")")"
}

# said TEXT: by the open connection.
said() {
	received "tcp 7001 $1"
}

# say TEXT
say() {
	echo "$1" >&3
}

setup_net
receive server 7001
start_daemon client
hook client
mkfifo "$TMP/words"
exec 3<>"$TMP/words"
STDIN=$TMP/words spawn client talk "$HELPERS/talk" -k $SERVER4 7001
wait_for grep -q '^connected$' "$TMP/talk.log"
for ((i = 0; i < 20; i++)); do
	say "alive-$i"
	wait_for said "alive-$i"
done
expect_that "$(counter cache_accepted)" -gt 20 "packets that passed in the kernel"

step "kill -9: fail closed means that nothing passes"
kill_daemon
[[ -e $(pins client)/accept_out ]] || fail "no pins are left: what is this test about?"
before=$(on client iptables -w 5 -nvxL | awk '/accept_(in|out)/ { n += $1 } END { print n }')
for ((i = 0; i < 20; i++)); do
	say "dead-$i"
done
expect_fail on client "$HELPERS/talk" -w 500 -u $SERVER4 7001 dead-udp
! received dead || fail "it has passed without a daemon"
after=$(on client iptables -w 5 -nvxL | awk '/accept_(in|out)/ { n += $1 } END { print n }')
expect_that "$after" -eq "$before" "packets that the stale programs accepted"

step "a new daemon: the old rules lead to dead programs, and all is queued; the pins are new"
old=$(stat -c %i "$(pins client)/accept_out")
start_daemon client
wait_for said dead-19
expect_that "$(counter cache_accepted)" -eq 0 "packets that passed by old rules"
[[ $(stat -c %i "$(pins client)/accept_out") != "$old" ]] || fail "the pin is the dead daemon's"
expect_ok on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook refresh
for ((i = 0; i < 20; i++)); do
	say "again-$i"
	wait_for said "again-$i"
done
expect_that "$(counter cache_accepted)" -gt 20 "packets that passed by new rules"

step "two daemons in two namespaces"
first=$DAEMON
APP_FW_SOCKET=$TMP/second/ctl.sock start_daemon server
[[ -e $(pins client)/accept_out && -e $(pins server)/accept_out ]] || fail "a daemon has no pins"
stop_daemon TERM
[[ -e $(pins client)/accept_out && ! -e $(pins server) ]] || fail "one daemon removed the other's pins, or left its own"
DAEMON=$first
say two-daemons
wait_for said two-daemons
stop_daemon TERM
[[ ! -e /sys/fs/bpf/app-fw ]] || fail "pins are left after a clean stop"

step "no bpffs"
umount /sys/fs/bpf
start_daemon client
[[ $(ctl status --json | jq -r '.cache | "\(.state) \(.why)"') == "off bpffs is not mounted"* ]] || fail "status: $(ctl status)"
on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook install -c OUTPUT --fail closed 2>"$TMP/said"
grep -q 'bpffs is not mounted' "$TMP/said" || fail "hook install does not say so"
on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook install -c INPUT --fail closed 2>/dev/null
say no-bpffs
wait_for said no-bpffs
expect_ok ctl -A -c OUTPUT -v DROP -p udp
expect_fail on client "$HELPERS/talk" -w 300 -u $SERVER4 7001 denied
expect_that "$(counter cache_accepted)" -eq 0 "packets that passed in the kernel"
step "bpffs is mounted: the next hook install has the cache"
mount -t bpf bpf /sys/fs/bpf
hook client
say later
wait_for said later
say later-2
wait_for said later-2
wait_for counts_more cache_accepted 0

step "a kernel that refuses the program: no cache, and the same packets pass and are stopped"
stop_daemon TERM
mkfifo "$TMP/stay"
exec 4<>"$TMP/stay"
STDIN=$TMP/stay spawn client occupy "$HELPERS/occupy" -32 -1
wait_for grep -qx ready "$TMP/occupy.log"
start_daemon client
[[ $(ctl status --json | jq -r '.cache | "\(.state) \(.why)"') == "off the kernel refuses the netfilter program"* ]] || fail "status: $(ctl status)"
[[ $(ctl status --json | jq '.degraded | length') -gt 0 ]] || fail "status does not say that senders are looked up"
on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook install -c OUTPUT --fail closed 2>"$TMP/said"
grep -q 'the kernel refuses the netfilter program' "$TMP/said" || fail "hook install does not say so"
copy_program "$HELPERS/talk" evil
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok on client "$HELPERS/talk" $SERVER4 7001 refused-good
expect_fail on client "$TMP/evil" -w 300 $SERVER4 7001 refused-evil
received "tcp 7001 refused-good" || fail "it has not passed"
! received refused-evil || fail "it has passed"
expect_that "$(counter cache_accepted)" -eq 0 "packets that passed in the kernel"
halt "$SPAWNED"
stop_daemon TERM
start_daemon client
hook client
expect_ok on client "$HELPERS/talk" $SERVER4 7001 once-more
expect_ok on client "$HELPERS/talk" $SERVER4 7001 once-more-2
wait_for counts_more cache_accepted 0
