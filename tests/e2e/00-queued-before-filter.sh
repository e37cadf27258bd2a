#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what is queued before the table `filter`, where no packet has a note yet, is told apart all the same: the kernel's own
# is of kernel origin, and what a process sends without ports is not taken for it. So it is where some packets have notes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# queue TABLE MATCH...
queue() {
	local table=$1 t
	shift
	for t in iptables ip6tables; do
		# shellcheck disable=SC2046 # words
		on client "$t" -w 5 -t "$table" -A OUTPUT "$@" -j NFQUEUE $(to_queues 0)
	done
}

# answered N: the kernel's own echo replies.
answered() {
	expect_ok on server ping -q -c "$1" -i 0.01 -W 10 $CLIENT4
	expect_ok on server ping -q -c "$1" -i 0.01 -W 10 $CLIENT6
}

# of_processes: packets that are not the kernel's own. Before Linux 6.4 they are noted as they are queued, wherever that is.
of_processes() {
	echo $(($(counter known) + $(counter unknown)))
}

of_kernel() {
	counter kernel
}

# more OF N CMD...: so many more at least, while CMD runs.
more() {
	local of=$1 least=$2 before
	shift 2
	before=$("$of")
	"$@"
	expect_that $(($("$of") - before)) -ge "$least" "$of"
}

pings() {
	expect_ok on client ping -q -c 5 -i 0.01 -W 10 $SERVER4
}

setup_net
on client sysctl -q -w net.ipv4.ping_group_range="1 0" # raw sockets
receive server 7001
start_daemon client

step "queued in mangle"
queue mangle
more of_kernel 20 answered 10
expect_that "$(counter unknown)" -eq 0 "of unknown origin, of the kernel's own"
more of_processes 5 pings

step "a daemon whose packets have had notes, until now"
stop_daemon TERM
on client iptables -w 5 -t mangle -F
on client ip6tables -w 5 -t mangle -F
queue filter -p udp
queue mangle -p icmp
start_daemon client
expect_ok on client "$HELPERS/talk" -u $SERVER4 7001 noted
more of_processes 5 pings
before=$(counter unknown)
more of_kernel 10 expect_ok on server ping -q -c 10 -i 0.01 -W 10 $CLIENT4
expect_that "$(counter unknown)" -eq "$before" "of unknown origin, of the kernel's own"
