#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: 10,000 children that share 1,000 sockets with their parent: ten million descriptors to look at.
# Nobody else's traffic is judged wrong or waits long for it, and the crowded sockets' packets count as
# unknown.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/crowd.sh
. $SCRIPTS/crowd.sh

CHILDREN=10000
SOCKETS=1000
TIMES=15 # what one waits for, compared with who is not guarded
RSS_GROWTH_KB=${SAN:+10}32768

# Processes are limited: what there is room for, with some left for everybody else.
tasks=$(cut -d' ' -f4 /proc/loadavg)
room=$(($(</proc/sys/kernel/pid_max) - ${tasks#*/} - 2000))
CHILDREN=$((CHILDREN < room ? CHILDREN : room))
((CHILDREN >= 1000)) || skip "there is room for $room processes only"

setup_crowd
others_judged before
nobody_waits before $TIMES
rss=$(rss_kb)
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"

step "$CHILDREN children share $SOCKETS sockets"
crowd -s -n 10 -w 3000 $CHILDREN $SOCKETS u $SERVER4 7001
many=$SPAWNED
others_judged meanwhile
nobody_waits meanwhile $TIMES
WAIT_S=40 wait_for grep -qx crowded "$TMP/many.log"
others_judged crowded
nobody_waits crowded $TIMES

step "the crowd speaks"
unknown=$(counter unknown)
echo "all crowd" >"$TMP/many.in"
others_judged speaking
nobody_waits speaking $TIMES
WAIT_S=40 wait_for grep -q '^said crowd:' "$TMP/many.log"
grep '^said' "$TMP/many.log"
wait_for settled
expect_that $(($(counter unknown) - unknown)) -ge 10 "packets of unknown origin"
daemon_alive
expect_that $(($(rss_kb) - rss)) -le "$RSS_GROWTH_KB" "growth of the daemon's resident memory in kB"

step "and when they are gone"
halt "$many"
WAIT_S=30 wait_for gone "$many"
unknown=$(counter unknown)
others_judged after
nobody_waits after $TIMES
wait_for settled
expect_that "$(counter unknown)" -eq "$unknown" "packets of unknown origin"
