#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: thousands of mappings, hundreds of new programs in a second, files that cannot be read, shrink or have 4 GB, and
# a /proc that hides processes: bounded memory and time, a counted reason, and a bystander is judged all the while.
# timeout: 240
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/slowfs.sh
. $SCRIPTS/slowfs.sh

PORT=7001
STALL_MS=1500 # less than a packet may be held, and far less than it takes to hash 4 GB
PAUSES=3 # and beside it so many times the longest pause that the machine made in whom nobody guards
PYTHON=$(readlink -f "$(command -v python3)")
FS=$TMP/fs

# Asks again and again; at the end of its input it tells how often, and how long it waited at worst.
cat >"$TMP/bystander.py" <<'END'
import select, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
asked = worst = 0
print("connected", flush=True)
while not select.select([0], [], [], 0.01)[0]:
    began = time.monotonic()
    s.send(b"bystander\n")
    if not select.select([s], [], [], 10)[0]:
        sys.exit("no answer")
    s.recv(100)
    asked += 1
    worst = max(worst, time.monotonic() - began)
print("asked", asked, "worst", int(worst * 1000), flush=True)
END

# Maps, as it is told: "map FILE N" executable, N times; what else it is told it sends.
cat >"$TMP/mapper.py" <<'END'
import mmap, os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
maps = []
print("connected", flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "map":
        with open(rest[0], "rb") as f:
            maps += [mmap.mmap(f.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC) for _ in range(int(rest[1]))]
    elif word == "none":
        maps.clear()
    else:
        s.sendto(word.encode(), (sys.argv[1], int(sys.argv[2])))
    print(line.strip(), flush=True)
END

# bystand: from now on; stood: until now it was judged without a pause.
bystand() {
	bystand_in client bystander
	bystand_in server unguarded
}

bystand_in() {
	rm -f "$TMP/$2.in"
	mkfifo "$TMP/$2.in"
	: >"$TMP/$2.log"
	STDIN=$TMP/$2.in spawn "$1" "$2" "$PYTHON" "$TMP/bystander.py" $SERVER4 $PORT
	wait_for grep -qx connected "$TMP/$2.log"
}

stood() {
	local asked worst pause
	echo >"$TMP/bystander.in"
	wait_for grep -q '^asked' "$TMP/bystander.log"
	echo >"$TMP/unguarded.in"
	wait_for grep -q '^asked' "$TMP/unguarded.log"
	read -r _ asked _ worst < <(grep '^asked' "$TMP/bystander.log")
	read -r _ _ _ pause < <(grep '^asked' "$TMP/unguarded.log")
	expect_that "$asked" -ge 10 "answers to the bystander"
	expect_that "$worst" -le $((STALL_MS + PAUSES * pause)) "ms that it waited at worst ($pause where nobody judges)"
}

# keep WHO PROGRAM ARG...: it reads lines.
keep() {
	local who=$1
	shift
	rm -f "$TMP/$who.in"
	mkfifo "$TMP/$who.in"
	: >"$TMP/$who.log"
	STDIN=$TMP/$who.in spawn client "$who" "$@"
	wait_for grep -qx connected "$TMP/$who.log"
}

# tell WHO LINE: returns when it was done.
tell() {
	: >"$TMP/$1.log"
	echo "$2" >"$TMP/$1.in"
	wait_for grep -qx "$2" "$TMP/$1.log"
}

# say WHO LINE: without waiting; says: again, until it arrives.
say() {
	echo "$2" >"$TMP/$1.in"
}

says() {
	say "$1" "$2"
	received "$2"
}

objects_known() {
	ctl status --json | jq .objects
}

# decided N DROPPED: N datagrams of the army arrived or were dropped; DROPPED had been before.
decided() {
	[[ $(($(seen_by_rule server army) + $(counter dropped) - $2)) -ge $1 ]]
}

memory() {
	awk -v k="^$1:" '$0 ~ k { print $2 }' "/proc/$DAEMON/status"
}

complete() {
	ctl objects "$1" --json | jq -e .complete >/dev/null
}

allow() {
	expect_ok ctl -I 0 -c OUTPUT -v ACCEPT "$@"
}

setup_net
receive server $PORT
count_rule server -p udp --dport 7002 -m comment --comment army
divert client
start_daemon client --pol-out DROP
allow --object "$PYTHON"
bystand

step "5,000 mappings of 300 files"
mkdir "$TMP/files"
for ((i = 0; i < 300; i++)); do
	echo "file $i" >"$TMP/files/$i"
	truncate -s 4096 "$TMP/files/$i"
done
keep mapper "$PYTHON" "$TMP/mapper.py" $SERVER4 $PORT
MAPPER=$SPAWNED
hashed=$(counter hashed)
for ((i = 0; i < 300; i++)); do
	echo "map $TMP/files/$i 17"
done >"$TMP/mapper.in"
wait_for grep -qx "map $TMP/files/299 17" "$TMP/mapper.log"
tell mapper many/first
wait_for received many/first
wait_for complete "$MAPPER"
expect_that "$(ctl objects "$MAPPER" --json | jq '.objects | length')" -ge 301 "objects of it"
expect_that $(($(counter hashed) - hashed)) -ge 300 "objects hashed"
expect_that "$(counter maps_cut)" -eq 0 "scans cut short"
expect_ok ctl -I 0 -c OUTPUT -v DROP --object "$TMP/files/299"
tell mapper many/denied
wait_for settled
! received many/denied || fail "a denied object among many was overlooked"
expect_ok ctl -D 0 -c OUTPUT

step "9,000: more than are looked at"
tell mapper "map $TMP/files/0 4000"
tell mapper many/cut
wait_for settled
! received many/cut || fail "accepted, though not all that it has mapped was looked at"
expect_that "$(counter maps_cut)" -ge 1 "scans cut short"
! complete "$MAPPER" || fail "called complete"
tell mapper none
wait_for says mapper many/again

step "500 new programs in a second, a datagram each"
mkdir "$TMP/army"
programs=()
for ((i = 0; i < 500; i++)); do
	copy_program "$HELPERS/army" "army/$i"
	programs+=("$TMP/army/$i")
done
libc=$(ldd "$HELPERS/army" | awk '/libc\./ { print $3 }')
allow --object "$libc"
known=$(objects_known) hashed=$(counter hashed) dropped=$(counter dropped)
began=${EPOCHREALTIME/[.,]/}
on client "$HELPERS/army" 500 $SERVER4 7002 army "${programs[@]}" </dev/null >"$TMP/out" || fail "the army"
echo "$(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms for all of them"
wait_for decided 500 "$dropped"
[[ -n ${SAN:-} ]] || expect_that "$(seen_by_rule server army)" -ge 450 "datagrams that did not have to wait too long for their digests"
# Those of datagrams that were decided without are still to come.
wait_for counts_more hashed $((hashed + 499))
# In this order: an object that comes in between is one more to be known.
hashed=$(($(counter hashed) - hashed)) known=$(($(objects_known) - known))
expect_that $hashed -ge 500 "objects hashed"
expect_that $hashed -le $known "objects hashed, none of them twice: other programs that start here meanwhile are new as well"
expect_ok ctl -D 0 -c OUTPUT

step "a program of 4 GB"
copy_program "$HELPERS/talk" huge
truncate -s 4G "$TMP/huge"
allow --object "$TMP/huge"
peak=$(memory VmHWM)
keep huge "$TMP/huge" -u -k $SERVER4 $PORT
WAIT_S=$((40 * SLOW)) wait_for says huge huge/accepted
expect_that $(($(memory VmHWM) - peak)) -le $((${SAN:+10}8192)) "growth of the daemon's peak memory in kB"

step "a file that shrinks while it is hashed"
failed=$(counter hash_failed)
truncate -s 8G "$TMP/shrinking"
tell mapper "map $TMP/shrinking 1"
say mapper shrinks/meanwhile
wait_for grep -qx shrinks/meanwhile "$TMP/mapper.log"
truncate -s 4096 "$TMP/shrinking"
wait_for counts_more hash_failed "$failed"
wait_for grep -q "inode $(stat -c %i "$TMP/shrinking") of device .* cannot be hashed: Stale file handle" "$DAEMON_LOG"
wait_for says mapper shrinks/later
wait_for complete "$MAPPER"

step "a file that cannot be read"
mkdir "$TMP/remote" "$FS"
copy_program "$HELPERS/talk" remote/unreadable
mount_slowfs "$FS" "$TMP/remote"
wait_for 	allow --object "$TMP/remote/unreadable"
fs "refuse read $DAEMON"
failed=$(counter hash_failed)
keep unreadable "$FS/unreadable" -u -k $SERVER4 $PORT
say unreadable unreadable/early
wait_for counts_more hash_failed "$failed"
wait_for grep -q "cannot be hashed: Input/output error" "$DAEMON_LOG"
expect_line "Input/output error" ctl objects "$SPAWNED"
wait_for settled
! received unreadable/early || fail "accepted by a digest that cannot be known"
fs "let go"
wait_for says unreadable unreadable/late
stood

step "a /proc that hides processes: the daemon is root, and sees all"
stop_daemon TERM
launch_daemon client unshare --mount bash -c 'mount -t proc -o hidepid=invisible proc /proc && exec "$@"' - \
	"$BIN/app-fw" --socket "$APP_FW_SOCKET" --no-state --pol-out DROP
grep -q 'hidepid=invisible' "/proc/$DAEMON/mounts" || fail "it is not hidden from it"
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
allow --object "$TMP/good"
expect_ok on client "$TMP/good" -w 20000 $SERVER4 $PORT hidden/good
expect_fail on client "$TMP/evil" -w 200 $SERVER4 $PORT hidden/evil
! received hidden/evil || fail "evil got through"
daemon_alive
