#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: the first packet of a program that was never seen, and of one that was: from exec, and from sending, to arrival
# timeout: 900
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

NEW=30     # programs a sample that nobody has seen
WARM=1000  # runs of one that was
PORT=7100

# Copies that differ, made ahead: what was written in this tick of the clock is read in the next.
make_programs() {
	local i
	mkdir -p "$TMP/new"
	for ((i = 0; i < NEW; i++)); do
		made=$((made + 1))
		copy_program "$BIN/bench/first" "new/$made"
	done
}

first() {
	on client "$BIN/bench/first" "$(netns server)" $SERVER4 $PORT "$@"
}

# What was never seen is a file of its own each; the daemon lives since before they were made.
new() {
	first "$TMP"/new/* | sed 's/^/new_/'
}

warm() {
	local i programs=()
	for ((i = 0; i < WARM; i++)); do programs+=("$TMP/warm"); done
	first "$TMP/warm" >>"$TMP/steps"
	first "${programs[@]}" | sed 's/^/warm_/'
}

traffic() {
	rm -rf "$TMP/new"
	make_programs
	sample "$1" "$2" new
	sample "$1" "$2" warm
}

setup_net
divert client
made=0
copy_program "$BIN/bench/first" warm

mapfile -t ARMS < <(arms)
rounds "${ARMS[@]}"

against() {
	compare 'never seen: exec to arrival' µs new_exec_us "$1" "$2"
	compare 'never seen: 99 %' µs new_exec_p99_us "$1" "$2"
	compare 'seen: exec to arrival' µs warm_exec_us "$1" "$2"
	compare 'seen: sending to arrival' µs warm_sent_us "$1" "$2"
	compare 'seen: sending to arrival, 99 %' µs warm_sent_p99_us "$1" "$2"
}

for arm in "${ARMS[@]:1}"; do against none "$arm"; done
for arm in app-fw app-fw_1000 app-fw_100000; do against null_acceptor "$arm"; done
! can_cache || against null_acceptor cached
table
matrix none
matrix null_acceptor
paste "$TMP/null_acceptor.warm_sent_p99_us" "$TMP/app-fw.warm_sent_p99_us" | awk '{ print $2 - $1 }' >"$TMP/more"
more=$(median "$TMP/more")
echo "  seen: 99 % take $more µs more than with the null acceptor (goal: at most 40)"
record ". + {warm_p99_more_us: $more, goal_us: 40}"
