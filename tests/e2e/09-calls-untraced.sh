#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: no system call is traced while nothing needs it, as all programs pay for that: evil and good are told apart
# without, also who takes another's socket by pidfd_getfd(2), or is given it and keeps it. Where that is no longer so
# it is traced, at once, and not for longer than it matters.
# timeout: 180
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

# What never needs a trace; what may, for a moment, as processes are born and end or have pidfds; and what does, of one that
# has had a pidfd: an io_uring has a reference to its sockets.
PLAIN='socket|sendto|dup|fd-300|thread-receives'
FORKS='fork-child|fork-parent|exit'
PAIR='inherit|inherit-outlive|scm|scm-kept|scm-kept-giver|scm-under-way|scm-giver-exits|pidfd-getfd|pidfd-getfd-outlive'
RING='uring-send|uring-registered'

traces() {
	ctl status --json | jq -e ".probes.traces_calls == $1"
}

# untraced: it may take 12 s, of which 10 without use.
untraced() {
	poll 30 traces false
}

setup_ways
start_daemon client
expect_ok traces true
began=$SECONDS
untraced || skip "before linux 6.17 system calls have to be traced"
expect_that $((SECONDS - began)) -lt 8 "seconds after the start, of which 2 without use"

for f in free deny allow; do
	form $f
	wait_for untraced
	[[ $f != deny ]] || sleep 11 # what it gives up when it has not mattered for 10 s, it has given up by then
	ONLY_WAY=$PLAIN go $f alone
	expect_ok traces false
	ONLY_WAY=$FORKS go $f alone
	ONLY_WAY=$PAIR go $f pair
	# The first may be gone when it is traced; good may lose that packet, evil may not get it through.
	ONLY_WAY=$RING MAY_BE_LOST='uring-.*' go $f uring PIDFD=1
	wait_for traces true
	ONLY_WAY=$RING go $f uring PIDFD=1
	[[ $f != free ]] || continue
	after_all
	judge $f
done
wait_for untraced
none_wrong
