# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What every scenario stands on: namespaces, servers, the daemon, and words to say what must hold.
#
# A scenario sources this file and then reads as a list of steps. It ends at the first step that
# does not hold (exit 1), at `skip` (exit 77), or after its last line (exit 0). On exit everything
# it made is undone, and nothing else is touched: its own processes by pid, its own namespaces and
# rules by name. Nothing here waits for a time to pass: it waits for a condition, up to a limit.
set -Eeuo pipefail

PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C
export PYTHONDONTWRITEBYTECODE=1 # the tree is not written to
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
BIN=bin${SAN:+/$SAN}
# shellcheck disable=SC2034
HELPERS=$BIN/helpers
SCRIPTS=tests/e2e/helpers
TMP=$(mktemp -d /tmp/afw-e2e.XXXXXX)
chmod 755 "$TMP"
export APP_FW_SOCKET=$TMP/run/ctl.sock

# The addresses of the two namespaces, seen from each other.
CLIENT4=10.200.0.1 CLIENT6=fd00:200::1
SERVER4=10.200.0.2 SERVER6=fd00:200::2

QUEUES=${QUEUES:-1}   # of each chain, and threads for them
SLOW=${SLOW:-1}       # so many times slower is this machine than a real one
WAIT_S=$((10 * SLOW)) # wait_for gives up after this
DAEMON=         # pid of the daemon that runs
DAEMON_LOG=     # what it printed
PIDS=()         # what spawn started
UNDO=()         # commands for the end, last first

# --- Outcomes ---------------------------------------------------------------------------------

# where: the line of the scenario that is being run.
where() {
	local i
	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		[[ ${BASH_SOURCE[i]} == */lib.sh ]] || { echo "${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}"; return; }
	done
}

fail() {
	trap - ERR
	echo "FAIL $(where): $*" >&2
	show_counters
	exit 1
}

# show_counters: what the daemon has counted, if it runs and answers.
show_counters() {
	[[ -n $DAEMON ]] || return 0
	timeout 5 "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" stats --json 2>/dev/null |
		jq -r '.counters | [to_entries[] | select(.value > 0) | "\(.key) \(.value)"] | "FAIL with " + join(", ")' >&2 || true
}

skip() {
	echo "skip: $*"
	exit 77
}

step() {
	echo "-- $*"
}

# --- Steps ------------------------------------------------------------------------------------

# poll SECONDS CMD...: every 20 ms until CMD succeeds; 1 when it never did.
poll() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/[.,]/} < end)) || return 1
		sleep 0.02
	done
}

# wait_for CMD...: polls; it is a failure when WAIT_S seconds were not enough.
wait_for() {
	poll "$WAIT_S" "$@" || fail "waited $WAIT_S s in vain for: $*"
}

# try CMD...: its status in $STATUS, its output in $TMP/out and $TMP/err; shown in the log.
STATUS=0
try() {
	STATUS=0
	"$@" >"$TMP/out" 2>"$TMP/err" </dev/null || STATUS=$?
	echo "\$ $* -> $STATUS"
	head -c 4000 "$TMP/out" | head -n 12 | sed 's/^/  | /'
	head -c 4000 "$TMP/err" | head -n 12 | sed 's/^/  ! /'
}

expect_ok() {
	try "$@"
	[[ $STATUS -eq 0 ]] || fail "status $STATUS from: $*"
}

# Fails by its own decision: a command that could not be run, or that a signal ended, does not count.
expect_fail() {
	try "$@"
	[[ $STATUS -ne 0 ]] || fail "succeeded, and should not: $*"
	[[ $STATUS -lt 126 ]] || fail "status $STATUS, not a failure of its own: $*"
}

expect_status() {
	local want=$1
	shift
	try "$@"
	[[ $STATUS -eq $want ]] || fail "status $STATUS instead of $want: $*"
}

# expect_line TEXT CMD...: CMD succeeds and TEXT is in a line of its output.
expect_line() {
	local text=$1
	shift
	expect_ok "$@"
	grep -qF -- "$text" "$TMP/out" || fail "no line with '$text' from: $*"
}

expect_no_line() {
	local text=$1
	shift
	expect_ok "$@"
	! grep -qF -- "$text" "$TMP/out" || fail "a line with '$text' from: $*"
}

# expect_blocked NAME PORT CLIENT...: CLIENT (curl_get, wget_get) asks for /NAME in vain: it fails, the
# web server on PORT has not seen the request, and the daemon has counted what it dropped.
expect_blocked() {
	local path=/$1 port=$2 before
	shift 2
	before=$(counter dropped)
	# A client that lost the processor may have given up before its first packet, or before that was judged.
	for _ in 1 2 3; do
		MAX_TIME=0.5 expect_fail "$@" "$port" "$path"
		! poll 3 counts_more dropped "$before" || break
	done
	! http_saw "$port" "$path" || fail "the server saw $path, and should not: $*"
	expect_that "$(counter dropped)" -gt "$before" "packets dropped"
}

# expect_passes NAME PORT CLIENT...: it succeeds, and the web server saw it.
expect_passes() {
	local path=/$1 port=$2
	shift 2
	expect_ok "$@" "$port" "$path"
	http_saw "$port" "$path" || fail "the server did not see $path: $*"
}

# expect_refused STATUS TEXT CMD...: exit STATUS ("+" is any but 0), and one line of complaint, which names TEXT.
expect_refused() {
	local want=$1 text=$2
	shift 2
	expect_fail "$@"
	[[ $want == + || $STATUS -eq $want ]] || fail "status $STATUS instead of $want: $*"
	[[ $(wc -l <"$TMP/err") -eq 1 ]] || fail "$(wc -l <"$TMP/err") lines of complaint instead of one: $*"
	grep -qF -- "$text" "$TMP/err" || fail "the complaint does not name '$text': $*"
}

# expect_that A OP B "what it is": compares two numbers as test(1) does.
expect_that() {
	echo "${4:-value}: $1 (must be $2 $3)"
	test "$1" "$2" "$3" || fail "${4:-value}: $1 is not $2 $3"
}

# --- Processes --------------------------------------------------------------------------------

gone() {
	[[ ! -e /proc/$1 ]] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"
}

# halt PID...: TERM, a bounded wait, KILL.
halt() {
	local pid
	for pid; do
		kill "$pid" 2>/dev/null || continue
		poll 5 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# spawn NS NAME CMD...: in the background; output in $TMP/NAME.log, pid in $SPAWNED. It reads $STDIN.
spawn() {
	local ns=$1 name=$2
	shift 2
	nsenter --net="$(netns "$ns")" "$@" <>"${STDIN:-/dev/null}" >>"$TMP/$name.log" 2>&1 &
	SPAWNED=$!
	PIDS+=("$SPAWNED")
}

# --- Namespaces -------------------------------------------------------------------------------

# netns NAME: the file of client, server, or host (the one this runs in).
netns() {
	[[ $1 == host ]] && echo "/proc/$$/ns/net" || echo "/run/netns/afw-$$-$1"
}

# on NS CMD...: not `ip netns exec`, which would hide /sys/fs/bpf.
on() {
	local ns=$1
	shift
	nsenter --net="$(netns "$ns")" "$@"
}

add_netns() {
	ip netns add "afw-$$-$1"
	UNDO+=("ip netns del afw-$$-$1")
	on "$1" ip link set lo up
}

# address NS DEV ADDR/LEN...: DEV is up already, so that IPv6 is ready as soon as it has its address.
address() {
	local ns=$1 dev=$2 a
	shift 2
	for a; do
		if [[ $a == *:* ]]; then
			on "$ns" ip -6 addr add "$a" dev "$dev" nodad
		else
			on "$ns" ip addr add "$a" dev "$dev"
		fi
	done
}

# setup_net: the namespaces client and server, joined by a veth pair.
setup_net() {
	[[ -x $BIN/app-fw || -n ${NO_DAEMON:-} ]] || fail "$BIN/app-fw is not built: make tested"
	add_netns client
	add_netns server
	ip link add veth0 netns "afw-$$-client" type veth peer name veth0 netns "afw-$$-server"
	on client ip link set veth0 up
	on server ip link set veth0 up
	address client veth0 $CLIENT4/24 $CLIENT6/64
	address server veth0 $SERVER4/24 $SERVER6/64
	wait_for on client ping -q -c 1 -W 0.2 $SERVER4
	wait_for on client ping -q -c 1 -W 0.2 $SERVER6
}

# divert NS: everything that goes out or comes in, to queues 0 and 1. Without a daemon nothing passes.
divert() {
	local t
	for t in iptables ip6tables; do
		# shellcheck disable=SC2046 # words
		on "$1" "$t" -w 5 -A OUTPUT -j NFQUEUE $(to_queues 0)
		# shellcheck disable=SC2046
		on "$1" "$t" -w 5 -A INPUT -j NFQUEUE $(to_queues 1)
	done
}

# range N SEPARATOR: where there are several queues, those that stand for queue N.
range() {
	echo "$(($1 * 100 + 100))$2$(($1 * 100 + 100 + QUEUES - 1))"
}

# to_queues N: the words of a rule for queue N, or for its range, in which each processor has one.
to_queues() {
	if ((QUEUES > 1)); then
		echo "--queue-balance $(range "$1" :) --queue-cpu-fanout"
	else
		echo "--queue-num $1"
	fi
}

# hook NS [OPTION...]: the same by ctl-fw hook, with the verdict cache. The daemon runs there already.
hook() {
	local ns=$1 chain
	shift
	for chain in OUTPUT INPUT; do
		on "$ns" "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook install -c $chain --fail closed "$@"
	done
}

# unhook NS
unhook() {
	local chain
	for chain in OUTPUT INPUT; do
		on "$1" "$BIN/ctl-fw" hook remove -c $chain
	done
}

# count_rule NS TABLES-ARGS...: counts packets that come into NS and match; seen_by_rule reads it.
count_rule() {
	local ns=$1 t
	shift
	for t in iptables ip6tables; do
		on "$ns" "$t" -w 5 -I INPUT "$@"
	done
}

# seen_by_rule NS TEXT: packets counted by the rules whose listing has TEXT, IPv4 and IPv6 together.
seen_by_rule() {
	{
		on "$1" iptables -w 5 -nvxL INPUT
		on "$1" ip6tables -w 5 -nvxL INPUT
	} | awk -v text="$2" 'index($0, text) { n += $1 } END { print n + 0 }'
}

# --- Servers ----------------------------------------------------------------------------------

listening() {
	[[ -n $(on "$1" ss -Hltn "sport = :$2") ]]
}

# no_connection NS PORT: none to or from that local port is open there any more.
no_connection() {
	[[ -z $(on "$1" ss -Htn state connected "sport = :$2") ]]
}

# serve_http NS PORT: a python3 web server on all addresses; http_saw greps its log of requests.
serve_http() {
	spawn "$1" "http-$2" /usr/bin/python3 $SCRIPTS/serve.py "$2"
	wait_for grep -q '^listening$' "$TMP/http-$2.log"
}

http_saw() {
	grep -qF -- "$2" "$TMP/http-$1.log"
}

# receive NS [-a WORD] PORT...: a python3 program that notes every line sent to it by TCP or UDP, and answers.
receive() {
	local ns=$1
	shift
	spawn "$ns" receive /usr/bin/python3 $SCRIPTS/receive.py "$@"
	wait_for grep -q '^listening$' "$TMP/receive.log"
}

received() {
	grep -qF -- "$1" "$TMP/receive.log"
}

# serve_nginx NS PORT
serve_nginx() {
	mkdir -p "$TMP/nginx"
	cat >"$TMP/nginx.conf" <<-END
		user root;
		worker_processes 1;
		pid $TMP/nginx.pid;
		error_log $TMP/nginx-error.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $TMP/nginx; proxy_temp_path $TMP/nginx;
			fastcgi_temp_path $TMP/nginx; uwsgi_temp_path $TMP/nginx; scgi_temp_path $TMP/nginx;
			server {
				listen 0.0.0.0:$2 backlog=4096;
				listen [::]:$2 backlog=4096;
				location / { return 200 "hello\n"; }
			}
		}
	END
	spawn "$1" nginx /usr/sbin/nginx -p "$TMP" -c "$TMP/nginx.conf" -g 'daemon off;'
	wait_for listening "$1" "$2"
}

# --- Clients ----------------------------------------------------------------------------------

# url ADDR PORT PATH
url() {
	if [[ $1 == *:* ]]; then echo "http://[$1]:$2$3"; else echo "http://$1:$2$3"; fi
}

# One request of a known program, without anybody's configuration file. It gives up after MAX_TIME, which is far beyond
# what the slowest machine needs; who expects it to fail says how long that may take.
curl_get() {
	on "$1" /usr/bin/curl -q -sS --noproxy '*' --max-time "${MAX_TIME:-20}" -o /dev/null "$(url "$2" "$3" "$4")"
}

wget_get() {
	on "$1" /usr/bin/wget --no-config --no-proxy -nv -t 1 -T "${MAX_TIME:-20}" -O /dev/null "$(url "$2" "$3" "$4")"
}

# digest PROGRAM
digest() {
	sha256sum "$(readlink -f "$(command -v "$1")")" | cut -d' ' -f1
}

# copy_program PROGRAM NAME: the same program with another digest, at $TMP/NAME.
copy_program() {
	cp "$1" "$TMP/$2"
	echo "$2" >>"$TMP/$2"
	chmod 755 "$TMP/$2"
}

# --- The daemon -------------------------------------------------------------------------------

is_ready() {
	grep -qx 'ready' "$DAEMON_LOG" || gone "$DAEMON"
}

# launch_daemon NS CMD...: as it is; returns when it has said `ready`.
launch_daemon() {
	local ns=$1
	shift
	echo "\$ on $ns: $*"
	DAEMON_LOG=$(mktemp "$TMP/app-fw.XXXX.log")
	nsenter --net="$(netns "$ns")" "$@" </dev/null >"$DAEMON_LOG" 2>&1 &
	DAEMON=$!
	WAIT_S=$((30 * SLOW)) wait_for is_ready
	grep -qx 'ready' "$DAEMON_LOG" || fail "the daemon ended before it was ready"
}

# start_daemon NS [OPTION...]: with a socket of its own, and no saved rules unless --state is given.
start_daemon() {
	local ns=$1 state=--no-state
	shift
	[[ " $* " != *" --state "* ]] || state=
	((QUEUES == 1)) || set -- --queue-out "$(range 0 -)" --queue-in "$(range 1 -)" "$@"
	launch_daemon "$ns" "$BIN/app-fw" --socket "$APP_FW_SOCKET" ${state:+$state} "$@"
}

# end_daemon [SIGNAL]: 0 if it ended by itself, in time, with status 0. For each probe that is taken off the
# kernel waits until no processor can be in it: on a busy machine that adds up to seconds.
end_daemon() {
	local pid=$DAEMON status=0
	DAEMON=
	gone "$pid" || kill -s "${1:-TERM}" "$pid"
	poll 40 gone "$pid" || { echo "the daemon did not end on ${1:-TERM}" >&2; halt "$pid"; return 1; }
	wait "$pid" || status=$?
	[[ $status -eq 0 ]] || { echo "the daemon ended with status $status" >&2; return 1; }
}

stop_daemon() {
	end_daemon "$@" || fail "the daemon did not end cleanly"
}

# kill_daemon: it has no time for anything.
kill_daemon() {
	kill -KILL "$DAEMON"
	wait_for gone "$DAEMON"
	wait "$DAEMON" 2>/dev/null || true
	DAEMON=
}

# is_executed PID PROGRAM: that is what it runs by now.
is_executed() {
	[[ $(readlink "/proc/$1/exe") == "$2" ]]
}

# queue_threads: those of the daemon that serve queues, the first among them, by number.
queue_threads() {
	local task
	for task in "/proc/$DAEMON/task"/*; do
		[[ ${task##*/} != "$DAEMON" && $(cat "$task/comm") != queues-* ]] || echo "${task##*/}"
	done
}

# ran_ns: for how long its threads have run, by the scheduler: a tick of proc_pid_stat(5) is 0.2 % of five seconds.
ran_ns() {
	awk '{ n += $1 } END { printf "%.0f\n", n }' /proc/"$DAEMON"/task/*/schedstat
}

# usage SECONDS: CPU time that it uses meanwhile, in parts per 100,000. To measure an interval takes the interval.
usage() {
	local before began
	before=$(ran_ns) began=${EPOCHREALTIME/[.,]/}
	sleep "$1"
	echo $((($(ran_ns) - before) * 100 / (${EPOCHREALTIME/[.,]/} - began)))
}

# watched OPTIONS COMMAND...: strace, with these options, counts the calls of the daemon meanwhile, in $TMP/calls.
watched() {
	local options=$1 strace
	shift
	rm -f "$TMP/calls" "$TMP/strace.log"
	# shellcheck disable=SC2086 # words
	spawn client strace strace -c $options -p "$DAEMON" -o "$TMP/calls"
	strace=$SPAWNED
	wait_for grep -q attached "$TMP/strace.log"
	"$@"
	kill -INT "$strace"
	wait_for gone "$strace"
	cat "$TMP/calls"
}

# calls_of NAME: so many there were while strace looked on.
calls_of() {
	awk -v name="$1" '$NF == name { n = $4 } END { print n + 0 }' "$TMP/calls"
}

daemon_alive() {
	! gone "$DAEMON" || fail "the daemon is dead"
}

ctl() {
	"$BIN/ctl-fw" --socket "$APP_FW_SOCKET" "$@"
}

# counts_more COUNTER N: it is past N.
counts_more() {
	[[ $(counter "$1") -gt $2 ]]
}

# counter NAME: of `stats --json`.
counter() {
	ctl stats --json | jq -e --arg k "$1" '.counters[$k]'
}

# rules: the rule list without what traffic changes.
rules() {
	ctl -L --json | jq -S 'del(.. | .packets?, .bytes?)'
}

# settled: every packet that was read has its verdict.
settled() {
	ctl stats --json | jq -e '.counters | .queued == .accepted + .dropped + .rejected + .marked + .killed'
}

# --- The end ----------------------------------------------------------------------------------

show_logs() {
	local log
	for log in "$TMP"/*.log; do
		[[ -s $log ]] || continue
		echo "--- ${log##*/}"
		tail -n 25 "$log"
	done >&2
}

finish() {
	local status=$? i
	trap - EXIT ERR
	set +e
	[[ -z $DAEMON ]] || end_daemon || status=1
	halt "${PIDS[@]}"
	for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do
		${UNDO[i]}
	done
	[[ $status -eq 0 || $status -eq 77 ]] || show_logs
	[[ -n ${KEEP:-} ]] || rm -rf "$TMP"
	exit "$status"
}

trap finish EXIT
trap 'fail "status $? from: $BASH_COMMAND"' ERR
trap 'exit 143' TERM INT HUP

# expect_unchanged: the configuration is that of $TMP/before.
expect_unchanged() {
	daemon_alive
	ctl save | diff "$TMP/before" - || fail "the configuration has changed (above)"
}

# expect_no_change STATUS CULPRIT CMD...: it is refused, and nothing has changed.
expect_no_change() {
	expect_refused "$@"
	expect_unchanged
}
