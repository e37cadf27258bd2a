# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What every measurement stands on, beside what the end-to-end scenarios stand on: quiet, rounds that
# are interleaved, and tables in which each figure has its baseline beside it.
#
# A measurement that could not be made ends the scenario with status 1. A goal that is not met does not:
# the machine decides how fast it is, and the reader whether that will do.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tests/e2e/lib.sh"
# shellcheck source=tests/e2e/stolen.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tests/e2e/stolen.sh"

# shellcheck disable=SC2034
SCENARIO=$(basename "$0" .sh)
ROUNDS=${ROUNDS:-7}             # how often each arrangement is measured
QUIET_S=${QUIET_S:-20}          # how long to wait for a quiet machine, before it is measured as it is
ATTEMPTS=50                     # how often a sample is tried, while other firewalls come and go
DISTURBED=0                     # samples taken although it was not quiet
RESULTS=${RESULTS:-bench/results}
ROWS=$TMP/rows                  # one JSON object a line
# As the measurement begins: what is done to the tree meanwhile is not what it measures.
# What was recorded before is no part of that either.
COMMIT=$(git -c safe.directory='*' describe --always 2>/dev/null || true)
[[ -z $(git -c safe.directory='*' status --porcelain -uno -- . ':!bench/results' 2>/dev/null) ]] || COMMIT+=-dirty

# say WORDS...: progress; the tables alone are on stdout.
say() {
	echo "   $*" >&2
}

# --- Quiet ------------------------------------------------------------------------------------

# firewalls: how many app-fw are loaded in this kernel, be they ours or another's.
firewalls() {
	bpftool prog show -j | jq '[.[] | select(.name == "process_fork")] | length'
}

firewalls_are() {
	[[ $(firewalls) -eq $1 ]]
}

# busy_permille SECONDS: how busy the processors were meanwhile.
busy_permille() {
	local before after
	before=$(head -n 1 /proc/stat)
	sleep "$1"
	after=$(head -n 1 /proc/stat)
	awk '{ idle[NR] = $5 + $6; for (i = 2; i <= NF; i++) all[NR] += $i }
		END { d = all[2] - all[1]; print d ? int(1000 - 1000 * (idle[2] - idle[1]) / d) : 0 }' \
		<<<"$before"$'\n'"$after"
}

is_quiet() {
	(($(busy_permille 0.2) <= 100))
}

# sample WHO N CMD...: appends to $TMP/WHO.METRIC what CMD prints, lines of METRIC VALUE. The machine is
# quiet before, if it ever is, no other machine has its processors meanwhile, and N firewalls are loaded, before and
# after; else it is done again.
sample() {
	local who=$1 n=$2 attempt metric value
	shift 2
	for ((attempt = 0; attempt < ATTEMPTS; attempt++)); do
		WAIT_S=120 wait_for firewalls_are "$n"
		poll "$QUIET_S" is_quiet || ((DISTURBED += 1))
		undisturbed "$TMP/sample" "$@"
		firewalls_are "$n" || { say "$who: another firewall came or went, once more"; continue; }
		while read -r metric value; do
			[[ $value =~ ^[0-9]+([.][0-9]+)?$ ]] || fail "no number for $metric of $who: '$value'"
			echo "$value" >>"$TMP/$who.$metric"
			awk -v v="$value" -v w="$WORKED" 'BEGIN { print v / (w ? w : 1) }' >>"$TMP/$who.$metric.work"
		done <"$TMP/sample"
		say "$who: $(tr '\n' ' ' <"$TMP/sample")"
		return
	done
	fail "$who: other firewalls come and go on this machine"
}

# rounds FIRST SECOND...: calls each of these functions once a round. Every round begins with the next one, and every other
# goes backwards: what the one before has left of the machine is not always the same one's.
rounds() {
	local round i way
	for ((round = 0; round < ROUNDS; round++)); do
		say "round $((round + 1)) of $ROUNDS"
		way=$((round % 2 ? $# - 1 : 1))
		for ((i = 0; i < $#; i++)); do
			"${@:(round + i * way) % $# + 1:1}"
		done
	done
}

# --- Figures ----------------------------------------------------------------------------------

# median FILE
median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

least() {
	sort -n "$1" | head -n 1
}

greatest() {
	sort -n "$1" | tail -n 1
}

# ratios BASE WHO METRIC: the median, the least and the greatest of the rounds' ratios. Of the rounds, not of all samples:
# a machine that is twice as fast for a minute is so for what is measured beside each other.
ratios() {
	paste "$TMP/$1.$3" "$TMP/$2.$3" | awk '{ printf "%.4f\n", $2 / $1 }' >"$TMP/ratios"
	echo "$(median "$TMP/ratios") $(least "$TMP/ratios") $(greatest "$TMP/ratios")"
}

# compare WHAT UNIT METRIC BASE WHO [GOAL]: one row of the table: the medians of both, and the ratios. GOAL is what the
# ratio must be: "<=1.25" or ">=0.97".
compare() {
	local what=$1 unit=$2 metric=$3 base=$4 who=$5 goal=${6:-} by_work=null
	# Of a rate: how much of it there was for what the processors worked, had they been this machine's alone.
	[[ $unit != */s ]] || by_work=$(ratios "$base" "$who" "$metric.work" | cut -d' ' -f1)
	echo "$(median "$TMP/$base.$metric") $(median "$TMP/$who.$metric") $(least "$TMP/$base.$metric")" \
		"$(least "$TMP/$who.$metric") $(ratios "$base" "$who" "$metric")" |
		jq -Rc --arg what "$what" --arg unit "$unit" --arg base "$base" --arg who "$who" --arg goal "$goal" \
			--argjson by_work "$by_work" '
			def met($r): if $goal == "" then null
				elif $goal[:2] == "<=" then $r <= ($goal[2:] | tonumber)
				else $r >= ($goal[2:] | tonumber) end;
			split(" ") | map(tonumber) as [$b, $v, $b0, $v0, $r, $lo, $hi] |
			{what: $what, unit: $unit, baseline: $base, baseline_median: $b, baseline_least: $b0,
			 who: $who, median: $v, least: $v0, ratio: $r, ratio_least: $lo, ratio_greatest: $hi,
			 ratio_by_work: $by_work}
			+ if $goal == "" then {} else {goal: $goal, met: met($r)} end' >>"$ROWS"
}

# align LEFT: lines of tab-separated cells in columns; the first LEFT are flush left, the others right.
align() {
	awk -F '\t' -v left="$1" '
		{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > w[i]) w[i] = length($i) }; n = NF > n ? NF : n }
		END { for (r = 1; r <= NR; r++) { line = ""
			for (i = 1; i <= n; i++) line = line sprintf(i <= left ? "%-" w[i] "s  " : "%" w[i] "s  ", cell[r, i])
			sub(/ +$/, "", line); print "  " line } }'
}

# table: what compare has put together.
table() {
	jq -rs '
		def figure: if . >= 1000 then round else . * 10 | round / 10 end | tostring;
		def ratio: . * 1000 | round / 1000 | tostring;
		["what", "unit", "baseline", "median", "with", "median", "ratio", "of a round", "by work", "goal", ""],
		(.[] | [.what, .unit, .baseline, (.baseline_median | figure), .who, (.median | figure), (.ratio | ratio),
			"\(.ratio_least | ratio)..\(.ratio_greatest | ratio)", (.ratio_by_work // "-" | if type == "number" then ratio else . end), .goal // "-",
			if .met == null then "" elif .met then "met" else "not met" end]) | @tsv' "$ROWS" | align 3
	((DISTURBED == 0)) || echo "  ($DISTURBED of the samples were taken on a machine that was not quiet)"
	((STOLEN == 0)) || echo "  ($STOLEN of the samples were taken while another machine had its processors)"
}

# matrix BASE [by work]: the ratios to one baseline, a row for each figure and a column for each arrangement.
matrix() {
	local field=ratio
	[[ -z ${2:-} ]] || field=ratio_by_work
	jq -rs --arg base "$1" --arg field "$field" --arg of "times $1${2:+, $2}" '
		[.[] | select(.baseline == $base)] as $rows | ($rows | reduce .[].who as $w ([]; if index($w) then . else . + [$w] end)) as $who |
		[$of, "unit", $who[]],
		($rows | reduce .[].what as $w ([]; if index($w) then . else . + [$w] end) | .[] as $what |
			[$what, ([$rows[] | select(.what == $what)][0].unit),
			($who[] as $n | [$rows[] | select(.what == $what and .who == $n)][0][$field] // "-" |
				if type == "number" then . * 1000 | round / 1000 | tostring else . end)]) | @tsv' "$ROWS" | align 2
}

# record JQ-FILTER: the rows and the machine they are from, into $RESULTS/SCENARIO.json; the filter may add to it.
record() {
	mkdir -p "$RESULTS"
	jq -s --arg scenario "$SCENARIO" --arg date "$(date -u +%FT%TZ)" --arg kernel "$(uname -r)" \
		--arg cpu "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" \
		--argjson cpus "$(nproc)" --argjson rounds "$ROUNDS" --argjson disturbed "$DISTURBED" --argjson stolen "$STOLEN" \
		--arg commit "$COMMIT" \
		'{scenario: $scenario, date: $date, commit: $commit, kernel: $kernel, cpu: $cpu, cpus: $cpus,
		  rounds: $rounds, disturbed: $disturbed, stolen: $stolen, rows: .}' "$ROWS" |
		jq "$1" >"$RESULTS/$SCENARIO.json.tmp"
	mv "$RESULTS/$SCENARIO.json.tmp" "$RESULTS/$SCENARIO.json"
	echo "  -> $RESULTS/$SCENARIO.json"
}

# --- Arrangements -----------------------------------------------------------------------------

# What is built now is measured to the end, whatever is built meanwhile.
keep_programs() {
	mkdir "$TMP/bin"
	cp -r "$BIN/app-fw" "$BIN/ctl-fw" "$BIN/bench" "$TMP/bin/"
	BIN=$TMP/bin
}

# guard NS OPTIONS...: app-fw with one rule on a digest, as in tests/e2e/21.
guard() {
	local ns=$1
	shift
	start_daemon "$ns" -b 50 -B 50 "$@" >>"$TMP/steps"
	ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)" >>"$TMP/steps"
}

untraced() {
	ctl status --json | jq -e '.probes.traces_calls == false'
}

# As it is when it has run for a while: where the kernel tells enough without, it ends to trace system calls 2 s after its
# start.
settle() {
	poll 6 untraced >>"$TMP/steps" || echo "# system calls are traced" >>"$TMP/steps"
}

# undivert NS: nothing is diverted there any more.
undivert() {
	local t
	for t in iptables ip6tables; do
		on "$1" "$t" -w 5 -F
	done
}

# wrk_in NS CPUS ARGS...: wrk's own words about one second against port 8081 of the server.
wrk_in() {
	local ns=$1 cpus=$2
	shift 2
	on "$ns" taskset -c "$cpus" wrk -t 1 -c 16 -d 1s "$@" "$(url $SERVER4 8081 /)" </dev/null
}

requests_per_s() {
	awk '/^Requests\/sec:/ { print int($2) }'
}

keep_programs
# shellcheck source=bench/arms.sh
. "$(dirname "${BASH_SOURCE[0]}")/arms.sh"
