# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The arrangements that are put beside each other; bench/lib.sh sources this. Each is a function of the name that the tables
# have: it sets itself up in the namespace `client`, calls `traffic NAME FIREWALLS`, and leaves what it found:
# everything diverted there, and nobody at the queues.

# arms: their names, the baseline first.
arms() {
	printf '%s\n' none null_acceptor app-fw app-fw_1000 app-fw_100000
	! can_cache || printf '%s\n' cached cached_100000
	peer_names
}

can_cache() {
	grep -q '^  hook ' <<<"$("$BIN/ctl-fw" --help)"
}

has_cache() {
	[[ $1 == cached* ]]
}

none() {
	undivert client
	traffic none 0
	divert client
}

null_acceptor() {
	launch_daemon client "$BIN/bench/null_acceptor" --queue 0 --queue 1 >>"$TMP/steps"
	traffic null_acceptor 0
	stop_daemon TERM
}

# make_rules N: so many mixed rules of a fixed seed, half of each chain's, none of which matches what is sent here; one
# is of a digest that is mapped by nobody who sends.
make_rules() {
	awk -v n="$1" -v known="$(digest curl)" '
		function below(n) { return int(rand() * n) }
		function digest(   i, text) { for (i = 0; i < 8; i++) text = text sprintf("%08x", below(4294967296)); return text }
		function network() { return sprintf("172.%d.%d.%d/32", 16 + below(16), below(256), below(256)) }
		BEGIN {
			srand(1)
			print "app-fw rules 2"
			print "-c OUTPUT -v DROP --sng-hash " known
			for (i = 1; i < n; i++) {
				kind = below(5)
				if (kind == 0) match_ = "-d " network()
				if (kind == 1) match_ = "-s 172.16.0.0/12 -p tcp --sport " below(60000)
				if (kind == 2) match_ = "--sng-hash " digest()
				if (kind == 3) match_ = "--sng-hash " digest() " -d " network()
				if (kind == 4) match_ = "-d 2001:db8::" sprintf("%x", below(65536)) " -p udp --dport 1:" 1 + below(1000)
				print "-c " (below(2) ? "OUTPUT" : "INPUT") " -v " (below(2) ? "DROP" : "ACCEPT") " " match_
			}
			print "end"
		}'
}

# guard_with N OPTIONS...: app-fw with N rules, as it is when it has run for a while.
guard_with() {
	local n=$1
	shift
	[[ -f $TMP/rules.$n ]] || make_rules "$n" >"$TMP/rules.$n"
	start_daemon client -b 50 -B 50 "$@" >>"$TMP/steps"
	ctl restore "$TMP/rules.$n" >>"$TMP/steps"
	settle
}

app-fw() {
	guard_with 10
	traffic app-fw 1
	stop_daemon TERM
}

app-fw_1000() {
	guard_with 1000
	traffic app-fw_1000 1
	stop_daemon TERM
}

app-fw_100000() {
	guard_with 100000
	traffic app-fw_100000 1
	stop_daemon TERM
}

# cache_with NAME N OPTIONS...: the same, with the verdict cache in front.
cache_with() {
	local chain name=$1
	shift
	undivert client
	guard_with "$@"
	for chain in OUTPUT INPUT; do
		on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook install -c "$chain" >>"$TMP/steps"
	done
	traffic "$name" 1
	for chain in OUTPUT INPUT; do
		on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook remove -c "$chain" >>"$TMP/steps"
	done
	stop_daemon TERM
	divert client
}

# Nobody looks at a packet: bench/hollow.bpf.c.
hollow() {
	cache_with hollow 10 --ebpf-obj "$BIN/bench/hollow_probe.o"
}

cached() {
	cache_with cached 10
}

cached_100000() {
	cache_with cached_100000 100000
}

# --- Other firewalls: bench/run --peer NAME:START:STOP ------------------------------------------

peer_names() {
	local name rest
	while IFS=: read -r name rest; do
		[[ -z $rest ]] || echo "$name"
	done <<<"${PEERS:-}"
}

peer() {
	local name=$1 start=$2 stop=$3
	undivert client
	on client bash -c "$start" </dev/null >>"$TMP/steps" 2>&1
	traffic "$name" 0
	on client bash -c "$stop" </dev/null >>"$TMP/steps" 2>&1
	divert client
}

# A function for each: STOP has no colon in it, START may.
while IFS= read -r line; do
	[[ -n $line ]] || continue
	rest=${line#*:}
	[[ ${line%%:*} =~ ^[A-Za-z][A-Za-z0-9_-]*$ ]] || fail "not a name for a firewall: ${line%%:*}"
	eval "$(printf '%s() { peer %q %q %q; }' "${line%%:*}" "${line%%:*}" "${rest%:*}" "${rest##*:}")"
done <<<"${PEERS:-}"
