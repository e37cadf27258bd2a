#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: the quick start of the README, word for word, blocks curl and lets wget through, by IPv4 and
# IPv6: in a network namespace, and in the initial one. There the iptables rule is held to the
# address of a veth that belongs to this test; rule and veth go when it ends, however it ends.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

divert_line='iptables -I OUTPUT -j NFQUEUE --queue-num 0 --queue-bypass'
daemon_line='./bin/app-fw -e bin/syscall_probe.o -R -S -b 50 -B 50'
# shellcheck disable=SC2016
rule_line='./bin/ctl-fw -A -c OUTPUT -v DROP -n /proc/$$/ns/net --sng-hash $(sha256sum /usr/bin/curl | awk '\''{print $1}'\'')'

# Addresses for the initial namespace that no other run of this test has.
net=10.200.$(($$ / 64 % 256)) host=$(($$ % 64 * 4)) net6=fd00:200:$(printf '%x' $(($$ % 65536)))
NEAR4=$net.$((host + 1)) FAR4=$net.$((host + 2)) NEAR6=$net6::1 FAR6=$net6::2

# With SAN the programs are elsewhere.
built() {
	local line=${1//.\/bin\//./$BIN/}
	echo "${line// bin\// $BIN/}"
}

# type_in NS LINE
type_in() {
	echo "\$ on $1: $2"
	on "$1" bash -ec "$(built "$2")"
}

# Rules saved on this machine stay out of the daemon's sight, and as they are.
launch_verbatim() {
	launch_daemon "$1" unshare --mount bash -c "mount -t tmpfs none /var/lib && exec $(built "$daemon_line")"
}

# blocks_curl_only NAME NS ADDR4 ADDR6
blocks_curl_only() {
	expect_blocked "$1-curl4" 8080 curl_get "$2" "$3"
	expect_blocked "$1-curl6" 8080 curl_get "$2" "$4"
	expect_passes "$1-wget4" 8080 wget_get "$2" "$3"
	expect_passes "$1-wget6" 8080 wget_get "$2" "$4"
}

# divert_host TOOL ADDR: the quick start's line for one address, and its end.
divert_host() {
	local line=${divert_line/#iptables/$1 -w 5}
	line=${line/OUTPUT/OUTPUT -d $2}
	UNDO+=("${line/-I/-D}")
	type_in host "$line"
}

join_host() {
	ip link add "afw$$" type veth peer name veth1 netns "afw-$$-server"
	UNDO+=("ip link del afw$$")
	ip link set "afw$$" up
	on server ip link set veth1 up
	address host "afw$$" "$NEAR4/30" "$NEAR6/126"
	address server veth1 "$FAR4/30" "$FAR6/126"
	wait_for ping -q -c 1 -W 0.2 "$FAR4"
	wait_for ping -q -c 1 -W 0.2 "$FAR6"
}

queue_taken() {
	awk '$1 <= 2 { found = 1 } END { exit !found }' /proc/net/netfilter/nfnetlink_queue
}

step "the README has these lines"
for line in "$divert_line" "$daemon_line" "$rule_line"; do
	grep -qF -- "$line" README.md || fail "not in README.md: $line"
done

step "in a network namespace"
setup_net
serve_http server 8080
type_in client "$divert_line"
type_in client "ip6${divert_line#ip}"
launch_verbatim client
expect_passes ns-before 8080 curl_get client $SERVER4
type_in client "$rule_line"
blocks_curl_only ns client $SERVER4 $SERVER6
stop_daemon TERM
step "its queue has nobody left, and --queue-bypass lets everything pass"
expect_passes ns-after 8080 curl_get client $SERVER4

step "in the initial namespace"
! queue_taken || skip "a queue from 0 to 2 is in use in the initial namespace"
join_host
divert_host iptables "$FAR4"
divert_host ip6tables "$FAR6"
launch_verbatim host
expect_passes host-before 8080 curl_get host "$FAR4"
type_in host "$rule_line"
blocks_curl_only host host "$FAR4" "$FAR6"
