#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what counts is what a process has mapped executable at the moment: by mmap, mprotect, mremap, munmap, fork and
# exec; with --retain-maps, what it has had since its exec. A program is hashed before its first packet waits for it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=$(readlink -f /usr/bin/python3)
cat >"$TMP/mapper.py" <<'END'
import ctypes, os, socket, sys
READ, EXEC, PRIVATE, MAYMOVE, FIXED = 1, 4, 2, 1, 2
SIZE = 8192
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.mremap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
NONE = ctypes.c_void_p(-1).value
at = None


def must(done):
    if not done:
        sys.exit(os.strerror(ctypes.get_errno()))


def map_in(name, prot):
    global at
    fd = os.open(name, os.O_RDONLY)
    at = libc.mmap(None, SIZE, prot, PRIVATE, fd, 0)
    os.close(fd)
    must(at != NONE)


def move():
    global at
    free = libc.mmap(None, SIZE, 0, PRIVATE | 32, -1, 0)
    at = libc.mremap(at, SIZE, SIZE, MAYMOVE | FIXED, free)
    must(at == free)


def say(text):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(text.encode(), (sys.argv[1], int(sys.argv[2])))
    s.close()


for line in sys.stdin:
    word, *rest = line.split()
    if word == "map":
        map_in(rest[0], READ | EXEC)
    elif word == "read":
        map_in(rest[0], READ)
    elif word == "protect":
        must(not libc.mprotect(at, SIZE, READ | EXEC if rest[0] == "on" else READ))
    elif word == "move":
        move()
    elif word == "unmap":
        must(not libc.munmap(at, SIZE))
    elif word == "say":
        say(rest[0])
    elif word == "child":
        if not os.fork():
            say(rest[0])
            os._exit(0)
        os.wait()
    print(line.strip(), flush=True)
    if word == "exec":
        os.execv(sys.executable, [sys.executable, *sys.argv])
END

# mapper: a new one, that is told what to do.
mapper() {
	[[ -z ${MAPPER:-} ]] || { exec 8>&-; halt "$MAPPER"; }
	rm -f "$TMP/mapper.in" "$TMP/mapper.log"
	mkfifo "$TMP/mapper.in"
	STDIN=$TMP/mapper.in spawn client mapper "$PYTHON" "$TMP/mapper.py" $SERVER4 7001
	MAPPER=$SPAWNED
	exec 8>"$TMP/mapper.in"
}

did() {
	[[ $(grep -cxF -- "$1" "$TMP/mapper.log") -eq $2 ]]
}

# tell LINE...: each is done when this returns.
tell() {
	local line before
	for line; do
		before=$(grep -cxF -- "$line" "$TMP/mapper.log" || true)
		echo "$line" >&8
		wait_for did "$line" $((before + 1))
	done
}

# passes TEXT, cut TEXT: what the mapper says arrives, or does not.
passes() {
	tell "say $1"
	wait_for received "$1"
}

cut() {
	tell "say $1"
	wait_for settled
	! received "$1" || fail "what should be blocked has arrived: $1"
}

setup_net
receive server 7001
math=$(ldd /usr/bin/python3 | awk '/libm\./ { print $3 }')
copy_program "$math" evil.so
copy_program "$HELPERS/talk" fresh
evil=$TMP/evil.so
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$evil"
mapper

step "mmap and munmap"
passes mmap/before
tell "map $evil"
cut mmap/mapped
tell unmap
passes mmap/unmapped

step "mprotect"
tell "read $evil"
passes mprotect/readable
tell "protect on"
cut mprotect/executable
tell "protect off"
passes mprotect/not-any-more
tell unmap

step "mremap"
tell "map $evil" move
cut mremap/moved
tell unmap
passes mremap/unmapped

step "fork and exec"
tell "map $evil" "child fork/child"
wait_for settled
! received fork/child || fail "a child does not have what its parent has mapped"
tell exec
passes exec/after

step "as it was before is not looked at again"
before=$(counter scan_maps)
for i in 1 2 3 4 5; do passes "cached/$i"; done
expect_that $(($(counter scan_maps) - before)) -le 3 "scans of mappings for five packets of a process that maps nothing"

step "hashed ahead"
hashed=$(counter hashed)
mkfifo "$TMP/fresh.in"
STDIN=$TMP/fresh.in spawn client fresh "$TMP/fresh" -u -k $SERVER4 7001
wait_for grep -qx connected "$TMP/fresh.log"
wait_for counts_more hashed "$hashed"
held=$(counter held)
echo first/packet >"$TMP/fresh.in"
wait_for received first/packet
expect_that "$(counter held)" -eq "$held" "packets that waited, with those of a program that is new"

step "retained"
stop_daemon TERM
start_daemon client --retain-maps
expect_ok ctl -A -c OUTPUT -v DROP --object "$evil"
mapper
passes retain/before
tell "map $evil"
cut retain/mapped
tell unmap
cut retain/unmapped
tell exec
passes retain/another-program
exec 8>&-
