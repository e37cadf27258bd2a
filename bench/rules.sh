#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: 100,000 mixed rules beside 10, and beside reading them one by one: decisions, changes, loading, memory
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

LAST=$(($(nproc) - 1))

# decisions ARGS...: see bench/decisions.c.
decisions() {
	taskset -c "$LAST" "$BIN/bench/decisions" "$@"
}

by_10() {
	sample 10 0 decisions 10
}

by_1000() {
	sample 1,000 0 decisions 1000
}

by_100000() {
	sample 100,000 0 decisions 100000
}

linearly() {
	sample linear 0 decisions 100000 linear
}

# What is on the disk before one more of 100,000 rules is acknowledged: the file, or the change alone.
as_a_whole() {
	sample whole 0 decisions 100000 whole
}

as_a_change() {
	sample appended 0 decisions 100000 appended
}

rounds by_10 by_1000 by_100000 linearly as_a_whole as_a_change
compare 'a decision' ns again_ns 10 1,000
compare 'a decision' ns again_ns 10 100,000 '<=1.3'
compare 'a decision, 99th percentile' ns again_p99_ns 10 100,000
compare 'on a new flow' ns first_ns 10 1,000
compare 'on a new flow' ns first_ns 10 100,000
compare 'on a new flow' ns first_ns linear 100,000
compare 'on a new flow, 99th percentile' ns first_p99_ns 10 100,000
compare 'a rule put in or taken out' us change_us 10 100,000
compare 'one of 100,000 rules saved' us saved_us whole appended '<=0.2'
compare 'the index made anew' ms index_ms 1,000 100,000
compare 'from text to rules in force' ms load_ms 1,000 100,000
compare 'memory of a rule set' MB memory_mb 1,000 100,000
table
record .
