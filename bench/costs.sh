#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: where the time goes: each probe program, map, stage and question to the kernel, under new connections
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

LOAD_S=2
PROCESSES=1000 SOCKETS=20

# attached KIND: the ids of the programs or maps (prog, map) that the daemon holds, with commas between.
attached() {
	{ cat "/proc/$DAEMON"/fdinfo/* 2>/dev/null || true; } |
		awk -v kind="$1_id:" '$1 == kind { print $2 }' | sort -nu | paste -sd ,
}

# programs: name, runs and ns so far of each of its programs.
programs() {
	bpftool prog show -j | jq -r --argjson ids "[$(attached prog)]" '
		.[] | select(.id | IN($ids[])) | [.name, .run_cnt // 0, .run_time_ns // 0] | @tsv' | sort
}

maps() {
	bpftool map show -j | jq -c --argjson ids "[$(attached map)]" '
		.[] | select(.id | IN($ids[])) | {map: .name, type, key_bytes: .bytes_key,
			value_bytes: .bytes_value, max_entries, memory_bytes: .bytes_memlock}'
}

# wrk_on NS ADDR SUFFIX: new connections for LOAD_S s: how many a second, and how many.
wrk_on() {
	on "$1" wrk -t 2 -c 16 -d "${LOAD_S}s" -H 'Connection: close' "$(url "$2" 8081 /)" </dev/null | awk -v suffix="$3" '
		/ requests in / { print "requests" suffix, $1 }
		/^Requests\/sec:/ { print "connections" suffix, $2 }'
}

load() {
	wrk_on client $SERVER4 ''
}

none() {
	undivert client
	sample none 0 load
	divert client
}

app_fw() {
	guard client
	settle
	sample app-fw 1 load
	stop_daemon TERM
}

# The same connections where the firewall has no hook: in the server's namespace, from itself to itself.
load_beside() {
	wrk_on server 127.0.0.1 _beside
}

# on_account LOAD: it, between two readings of what the programs cost.
on_account() {
	programs >"$TMP/$1.before"
	"$1"
	programs >"$TMP/$1.after"
}

# The account itself costs something: the kernel reads its clock twice for each run of a program.
accounted() {
	local switch
	switch=$(sysctl -n kernel.bpf_stats_enabled)
	UNDO+=("sysctl -q -w kernel.bpf_stats_enabled=$switch")
	sysctl -q -w kernel.bpf_stats_enabled=1
	guard client
	settle
	sample accounted 1 on_account load
	ctl stats --json >"$TMP/stats"
	maps >"$TMP/maps"
	sample accounted 1 on_account load_beside
	stop_daemon TERM
	sysctl -q -w "kernel.bpf_stats_enabled=$switch"
}

# questions PROCESSES SOCKETS: what `lookups` says.
questions() {
	"$BIN/bench/lookups" -p "$1" -s "$2" >"$TMP/lookups"
}

ROUNDS=1     # of each arrangement: its figures are sums over many events
setup_net
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 64999" net.ipv4.tcp_tw_reuse=1
serve_nginx server 8081
divert client
rounds none app_fw accounted
sample few 0 questions 8 2
mv "$TMP/lookups" "$TMP/few"
sample many 0 questions $PROCESSES $SOCKETS
mv "$TMP/lookups" "$TMP/many"

# --- Into JSON --------------------------------------------------------------------------------

# programs_json LOAD SUFFIX: per program what the load made of it; `empty` is what nothing at all is charged.
programs_json() {
	join -t $'\t' "$TMP/$1.before" "$TMP/$1.after" |
		jq -Rn --argjson rate "$(tail -n 1 "$TMP/accounted.connections$2")" \
			--argjson n "$(tail -n 1 "$TMP/accounted.requests$2")" \
			--argjson empty "$(awk '/an empty BPF program/ { print $1 }' "$TMP/few")" '
			def round2: . * 100 | round / 100;
			[inputs | split("\t") | .[1:] |= map(tonumber) |
			 {program: .[0], runs: (.[3] - .[1]), ns: (.[4] - .[2])} | select(.runs > 0)] | sort_by(-.ns) |
			map({program, runs, runs_per_connection: (.runs / $n | round2),
			 ns_per_run: (.ns / .runs | round), empty_ns_per_run: $empty,
			 ns_per_connection: (.ns / $n | round),
			 percent_of_a_cpu: (.ns / $n * $rate / 1e7 | round2)})'
}

# questions_json FILE: an answer of `lookups`.
questions_json() {
	jq -Rs '
		def entries: capture("^(?<median>[0-9]+) (?<least>[0-9]+) (?<asked>[0-9]+) (?<what>.+)$") |
			{what, median_ns: (.median | tonumber), least_ns: (.least | tonumber), asked: (.asked | tonumber)};
		split("\n") | map(select(. != "")) | (.[-1] | split(" ") | map(tonumber)) as [$processes, $sockets] |
		{processes: $processes, sockets: $sockets, questions: (.[:-1] | map(entries))}' "$1"
}

compare 'new connections' /s connections none app-fw
compare 'new connections, on account' /s connections none accounted
programs_json load "" >"$TMP/programs.json"
programs_json load_beside _beside >"$TMP/beside.json"
jq -s . "$TMP/maps" >"$TMP/maps.json"
jq .stages "$TMP/stats" >"$TMP/stages.json"
questions_json "$TMP/few" >"$TMP/few.json"
questions_json "$TMP/many" >"$TMP/many.json"

# --- Tables -----------------------------------------------------------------------------------

table
echo
programs_table() {
	jq -r '["program", "runs", "runs/conn", "ns/run", "empty", "ns/conn", "% of a CPU"],
		(map(select(.ns_per_connection > 0))[] |
		 [.program, .runs, .runs_per_connection, .ns_per_run, .empty_ns_per_run, .ns_per_connection, .percent_of_a_cpu]),
		["all", "", "", "", "", (map(.ns_per_connection) | add), (map(.percent_of_a_cpu) | add * 100 | round / 100)] | @tsv' \
		"$1" | align 1
}
echo '  probe programs, by what a new connection through the firewall costs; baseline: what an empty one is charged'
programs_table "$TMP/programs.json"
echo
echo '  probe programs, by what a new connection elsewhere costs'
programs_table "$TMP/beside.json"
echo
echo '  maps'
jq -r '["map", "type", "key B", "value B", "entries", "memory KiB"],
	(.[] | [.map, .type, .key_bytes, .value_bytes, .max_entries, (.memory_bytes / 1024 | round)]) | @tsv' \
	"$TMP/maps.json" | align 2
echo
echo '  stages of the daemon, ns per packet (hash: per object)'
jq -r '["stage", "count", "mean", "p50", "p99", "max"],
	(.[] | [.stage, .count, .mean_ns, .p50_ns, .p99_ns, .max_ns]) | @tsv' "$TMP/stages.json" | align 1
echo
echo '  questions to the kernel, median ns; baselines: the bare system call, and the rows of /proc'
jq -rs 'def head: "\(.processes) proc, \(.sockets) sock";
	["what", (.[0] | head), (.[1] | head), "in bare calls"],
	((.[0].questions[] | select(.what | startswith("a bare")) | .median_ns) as $bare |
	 [.[].questions] | transpose[] |
	 [.[0].what, .[0].median_ns, .[1].median_ns, (.[0].median_ns / $bare * 10 | round / 10)]) | @tsv' \
	"$TMP/few.json" "$TMP/many.json" | align 1
record "$(jq -rs '". + \({programs: .[0], programs_beside: .[1], maps: .[2], stages: .[3], questions: .[4:]})"' \
	"$TMP"/{programs,beside,maps,stages,few,many}.json)"
