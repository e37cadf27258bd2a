#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: where packets come one by one, each is judged at once: the daemon asks to run before who runs already, and lets
# nobody run before it waits for the next. Where they come all the time it does neither.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

BRIEF_NS=100000 # see fw/slice.h
ONES=40
FLOOD=200000

# slice: how long the daemon may run in one go, in ns; 0 before linux 6.12.
slice() {
	/usr/bin/python3 -c '
import ctypes, struct, sys
attributes = ctypes.create_string_buffer(56)
if ctypes.CDLL(None).syscall(315, int(sys.argv[1]), attributes, 56, 0):
    sys.exit("sched_getattr")
print(struct.unpack_from("=IIQiIQ", attributes)[5])' "$DAEMON"
}

slice_is() {
	[[ $(slice) -eq $1 ]]
}

# one_by_one N: so many datagrams, further apart than what a daemon needs for one that strace looks at.
one_by_one() {
	local i
	for ((i = 0; i < $1; i++)); do
		on client bash -c "echo one >/dev/udp/$SERVER4/7001"
		sleep 0.01
	done
}

flood() {
	on client "$HELPERS/flood" $FLOOD $SERVER4 7001 </dev/null
}

setup_net
receive server -a nobody 7001
divert client
start_daemon client
usual=$(slice)
[[ $usual -gt 0 ]] || skip "this kernel does not let a thread say for how long it runs (linux 6.12)"
expect_that "$usual" -gt $BRIEF_NS "ns in one go, as the kernel has it"

step "one by one"
one_by_one 10
wait_for slice_is $BRIEF_NS
watched "" one_by_one $ONES
expect_that "$(calls_of sched_yield)" -le $((ONES / 10)) "times that others ran first"

step "all the time"
flood
wait_for slice_is "$usual"
