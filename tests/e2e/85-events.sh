#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: each packet that is stopped, would be, or is marked is an event with every field right, in the file, on
# standard output, in the journal and in ctl-fw events; what is left out is counted; who does not read costs nobody.
# timeout: 240
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

FILE=$TMP/events.json
PYTHON=$(readlink -f "$(command -v python3)")

# event FILTER: the first event of the file of which the jq filter is true.
event() {
	jq -cn "first(inputs | select(.event == \"verdict\" and ($1)))" "$FILE" | grep .
}

# expect_event FILTER TEST: there is such an event, and the jq filter TEST is true of it.
expect_event() {
	wait_for event "$1"
	event "$1" >"$TMP/event"
	echo "event: $(cat "$TMP/event")"
	jq -e "$2" "$TMP/event" >/dev/null || fail "not so of that event: $2"
}

# spawn_as_user NAME CMD...: in the background, as a user of its own; pid in $SPAWNED, its parent is this shell.
spawn_as_user() {
	local name=$1
	shift
	spawn client "$name" setpriv --reuid=4242 --regid=4243 --clear-groups "$@"
}

# evil_curl NAME ADDR PORT
evil_curl() {
	spawn_as_user "$1" "$TMP/$1" -q -sS --noproxy '*' --max-time 5 \
		-o /dev/null "$(url "$2" "$3" /)"
}

setup_net
serve_http server 8080
copy_program /usr/bin/curl evil
copy_program "$PYTHON" sender
# It takes longer to hash than it lives.
copy_program "$PYTHON" brief
truncate -s 300M "$TMP/brief"
serve_nginx client 8090
divert client
start_daemon client --events "$FILE"

step "a blocked curl, IPv4 and IPv6: every field"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil" --note "no evil"
rule=$(ctl -L --json | jq -r '.chains[] | select(.chain == "OUTPUT").rules[0].rule')
for addr in $SERVER4 $SERVER6; do
	own=$CLIENT4
	[[ $addr != *:* ]] || own=$CLIENT6
	before=$(date +%s)
	evil_curl evil "$addr" 8080
	expect_event ".flow.destination == \"$addr\"" "
		.verdict == \"DROP\" and .enforced == true and .reason == \"rule\"
		and .rule == {index: 0, text: $(jq -Rn --arg r "$rule" '$r'), note: \"no evil\"}
		and .chain == \"OUTPUT\" and .origin == \"known\"
		and (.flow | .protocol == \"tcp\" and .source == \"$own\" and .source_port > 1023
			and .destination_port == 8080 and .length >= 60)
		and .socket > 0 and .socket_uid == 4242 and .netns == $(stat -Lc %i "$(netns client)") and .n_holders == 1
		and .holders == [{pid: $SPAWNED, ppid: $$, comm: \"evil\", exe: \"$TMP/evil\", sha256: \"$(digest "$TMP/evil")\",
			matched: {path: \"$TMP/evil\", sha256: \"$(digest "$TMP/evil")\"}, uid: 4242, container: null}]"
	jq -e '.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{9}Z$")' "$TMP/event" >/dev/null
	at=$(date -d "$(jq -r .time "$TMP/event")" +%s)
	expect_that "$at" -ge "$before" "second of the event"
	expect_that "$at" -le "$(date +%s)" "second of the event"
	halt "$SPAWNED"
done
wait_for grep -q "^DROP OUTPUT rule 0: known origin, pid [0-9]* evil, tcp $CLIENT4:[0-9]* -> $SERVER4:8080$" "$DAEMON_LOG"
expect_ok ctl -D 0 -c OUTPUT

step "a rule on a library: what matched is not the program"
library=$(ldd "$TMP/evil" | awk '/libcurl/ { print $3 }')
expect_ok ctl -A -c OUTPUT -v REJECT --object "$library" -p tcp
evil_curl evil $SERVER4 8080
expect_event '.verdict == "REJECT"' ".enforced and .holders[0].exe == \"$TMP/evil\"
	and .holders[0].matched == {path: \"$(readlink -f "$library")\", sha256: \"$(sha256sum "$library" | cut -d" " -f1)\"}"
expect_ok ctl -D 0 -c OUTPUT

step "a rule that looks at no object, and the policy: who it was is told all the same"
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7777
for sender in brief sender; do
	last=$(jq -s 'last.seq' "$FILE")
	expect_ok on client "$TMP/$sender" $SCRIPTS/datagrams.py 1 0 $SERVER4 7777
	expect_event ".flow.destination_port == 7777 and .seq > $last" "
		.reason == \"rule\" and .holders[0].matched == null and .flow.protocol == \"udp\"
		and .flow.length == 30 and .socket_uid == 0 and .holders[0].ppid > 1
		and .holders[0].exe == \"$TMP/$sender\" and .holders[0].sha256 == \"$(digest "$TMP/$sender")\""
done
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl policy OUTPUT DROP
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 1 0 $SERVER4 7778
expect_event '.flow.destination_port == 7778' '.reason == "policy" and .rule == null and .enforced'
expect_ok ctl policy OUTPUT ACCEPT

step "nginx: every process that holds the socket, though it is older than the daemon"
workers=$(pgrep -d ' ' -P "$(cat "$TMP/nginx.pid")")
expect_that "$(wc -w <<<"$workers")" -eq 1 "workers"
master=$(cat "$TMP/nginx.pid")
expect_ok ctl -A -c INPUT -v DROP --object /usr/sbin/nginx -p tcp --dport 8090
expect_fail on server curl -q -sS --noproxy '*' --max-time 0.5 "$(url $CLIENT4 8090 /)"
expect_event '.chain == "INPUT"' "
	(.holders | map({pid, ppid, comm, exe, sha256, matched, uid, container}) | sort_by(.pid)) == ([
		{pid: $master, ppid: $$}, {pid: $workers, ppid: $master}
	] | map(. + {comm: \"nginx\", exe: \"$(readlink -f /usr/sbin/nginx)\", sha256: \"$(digest nginx)\", uid: 0, container: null,
		matched: {path: \"$(readlink -f /usr/sbin/nginx)\", sha256: \"$(digest nginx)\"}}) | sort_by(.pid))
	and .n_holders == 2 and .flow.source == \"$SERVER4\" and .flow.destination_port == 8090"
expect_ok ctl -D 0 -c INPUT

step "MARK; a rule that only logs; monitor mode; KILL; nobody's packet"
expect_ok ctl -A -c OUTPUT -v MARK=0x10 --object "$TMP/sender" --monitor
expect_ok ctl -A -c OUTPUT -v MARK=0x20 --object "$TMP/sender"
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 1 0 $SERVER4 7701
expect_event '.flow.destination_port == 7701 and .rule.index == 0' '.verdict == "MARK" and .enforced == false'
expect_event '.flow.destination_port == 7701 and .rule.index == 1' '.verdict == "MARK" and .enforced == true'
expect_ok ctl -D 1 -c OUTPUT
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/sender" --monitor
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 1 0 $SERVER4 7702
expect_event '.flow.destination_port == 7702' '.verdict == "DROP" and .enforced == false and .reason == "rule"'
wait_for grep -q "^would DROP OUTPUT rule 0: known origin" "$DAEMON_LOG"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl mode monitor
expect_ok ctl -A -c OUTPUT -v KILL --object "$TMP/sender"
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 1 0 $SERVER4 7703
expect_event '.flow.destination_port == 7703' '.verdict == "KILL" and .enforced == false'
expect_ok ctl mode enforce
spawn_as_user killed "$TMP/sender" $SCRIPTS/datagrams.py 1000 10 $SERVER4 7704
wait_for gone "$SPAWNED"
expect_event '.flow.destination_port == 7704' ".verdict == \"KILL\" and .enforced and .holders[0].pid == $SPAWNED
	and .holders[0].comm == \"sender\" and .holders[0].uid == 4242 and .holders[0].ppid == $$"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v DROP -p icmp
expect_fail on server ping -q -c 1 -W 0.5 $CLIENT4
expect_event '.flow.protocol == "icmp"' '.origin == "kernel" and .holders == [] and .n_holders == 0 and .flow.source_port == null'
expect_ok ctl -D 0 -c OUTPUT

step "a program in an overlay is the file of its layer, not its loader"
mkdir "$TMP/lower" "$TMP/upper" "$TMP/work" "$TMP/merged"
mount -t overlay overlay -o "lowerdir=$TMP/lower,upperdir=$TMP/upper,workdir=$TMP/work" "$TMP/merged"
UNDO+=("umount $TMP/merged")
copy_program "$PYTHON" lower/layered
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7706
spawn client layered "$TMP/merged/layered" $SCRIPTS/datagrams.py 40 20 $SERVER4 7706
expect_event '.flow.destination_port == 7706 and .holders[0].sha256' ".holders[0].pid == $SPAWNED
	and .holders[0].sha256 == \"$(digest "$TMP/lower/layered")\" and (.holders[0].exe | endswith(\"/layered\"))"
halt "$SPAWNED"
expect_ok ctl -D 0 -c OUTPUT

step "a process in a container"
id=$(printf '%064x' $$)
mkdir "$TMP/cgroup"
mount -t cgroup2 none "$TMP/cgroup"
UNDO+=("umount $TMP/cgroup")
mkdir "$TMP/cgroup/afw-$$" "$TMP/cgroup/afw-$$/docker-$id.scope"
UNDO+=("rmdir $TMP/cgroup/afw-$$" "rmdir $TMP/cgroup/afw-$$/docker-$id.scope")
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
spawn client contained bash -c "echo \$\$ >'$TMP/cgroup/afw-$$/docker-$id.scope/cgroup.procs' &&
	exec '$TMP/evil' -q -sS --noproxy '*' --max-time 5 -o /dev/null '$(url $SERVER4 8080 /)'"
expect_event ".holders[0].pid == $SPAWNED" ".holders[0].container == \"$id\""
halt "$SPAWNED"

step "ctl-fw events: the same, for programs and for people"
written() {
	[[ $(tail -n 1 "$FILE" | jq .seq) -eq $(ctl events --json | tail -n 1 | jq .seq) ]]
}
wait_for settled
wait_for written
expect_ok ctl events --json
diff <(jq -c . "$TMP/out") <(tail -n "$(wc -l <"$TMP/out")" "$FILE" | jq -c .) || fail "not the events of the file"
expect_ok ctl events
grep -Eq "^20[0-9T:.-]{21}  DROP +OUTPUT   rule 0    tcp +$CLIENT4:[0-9]+ -> $SERVER4:8080  $SPAWNED evil $TMP/evil$" "$TMP/out" ||
	fail "no such line"
grep -Eq 'would KILL +OUTPUT   rule 0    udp' "$TMP/out" || fail "no line of what was not enforced"

step "ctl-fw events -f tells what comes"
spawn host followed "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" events -f --json
follower=$SPAWNED
wait_for grep -q . "$TMP/followed.log"
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7705
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 3 0 $SERVER4 7705
wait_for bash -c "[[ \$(grep -c '\"destination_port\":7705' '$TMP/followed.log') -eq 3 ]]"
jq -se 'map(.seq) as $s | $s == [range($s[0]; $s[0] + ($s | length))]' "$TMP/followed.log" >/dev/null || fail "numbers are missing"

step "a flood: some are told, the rest is counted, and a follower that does not read costs nobody"
kill -STOP "$follower"
before=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
for i in 1 2 3 4 5 6 7; do
	expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 1200 1000 $SERVER4 7705
	expect_passes "beside$i" 8080 curl_get client $SERVER4
done
wait_for settled
expect_that "$(jq -s '[.[] | select(.event == "left_out")] | length' "$FILE")" -ge 3 "counts of what was left out"
dropped=$(ctl stats --json | jq .counters.dropped)
all_told() {
	# What was marked, rejected, killed or only logged before: none of it was left out.
	[[ $(jq -s 'map(if .event == "left_out" then .left_out
		elif .verdict == "DROP" and .enforced then 1 else 0 end) | add' "$FILE") -eq $dropped ]]
}
wait_for all_told
most=$(jq -s '[.[] | select(.event == "verdict") | .time[0:19]] | group_by(.) | map(length) | max' "$FILE")
expect_that "$most" -le 202 "events of one second of the day, which may have parts of two seconds of ours"
after=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
most_kb=12000
[[ -z ${SAN:-} ]] || most_kb=100000 # which does not give back what is freed
expect_that $((after - before)) -lt $most_kb "kB more, for all that the follower has not read"
kill -CONT "$follower"
wait_for grep -q '"event":"missed"' "$TMP/followed.log"
halt "$follower"
newest=$(ctl events --json | tail -n 1 | jq .seq)
# It was ended in the middle of a line, perhaps.
jq -cR 'fromjson?' "$TMP/followed.log" >"$TMP/followed"
missed=$(jq -s '[.[] | select(.event == "missed").missed] | add' "$TMP/followed")
expect_that "$missed" -gt 0 "events that the follower was told to have missed"
expect_that "$(jq -s 'map(select(.seq).seq) | unique | length' "$TMP/followed")" -le $((newest - missed)) "events it got"
stop_daemon TERM
[[ $(tail -n 1 "$FILE" | jq .seq) -ge $newest ]] || fail "the end of the file is not there"

step "rotation: files of a size, so many of them, no line torn, none missing"
rm "$FILE"
start_daemon client --events "$FILE" --events-size 8192 --events-keep 2
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7705
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 60 80 $SERVER4 7705
wait_for bash -c "tail -n 1 '$FILE' | jq -e '.seq == 60'"
for f in "$FILE" "$FILE.1" "$FILE.2"; do
	expect_that "$(stat -c %s "$f")" -le 8192 "bytes of ${f##*/}"
done
[[ ! -e $FILE.3 ]] || fail "a third one is kept"
jq -se 'map(.seq) as $s | ($s | length) > 10 and $s == [range(61 - ($s | length); 61)]' \
	"$FILE.2" "$FILE.1" "$FILE" >/dev/null || fail "lines are missing"
mv "$FILE" "$FILE.taken"
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 1 0 $SERVER4 7705
wait_for bash -c "jq -e '.seq == 61' '$FILE'"
stop_daemon TERM

step "what a socket sends after its holder, who was not allowed to, has gone"
cat >"$TMP/leave.py" <<-END
	import socket, sys
	s = socket.create_connection(("$SERVER4", 8080))
	print("open", flush=True)
	sys.stdin.readline()
	s.send(b"x")
	sys.stdin.readline()
END
mkfifo "$TMP/go"
rm -f "$FILE"
start_daemon client --events "$FILE"
STDIN=$TMP/go spawn client leaver "$TMP/sender" "$TMP/leave.py"
wait_for grep -q open "$TMP/leaver.log"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/sender"
echo >"$TMP/go"
wait_for event '.flow.destination_port == 8080'
echo >"$TMP/go"
wait_for gone "$SPAWNED"
expect_event '.reason == "socket"' '.verdict == "DROP" and .enforced and .rule == null and .origin == "kernel"
	and .holders == [] and .n_holders == 0 and .flow.destination_port == 8080'
stop_daemon TERM

step "standard output that nobody reads"
mkfifo "$TMP/fifo"
cat >"$TMP/read-one" <<-'END'
	exec <"$1"
	IFS= read -r line
	echo "$line"
	exec sleep 1000
END
spawn host reader bash "$TMP/read-one" "$TMP/fifo"
reader=$SPAWNED
DAEMON_LOG=$TMP/reader.log
nsenter --net="$(netns client)" "$BIN/app-fw" --socket "$APP_FW_SOCKET" --no-state --events stdout </dev/null >"$TMP/fifo" \
	2>"$TMP/stdout-daemon.log" &
DAEMON=$!
WAIT_S=$((30 * SLOW)) wait_for is_ready
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7705
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 300 60 $SERVER4 7705
wait_for bash -c "$BIN/ctl-fw events --json | tail -n 1 | jq -e '.seq >= 290'"
expect_passes "stalled" 8080 curl_get client $SERVER4
stop_daemon TERM
halt "$reader"

step "standard output that is read"
launch_daemon client bash -c "exec '$BIN/app-fw' --socket '$APP_FW_SOCKET' --no-state --events stdout 2>/dev/null"
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7705
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 5 0 $SERVER4 7705
wait_for bash -c "[[ \$(sed 1d '$DAEMON_LOG' | jq -s 'map(.seq)' -c) == '[1,2,3,4,5]' ]]"
stop_daemon TERM

step "the journal"
mkdir "$TMP/journal"
spawn host journal python3 $SCRIPTS/journal.py "$TMP/journal/socket"
wait_for grep -q '^listening$' "$TMP/journal.log"
cat >"$TMP/with-journal" <<-END
	mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind "\$1" /run/systemd/journal && shift && exec "\$@"
END
launch_daemon client unshare -m bash "$TMP/with-journal" "$TMP/journal" "$BIN/app-fw" --socket "$APP_FW_SOCKET" --no-state --events journal
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 7705
expect_ok on client "$TMP/sender" $SCRIPTS/datagrams.py 10 20 $SERVER4 7705
in_journal() {
	sed 1d "$TMP/journal.log" | jq -se 'length == 10 and all(.SYSLOG_IDENTIFIER == "app-fw")
		and (.[0].MESSAGE | test("^DROP OUTPUT rule 0: known origin, pid [0-9]+ sender, udp"))
		and (map(.APP_FW_EVENT | fromjson) | all(.verdict == "DROP" and .flow.destination_port == 7705))'
}
wait_for in_journal
! grep -q DROP "$DAEMON_LOG" || fail "it is on standard error as well"
stop_daemon TERM
cat >"$TMP/without-journal" <<-'END'
	mount -t tmpfs none /run && exec "$@"
END
expect_refused 1 journal on client unshare -m bash "$TMP/without-journal" "$BIN/app-fw" --socket "$APP_FW_SOCKET" --no-state --events journal

step "what cannot be written to is refused as it starts"
expect_refused 1 /nonexistent/events on client "$BIN/app-fw" --socket "$APP_FW_SOCKET" --no-state --events /nonexistent/events
expect_refused 1 /dev/null on client "$BIN/app-fw" --socket "$APP_FW_SOCKET" --no-state --events /dev/null
expect_refused 2 "--events-size 5" on client "$BIN/app-fw" --events-size 5
expect_refused 2 "--events-keep x" on client "$BIN/app-fw" --events-keep x
expect_refused 2 "-f" ctl status -f
expect_refused 3 "" ctl events
