#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/cli/bench_check.sh: bench/run, with a scenario of ours that measures nothing: it fails where a ratio that has a
# goal is worse than the recorded one by more than the margin, and says which; recorded is what is committed, or was there.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/bench/results" "$scratch/bin"
cp bench/run "$scratch/bench/"
printf '#!/bin/sh\n' >"$scratch/bench/plot"
printf '#!/bin/sh\necho 0\n' >"$scratch/bin/id" # what it measures may be nobody's
# shellcheck disable=SC2016 # it is for the scenario
printf '# What: nothing\nmkdir -p "$RESULTS"; cp measured.json "$RESULTS/none.json"; exit "$ENDS"\n' >"$scratch/bench/none.sh"
chmod +x "$scratch/bench/plot" "$scratch/bin/id"
export PATH=$scratch/bin:$PATH ENDS=0

# rows RATE LATENCY P99 OTHER: the ratios of four rows; the last has no goal.
rows() {
	jq -n --argjson r "[$1, $2, $3, $4]" '
		def row($what; $ratio): {$what, unit: "/s", baseline: "none", who: "ours", $ratio};
		{rows: [row("rate"; $r[0]) + {goal: ">=0.9"}, row("cost"; $r[1]) + {goal: "<=1.25"},
			row("cost, 99 %"; $r[2]) + {goal: "<=1.15"}, row("other"; $r[3])]}'
}

# measure ARGS...: what it says, and how it ends.
measure() {
	"$scratch/bench/run" "$@" none >"$scratch/said" 2>&1
}

# passes RATIOS -- ARGS...
passes() {
	rows "${@:1:4}" >"$scratch/measured.json"
	measure "${@:6}" || { cat "$scratch/said"; return 1; }
}

# fails NAMED RATIOS -- ARGS...: and names these rows, and no other.
fails() {
	local named=$1
	shift
	rows "${@:1:4}" >"$scratch/measured.json"
	! measure "${@:6}" || { echo "it ended with 0"; return 1; }
	same named "$named" said "$(sed -n 's/, ours beside none: ratio .*//p' "$scratch/said")"
}

recorded=(0.90 1.10 1.20 0.80)
rows "${recorded[@]}" >"$scratch/bench/results/none.json"
cd "$scratch" || exit
test_that "the same as recorded" passes "${recorded[@]}" -- --check
test_that "better than recorded" passes 1.5 0.5 0.5 1.5 -- --check
test_that "worse, within the margin" passes 0.83 1.20 1.75 0.80 -- --check
test_that "a rate that fell" fails rate 0.80 1.10 1.20 0.80 -- --check
test_that "a cost that grew" fails cost 0.90 1.23 1.20 0.80 -- --check
test_that "a 99th percentile that grew by more than half" fails "cost, 99 %" 0.90 1.10 1.85 0.80 -- --check
test_that "several" fails $'rate\ncost' 0.5 1.5 1.20 0.80 -- --check
test_that "without a goal it may be worse" passes 0.90 1.10 1.20 0.1 -- --check
MARGIN=20 test_that "by another margin" passes 0.80 1.23 1.20 0.80 -- --check
test_that "what was recorded is as it was" same none "$(rows "${recorded[@]}")" said "$(cat bench/results/none.json)"
test_that "a rate that fell, beside the file that was there" fails rate 0.80 1.10 1.20 0.80 --
test_that "which has the new figures now" passes 0.80 1.10 1.20 0.80 --
rows "${recorded[@]}" >bench/results/none.json
git init -q . && git add bench/results && git -c user.name=x -c user.email=x@localhost commit -qm x
test_that "beside the commit" fails rate 0.80 1.10 1.20 0.80 --
test_that "and once more" fails rate 0.80 1.10 1.20 0.80 --
test_that "as committed" passes "${recorded[@]}" --
rm bench/results/none.json && git add -A && git -c user.name=x -c user.email=x@localhost commit -qm x
test_that "nothing is recorded" passes 0.1 9 9 0.1 --
ENDS=1 test_that "what could not be measured" fails "" "${recorded[@]}" --
summary
