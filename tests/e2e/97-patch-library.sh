#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a patch by library: of two builds of one library, who has the vulnerable one mapped is cut off in the middle of
# his connection, and who has the fixed one goes on; `patch list` counts who still maps it, also who never sent a
# packet; with --until-unmapped the patch stays as long as one of them is there or the file is the old one, and then
# lifts itself.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# build NAME BODY: a build of the library.
build() {
	mkdir -p "$TMP/$1"
	echo "int parse(int x) { return $2; }" | gcc -shared -fPIC -O1 -x c -o "$TMP/$1/libparse.so" - || fail "no compiler"
}

# talk TAG LIBRARY: a process that has it mapped and talks on one connection. What is written to $TMP/TAG.in unloads it.
talk() {
	mkfifo "$TMP/$1.in"
	STDIN=$TMP/$1.in spawn client "$1" /usr/bin/python3 $SCRIPTS/talker.py $SERVER4 7001 "$1" "$TMP/$2/libparse.so"
	wait_for grep -q ^connected "$TMP/$1.log"
}

# last TAG: the number of its last line that came; -1: none did.
last() {
	awk -v tag="$1" '$3 == tag { n = $4 } END { print n == "" ? -1 : n }' "$TMP/receive.log"
}

# grows TAG N: lines came past number N.
grows() {
	[[ $(last "$1") -gt $2 ]]
}

mapped() {
	ctl patch list --json | jq -r --argjson id "$1" '.patches[] | select(.id == $id).mapped'
}

maps() {
	[[ $(mapped "$1") == "$2" ]]
}

is_lifted() {
	[[ -z $(mapped "$1") ]]
}

unload() {
	echo go >"$TMP/$1.in"
	wait_for grep -q ^unloaded "$TMP/$1.log"
}

setup_net
receive server 7001
build vulnerable 'x + 1'
build fixed 'x < 0 ? 0 : x + 1'
cp "$TMP/vulnerable/libparse.so" "$TMP/kept.so"
divert client
start_daemon client --state "$TMP/state"
expect_ok ctl -A -c OUTPUT -v ACCEPT

step "both talk"
talk bad vulnerable
talk good fixed
wait_for grows bad 20
wait_for grows good 20

step "the one with the vulnerable build is cut off in the middle of its connection"
began=${EPOCHREALTIME/[.,]/}
expect_line "patch 1" ctl patch add --object "$TMP/vulnerable/libparse.so" --until-unmapped --note CVE-2022-3602
echo "acknowledged $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms after ctl-fw was started"
kill -USR1 "${PIDS[1]}"
wait_for grep -q '^sent' "$TMP/bad.log"
cut=$(awk '/^sent/ { print $2 }' "$TMP/bad.log") at=$(last good)
wait_for grows good $((at + 100))
# What was on its way when the patch was acknowledged has come by then, and nothing since.
expect_that "$(last bad)" -le "$cut" "the last line that came of the vulnerable one, which had sent $cut at the acknowledgement"
cut=$(last bad)
expect_line "patch      1: --file " ctl explain --pid "${PIDS[1]}" -d $SERVER4 -p tcp --dport 7001

step "who maps it is counted, also if it never sent a packet"
wait_for maps 1 1
mkfifo "$TMP/silent.in"
STDIN=$TMP/silent.in spawn client silent /usr/bin/python3 -c 'import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print("loaded", flush=True)
sys.stdin.readline()' "$TMP/vulnerable/libparse.so"
wait_for grep -q ^loaded "$TMP/silent.log"
wait_for maps 1 2
halt "$SPAWNED"
wait_for maps 1 1

step "the file is replaced, and still one has the old one mapped: it stays"
cp "$TMP/fixed/libparse.so" "$TMP/new.so"
mv "$TMP/new.so" "$TMP/vulnerable/libparse.so"
at=$(last good)
wait_for grows good $((at + 300)) # of 10 ms each: longer than the daemon's looks are apart
maps 1 1 || fail "it was lifted with one who maps it"
expect_that "$(last bad)" -eq "$cut" "the last line of the vulnerable one"

step "nobody has it mapped any more: it lifts itself, and what was cut off goes on"
unload bad
wait_for is_lifted 1
WAIT_S=$((40 * SLOW)) wait_for grows bad "$cut" # tried again less and less often
wait_for grep -q 'patch 1 is lifted' "$DAEMON_LOG"
grep -q '^patch 1 ' "$TMP/state/rules" && fail "it is still saved"

step "the file is the old one, and nobody maps it: it stays, also through a restart"
cp "$TMP/kept.so" "$TMP/again.so"
expect_line "patch 2" ctl patch add --object "$TMP/again.so" --until-unmapped --note CVE-2022-3602
kill_daemon
start_daemon client --state "$TMP/state"
at=$(last good)
wait_for grows good $((at + 300))
maps 2 0 || fail "it was lifted with the old file in its place"
rm "$TMP/again.so"
wait_for is_lifted 2

step "one that states no --until-unmapped stays"
expect_line "patch 3" ctl patch add --object "$TMP/kept.so" --note CVE-2022-3602
rm "$TMP/kept.so"
at=$(last good)
wait_for grows good $((at + 300))
maps 3 0 || fail "it was lifted"
