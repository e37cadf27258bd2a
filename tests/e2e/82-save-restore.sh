#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what `save` prints, `restore` puts back byte for byte, all of it or nothing; a bad line is named by number
# and word; SIGKILL in the middle of 1,000 saves loses no acknowledged rule and leaves a file that loads.
# timeout: 300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# bad_line N WORD LINE: a whole file but for this line, which is its Nth.
bad_line() {
	{
		printf 'app-fw rules 2\n-c OUTPUT -v DROP\n# text\n\n%s\nend\n' "$3"
	} >"$TMP/bad"
	expect_refused 1 "line $1: " ctl restore "$TMP/bad"
	grep -qF -- "$2" "$TMP/err" || fail "the complaint does not name '$2'"
	expect_unchanged
}

epoch() {
	ctl status --json | jq .epoch
}

n_rules() {
	ctl -L --json | jq '[.chains[].rules[]] | length'
}

setup_net
serve_http server 8080
divert client
start_daemon client --state "$TMP/state"

step "saved and restored, byte for byte"
expect_ok ctl set add web /usr/bin/curl
expect_ok ctl set add web /usr/bin/wget
expect_ok ctl -A -c OUTPUT -v DROP --set web --note 'of "curl" \ and blanks, über'
expect_ok ctl -A -c INPUT -v ACCEPT -s fd00::/16 -p tcp --sport 1:1024
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -d 192.0.2.1
expect_ok ctl save "$TMP/first"
expect_ok ctl save
diff "$TMP/first" "$TMP/out" || fail "file and output differ"
for text in "policy INPUT ACCEPT" "policy OUTPUT ACCEPT" "policy FORWARD ACCEPT" "set	web	" "--set web"; do
	grep -qF -- "$text" "$TMP/first" || fail "no '$text' in what was saved"
done
expect_blocked saved4 8080 curl_get client $SERVER4
printf 'app-fw rules 2\nend\n' >"$TMP/empty"
expect_line "restored: 0 rules, 0 sets" ctl restore "$TMP/empty"
expect_that "$(n_rules)" -eq 0 "rules"
expect_passes empty4 8080 curl_get client $SERVER4
before=$(epoch)
expect_line "restored: 3 rules, 1 sets" ctl restore "$TMP/first"
expect_that "$(epoch)" -eq $((before + 1)) "epoch: one rule set was published"
ctl save "$TMP/second"
diff "$TMP/first" "$TMP/second" || fail "not what was saved (above)"
expect_blocked restored4 8080 curl_get client $SERVER4
ctl save - | ctl restore - || fail "from one to the other"
ctl save | diff "$TMP/first" - || fail "not what was saved (above)"
ctl save --json | jq -j .text | diff "$TMP/first" - || fail "JSON has another text (above)"

step "policies come along, are there after SIGKILL, and again gone"
sed -e 's/^policy OUTPUT .*/# nothing goes out\npolicy OUTPUT DROP\n/' -e '/^-c/d' -e '/^end/s/ .*//' "$TMP/first" >"$TMP/drop"
expect_line "restored: 0 rules, 1 sets" ctl restore "$TMP/drop"
expect_blocked policy4 8080 wget_get client $SERVER4
kill_daemon
start_daemon client --state "$TMP/state"
expect_blocked policy-after4 8080 wget_get client $SERVER4
ctl -L --json | jq -e '.chains[] | select(.chain == "OUTPUT").policy == "DROP"' || fail "the policy is not DROP"
expect_ok ctl restore "$TMP/empty"
expect_passes policy-gone4 8080 wget_get client $SERVER4

step "all or nothing: each bad line is named, and nothing has changed"
expect_ok ctl restore "$TMP/first"
ctl save >"$TMP/before"
bad_line 5 "--dport 65536" "-c OUTPUT -v DROP -p tcp --dport 65536"
bad_line 5 "-c output" "-c output -v DROP"
bad_line 5 "REJEKT" "-c OUTPUT -v REJEKT"
bad_line 5 "--nosuch" "-c OUTPUT -v DROP --nosuch"
bad_line 5 "missing -v" "-c OUTPUT"
bad_line 5 "--set nosuch" "-c OUTPUT -v DROP --set nosuch"
bad_line 5 "DROB" "policy OUTPUT DROB"
bad_line 5 "PREROUTING" "policy PREROUTING DROP"
bad_line 5 "more" "policy OUTPUT DROP more"
bad_line 5 "expected 6 words" "set	web	-"
bad_line 5 ".web" "set	.web	-	-	-	$(digest curl)	/usr/bin/curl"
bad_line 5 "abc" "set	web	-	-	-	abc	/usr/bin/curl"
bad_line 5 'closing "' '-c OUTPUT -v DROP --note "no end'
bad_line 5 '"end 2"' "end 2"
bad_line 6 "more text" "$(printf -- '-c INPUT -v DROP\nend\nend')"
bad_line 5 "line longer" "-c OUTPUT -v DROP --note $(printf 'x%.0s' {1..8000})"
printf 'app-fw rules 1x\nend\n' >"$TMP/bad"
expect_no_change 1 'line 1: "app-fw rules 1x"' ctl restore "$TMP/bad"
head -n 3 "$TMP/first" >"$TMP/bad"
expect_no_change 1 "line 4: file cut short" ctl restore "$TMP/bad"
expect_no_change 1 "line 1: " ctl restore /dev/null
printf 'app-fw rules 2\n-c INPUT -v DROP --note \xff\nend\n' >"$TMP/bad"
expect_no_change 2 "line 2: expected UTF-8" ctl restore "$TMP/bad"
printf 'app-fw rules 2\n\n-c INPUT\0 -v DROP\nend\n' >"$TMP/bad"
expect_no_change 2 "line 3: expected UTF-8" ctl restore "$TMP/bad"
expect_no_change 2 "$TMP/nosuch" ctl restore "$TMP/nosuch"
expect_no_change 2 "$TMP" ctl restore "$TMP"
expect_no_change 2 "restore" ctl restore
expect_no_change 2 "$TMP/two" ctl restore "$TMP/one" "$TMP/two"
expect_no_change 2 "$TMP/two" ctl save "$TMP/one" "$TMP/two"
expect_no_change 2 "--json" ctl save "$TMP/one" --json
expect_no_change 1 "$TMP/nosuch/file" ctl save "$TMP/nosuch/file"
expect_no_change 1 /dev/full ctl save /dev/full
expect_no_change 2 "-c" ctl restore -c OUTPUT "$TMP/first"

step "a file larger than other requests may be, and one that is too large"
{
	echo "app-fw rules 2"
	seq 20000 | sed 's/.*/-c FORWARD -v DROP -d 192.0.2.1 --note "number &"/'
	echo "end 20000"
} >"$TMP/large"
expect_line "restored: 20000 rules" ctl restore "$TMP/large"
expect_ok ctl restore "$TMP/first"
head -c 70000000 /dev/zero | tr '\0' '#' >"$TMP/too-large"
ctl save >"$TMP/before"
expect_no_change 2 "$TMP/too-large: File too large" ctl restore "$TMP/too-large"
rm "$TMP/too-large"

step "SIGHUP reads the whole of it again"
expect_ok ctl restore "$TMP/drop"
cp "$TMP/state/rules" "$TMP/state-drop"
expect_ok ctl restore "$TMP/first"
cp "$TMP/state-drop" "$TMP/state/rules"
kill -HUP "$DAEMON"
is_dropping() { ctl save | grep -qx "policy OUTPUT DROP"; }
wait_for is_dropping
expect_that "$(n_rules)" -eq 0 "rules"
expect_blocked hup4 8080 wget_get client $SERVER4

step "the state of version 1 loads"
stop_daemon TERM
printf 'app-fw rules 1\nset\tweb\t-\t-\t-\t%s\t/usr/bin/curl\n-c OUTPUT -v DROP --set web\nend 2\n' "$(digest curl)" >"$TMP/state/rules"
start_daemon client --state "$TMP/state"
expect_blocked old4 8080 curl_get client $SERVER4
expect_passes old4w 8080 wget_get client $SERVER4

step "one change of many rules is a line at the end of the file, and is there after a kill"
saved=$TMP/state/rules
expect_ok ctl restore "$TMP/large"
inode=$(stat -c %i "$saved") size=$(stat -c %s "$saved")
expect_ok ctl -I 7 -c FORWARD -v DROP -d 192.0.2.2
expect_ok ctl -D 19999 -c FORWARD
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(digest curl)"
expect_that "$(stat -c %i "$saved")" -eq "$inode" "inode: it was not written anew"
expect_that "$(($(stat -c %s "$saved") - size))" -lt 400 "bytes more for three changes"
ctl save >"$TMP/before"
kill_daemon
printf 'change 4 01234567 -I 0 -c OUT' >>"$saved" # what a crash leaves of one that was not acknowledged
start_daemon client --state "$TMP/state"
grep -q "$saved: the last line is a part of a change" "$DAEMON_LOG" || fail "nobody says that a line is cut"
expect_unchanged
expect_blocked changed4 8080 curl_get client $SERVER4
expect_passes changed4w 8080 wget_get client $SERVER4
expect_ok ctl -D 0 -c OUTPUT
[[ $(stat -c %i "$saved") -ne $inode ]] || fail "a change was put after what a crash left"
stop_daemon TERM

step "a change that is damaged, and not the last, is refused at the start: nothing is guessed"
start_daemon client --state "$TMP/state"
for i in 1 2 3; do expect_ok ctl -A -c INPUT -v ACCEPT -s 192.0.2.$i; done
stop_daemon TERM
cp "$saved" "$TMP/whole"
sed -i 's/^\(change 2 .*\)192\.0\.2\./\1192.0.2.10/' "$saved"
expect_refused + "$saved" timeout 60 nsenter --net="$(netns client)" "$BIN/app-fw" --state "$TMP/state" --socket "$APP_FW_SOCKET"
cp "$TMP/whole" "$saved"
start_daemon client --state "$TMP/state"

step "killed in the middle of 1,000 saves, again and again"
expect_ok ctl restore "$TMP/empty"
acknowledged=0
# adder: adds rules until one is refused or has no reply, and notes each that was acknowledged.
adder() {
	local n
	for ((n = acknowledged; ; n++)); do
		ctl -A -c FORWARD -v DROP --note "number $n" 2>/dev/null || return 0
		echo "$n" >>"$TMP/acknowledged"
	done
}
noted() {
	[[ -e $TMP/acknowledged ]] && [[ $(wc -l <"$TMP/acknowledged") -ge $1 ]]
}
: >"$TMP/acknowledged"
for ((i = 1; i <= 5; i++)); do
	adder &
	writer=$!
	PIDS+=("$writer")
	WAIT_S=60 wait_for noted $((i * 200))
	kill_daemon
	wait "$writer" || true
	start_daemon client --state "$TMP/state"
	lines=$(wc -l <"$TMP/acknowledged")
	acknowledged=$(n_rules)
	expect_that "$acknowledged" -ge "$lines" "rules after $lines acknowledged"
	expect_that "$acknowledged" -le $((lines + 1)) "rules after $lines acknowledged"
	# The one that was saved but not acknowledged counts from here on.
	[[ $acknowledged -eq $lines ]] || echo "$lines" >>"$TMP/acknowledged"
	ctl save | grep -c '^-c FORWARD' | grep -qx "$acknowledged" || fail "save has another number of rules"
done
expect_that "$acknowledged" -ge 1000 "saves"
ctl save | sed -n 's/.*--note "number \([0-9]*\)".*/\1/p' | diff - <(seq 0 $((acknowledged - 1))) || fail "some are lost (above)"
