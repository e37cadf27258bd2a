#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: a daemon with 1,000 rules and 1,000 processes that have sent: its CPU time while nothing happens, its memory
# timeout: 300
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

PROCESSES=1000
WINDOW_S=5
WINDOWS=6       # the daemon works when anything on this machine does: the quietest one counts
CPU_GOAL=0.2    # % of one processor
RSS_GOAL=32768  # kB

arrived() {
	[[ $(seen_by_rule server army) -ge $PROCESSES ]]
}

setup_net
count_rule server -p udp --dport 7002 -m comment --comment army
divert client
guard_with 1000
copy_program "$HELPERS/army" one
mkfifo "$TMP/army.in"
STDIN=$TMP/army.in spawn client army "$HELPERS/army" -s $PROCESSES $SERVER4 7002 army "$TMP/one"
WAIT_S=60 wait_for grep -qx sent "$TMP/army.log"
WAIT_S=30 wait_for settled
wait_for arrived

for ((i = 0; i < WINDOWS; i++)); do usage $WINDOW_S >>"$TMP/usage"; done
cpu=$(awk -v n="$(least "$TMP/usage")" 'BEGIN { print n / 1000 }')
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
file=$(awk '/^RssFile|^RssShmem/ { n += $2 } END { print n }' "/proc/$DAEMON/status")
jq -cn --argjson cpu "$cpu" --argjson rss "$rss" --argjson file "$file" --argjson cpu_goal $CPU_GOAL --argjson rss_goal $RSS_GOAL '
	{what: "CPU time, idle", unit: "%", value: $cpu, goal: $cpu_goal, met: ($cpu < $cpu_goal)},
	{what: "resident memory", unit: "kB", value: $rss, goal: $rss_goal, met: ($rss < $rss_goal)},
	{what: "of it, mapped files and shared with the kernel", unit: "kB", value: $file}' >"$ROWS"
jq -rs '["what", "unit", "value", "goal", ""], (.[] | [.what, .unit, .value,
	if .goal then "< \(.goal)" else "-" end, if .met == null then "" elif .met then "met" else "not met" end]) | @tsv' "$ROWS" | align 2
record .
