#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a mapping call that does not return, though what it maps is there to be executed already, neither lets its
# process pass as what it was before, nor hides what it has mapped.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/slowfs.sh
. $SCRIPTS/slowfs.sh

PORT=7001
FS=$TMP/fs
PYTHON=$(readlink -f "$(command -v python3)")
cat >"$TMP/mapper.py" <<'END'
import ctypes, os, socket, sys, threading
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fd = os.open(sys.argv[3], os.O_RDONLY)
libc = ctypes.CDLL(None)
READ_EXEC, PRIVATE_POPULATE = 5, 0x8002
print("connected", flush=True)
for line in sys.stdin:
    word = line.strip()
    if word == "map":
        threading.Thread(target=libc.mmap, args=(None, 1 << 16, READ_EXEC, PRIVATE_POPULATE, fd, 0), daemon=True).start()
    else:
        s.sendto(word.encode(), (sys.argv[1], int(sys.argv[2])))
    print(word, flush=True)
os._exit(0)
END

# tell LINE: returns when it was done.
tell() {
	: >"$TMP/mapper.log"
	echo "$1" >"$TMP/mapper.in"
	wait_for grep -qx "$1" "$TMP/mapper.log"
}

holds() {
	grep -qF "$1" "/proc/$SPAWNED/maps"
}

# knows DIGEST: the daemon, that it has that mapped.
# shellcheck disable=SC2016
knows() {
	ctl objects "$SPAWNED" --json | jq -e --arg hex "$1" 'any(.objects[]; .sha256 == $hex)'
}

knows_all() {
	knows "$1" && ctl objects "$SPAWNED" --json | jq -e .complete
}

start_mapper() {
	rm -f "$TMP/mapper.in"
	mkfifo "$TMP/mapper.in"
	: >"$TMP/mapper.log"
	STDIN=$TMP/mapper.in spawn client mapper "$PYTHON" "$TMP/mapper.py" $SERVER4 $PORT "$FS/evil"
	wait_for grep -qx connected "$TMP/mapper.log"
}

# decided DROPPED: more than DROPPED packets are dropped, and none is held.
decided() {
	counts_more dropped "$1" && settled
}

setup_net
receive server $PORT
mkdir "$TMP/files" "$FS"
head -c 65536 /dev/urandom >"$TMP/files/evil"
divert client
sed 's/^FOPEN_DIRECT_IO = 1$/FOPEN_DIRECT_IO = 0/' $SCRIPTS/slowfs.py >"$TMP/cachedfs.py"
mount_slowfs "$FS" "$TMP/files" "$TMP/cachedfs.py"
start_daemon client --pol-out DROP
expect_ok ctl -A -c OUTPUT -v ACCEPT -p udp -! --object "$TMP/files/evil"
EVIL=$(sha256sum "$TMP/files/evil" | cut -c -64)

step "before: what it is going to map is known, and it is accepted"
start_mapper
tell map
wait_for knows_all "$EVIL"
halt "$SPAWNED"
start_mapper
tell before
wait_for received before

step "allow: it is not what it was"
fs "hold read $SPAWNED"
tell map
wait_for holds "$FS/evil"
wait_for grep -qx held "$TMP/slowfs.log"
dropped=$(counter dropped)
tell allow
wait_for decided "$dropped"
! received allow || fail "accepted by what it had mapped before"
wait_for knows "$EVIL"

step "deny: what it has mapped is looked at"
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp
expect_ok ctl -I 0 -c OUTPUT -v DROP -p udp --object "$TMP/files/evil"
dropped=$(counter dropped)
tell deny
wait_for decided "$dropped"
! received deny || fail "a denied object was overlooked"

step "it returns: complete again"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -D 0 -c OUTPUT
fs "let go"
wait_for knows_all "$EVIL"
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp --object "$PYTHON"
tell after
wait_for received after
daemon_alive
