#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what `ctl-fw -H` prints of the files that a process has mapped is what --agg-hash matches, in deny and allow
# form; it is equal for equal sets whatever the order they were loaded in, and another as soon as the set is.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001
cat >"$TMP/load.py" <<'END'
import ctypes, _ctypes, socket, sys
to = (sys.argv[1], int(sys.argv[2]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
loaded = {name: ctypes.CDLL(name) for name in sys.argv[3:]}
print("connected", flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "load":
        loaded[rest[0]] = ctypes.CDLL(rest[0])
    elif word == "unload":
        _ctypes.dlclose(loaded.pop(rest[0])._handle)
    else:
        s.sendto(word.encode(), to)
    print(line.strip(), flush=True)
END

declare -A PID_OF

# load WHO LIBRARY...: a process that has opened these, in that order.
load() {
	local who=$1
	shift
	mkfifo "$TMP/$who.in"
	STDIN=$TMP/$who.in spawn client "$who" /usr/bin/python3 "$TMP/load.py" $SERVER4 $PORT "$@"
	PID_OF[$who]=$SPAWNED
	wait_for grep -qx connected "$TMP/$who.log"
}

# tell WHO LINE: returns when it was done.
tell() {
	: >"$TMP/$1.log"
	echo "$2" >"$TMP/$1.in"
	wait_for grep -qx "$2" "$TMP/$1.log"
}

# passes, blocked WHO LINE
passes() {
	tell "$1" "$2.$1"
	wait_for received "$2.$1"
}

blocked() {
	tell "$1" "$2.$1"
	wait_for settled
	! received "$2.$1" || fail "$2.$1 arrived"
}

# mapped WHO: the files that it has mapped executable, in the order of their addresses.
mapped() {
	awk '$2 ~ /x/ && $6 ~ /^\// { print $6 }' "/proc/${PID_OF[$1]}/maps"
}

# printed WHO: what ctl-fw prints as the aggregate of these, one -H for each.
printed() {
	local args=() path
	for path in $(mapped "$1"); do
		args+=(-H "$path")
	done
	ctl "${args[@]}" --json | jq -er .aggregate
}

# known WHO: what the daemon says it is.
known() {
	ctl objects "${PID_OF[$1]}" --json | jq -er .aggregate
}

only() {
	while ctl -D 0 -c OUTPUT >/dev/null 2>&1; do :; done
	expect_ok ctl -A -c OUTPUT -p udp "$@"
}

setup_net
receive server $PORT
divert client
for i in 1 2 3; do
	copy_program "$(readlink -f /lib/x86_64-linux-gnu/libz.so.1)" "library-$i.so"
done
ONE=$TMP/library-1.so TWO=$TMP/library-2.so THREE=$TMP/library-3.so
start_daemon client
load forth "$ONE" "$TWO"
load back "$TWO" "$ONE"
load less "$ONE"

step "one aggregate, by whom ever it is told"
[[ $(mapped forth) != "$(mapped back)" ]] || fail "both were loaded in the same order"
AGGREGATE=$(printed forth)
mapped forth | grep -q /ld-linux || fail "no loader among $(mapped forth)"
[[ $(known forth) == "$AGGREGATE" ]] || fail "the daemon says $(known forth), ctl-fw $AGGREGATE"
[[ $(known back) == "$AGGREGATE" && $(printed back) == "$AGGREGATE" ]] || fail "another order, another aggregate"
[[ $(known less) != "$AGGREGATE" && $(known less) == "$(printed less)" ]] || fail "another set, the same aggregate"
expect_line "$AGGREGATE" ctl objects "${PID_OF[back]}"
mapfile -t files < <(mapped forth)
expect_line "$AGGREGATE" ctl -H "${files[@]}"

step "what it is made of: the raw digests in the byte order of the real paths"
by_hand=$(for path in "${files[@]}"; do readlink -f "$path"; done | sort -u | while read -r path; do
	sha256sum "$path" | cut -c -64
done | python3 -c 'import hashlib, sys; print(hashlib.sha256(bytes.fromhex(sys.stdin.read())).hexdigest())')
[[ $by_hand == "$AGGREGATE" ]] || fail "by hand it is $by_hand, not $AGGREGATE"

step "denied by it"
only -v DROP --agg-hash "$AGGREGATE"
blocked forth deny
blocked back deny
passes less deny
step "denied but by it"
only -v DROP -! --agg-hash "$AGGREGATE"
passes forth deny-not
passes back deny-not
blocked less deny-not

step "allowed by it"
only -v DROP
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp --agg-hash "$AGGREGATE"
passes forth allow
passes back allow
blocked less allow
step "one library more, and one less"
tell forth "load $THREE"
blocked forth allow-more
tell forth "unload $THREE"
passes forth allow-again
tell less "load $TWO"
passes less allow-now
expect_line "agg-hash $AGGREGATE" ctl -L
