#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: rules match anonymous executable memory, of whatever kind, negated too, in deny and allow form, from the moment
# it is there until it is gone; it makes no set incomplete; `objects` and `explain` tell it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001
cat >"$TMP/jit.py" <<'END'
import ctypes, mmap, os, socket, sys
to = (sys.argv[1], int(sys.argv[2]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
READ, WRITE, EXEC = 1, 2, 4
SHARED, PRIVATE, ANONYMOUS = 1, 2, 32
at = None


def map_in(prot, flags, name=None):
    global at
    fd = os.open(name, os.O_RDONLY) if name else -1
    at = libc.mmap(None, 4096, prot, flags, fd, 0)
    if name:
        os.close(fd)


def protect(prot):
    if libc.mprotect(at, 4096, prot):
        sys.exit("mprotect")


def made(kind):
    if kind == "plain":
        map_in(READ | EXEC, PRIVATE | ANONYMOUS)
    elif kind == "protected":
        map_in(READ | WRITE, PRIVATE | ANONYMOUS)
        protect(READ | EXEC)
    elif kind == "zero":
        map_in(READ | EXEC, PRIVATE, "/dev/zero")
    elif kind == "written":
        map_in(READ | WRITE, PRIVATE, sys.executable)
        ctypes.memset(at, 0xc3, 1)
        protect(READ | EXEC)
    elif kind == "shared":
        map_in(READ | EXEC, SHARED | ANONYMOUS)
    elif kind == "file":
        map_in(READ | EXEC, PRIVATE, sys.executable)


def work(line):
    word, *rest = line.split()
    if word == "map":
        made(rest[0])
    elif word == "unmap":
        libc.munmap(at, 4096)
    elif word == "fork":
        if not os.fork():
            os.close(0)
            os.execv("/bin/sleep", ["sleep", "60"])
    elif word == "inherit":
        s.set_inheritable(True)
    else:
        s.sendto(word.encode(), to)
    print(line.strip(), flush=True)


print("connected", flush=True)
for line in sys.argv[3:] or sys.stdin:
    work(line)
os._exit(0)
END
PYTHON=$(readlink -f "$(command -v python3)")
OBJECT=$(digest python3)

# tell LINE: returns when it was done.
tell() {
	: >"$TMP/jit.log"
	echo "$1" >"$TMP/jit.in"
	wait_for grep -qx "$1" "$TMP/jit.log"
}

# passes, blocked LINE
passes() {
	tell "$1"
	wait_for received "$1"
}

blocked() {
	tell "$1"
	wait_for settled
	! received "$1" || fail "$1 arrived"
}

# only RULE...: in force, and no other.
only() {
	while ctl -D 0 -c OUTPUT >/dev/null 2>&1; do :; done
	expect_ok ctl -A -c OUTPUT "$@"
}

objects() {
	ctl objects "$JIT" --json | jq -e "$@" >/dev/null
}

# parts N: it has so many, and is known completely all the same.
parts() {
	# shellcheck disable=SC2016
	objects --argjson n "$1" '.complete and (.anonymous | length) == $n' || {
		ctl objects "$JIT"
		fail "not complete, or not $1 anonymous parts"
	}
}

explains() {
	expect_line "$1" ctl explain --pid "$JIT" -p udp -d $SERVER4 --dport $PORT
}

# dies_first LINE...: a process does that and ends before its packet is judged.
dies_first() {
	kill -STOP "$DAEMON"
	expect_ok on client "$PYTHON" "$TMP/jit.py" $SERVER4 $PORT "$@"
	kill -CONT "$DAEMON"
	wait_for settled
}

setup_net
receive server $PORT
divert client
start_daemon client
mkfifo "$TMP/jit.in"
STDIN=$TMP/jit.in spawn client jit "$PYTHON" -u "$TMP/jit.py" $SERVER4 $PORT
JIT=$SPAWNED
wait_for grep -qx connected "$TMP/jit.log"

for kind in plain protected zero written; do
	step "$kind: dropped while it has it"
	only -v DROP -p udp --anon-exec
	parts 0
	passes "drop/$kind/before"
	explains "no anonymous executable memory"
	tell "map $kind"
	blocked "drop/$kind/mapped"
	parts 1
	explains "matches"
	tell unmap
	passes "drop/$kind/unmapped"
done

for kind in shared file; do
	step "$kind: an object, which has a digest"
	tell "map $kind"
	parts 0
	passes "object/$kind"
	tell unmap
done

step "accepted only while it has it"
only -v DROP -p udp
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp --anon-exec
blocked accept/without
tell "map plain"
passes accept/with
step "accepted only while it has none"
only -v DROP -p udp
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp -! --anon-exec
blocked accept-not/with
tell unmap
passes accept-not/without
step "dropped unless it has it"
only -v DROP -p udp -! --anon-exec
blocked drop-not/without
tell "map plain"
passes drop-not/with

step "by two: any of them to drop, all of them to accept"
tell inherit
tell fork
only -v DROP -p udp --anon-exec
blocked two/drop
only -v DROP -p udp -! --anon-exec
blocked two/drop-not
only -v DROP -p udp
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp --anon-exec
blocked two/accept
only -v DROP -p udp
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp -! --anon-exec
blocked two/accept-not

step "it ends before it is judged"
only -v DROP -p udp
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -p udp --sng-hash "$OBJECT"
for kind in plain protected; do
	dies_first "map $kind" "dead/allowed/$kind"
	wait_for received "dead/allowed/$kind" # or else its set is incomplete
done
only -v DROP -p udp --anon-exec
for kind in plain protected written; do
	dies_first "map $kind" "dead/denied/$kind"
	! received "dead/denied/$kind" || fail "not matched"
done
dies_first "map file" dead/passes
wait_for received dead/passes

step "what is shown"
# shellcheck disable=SC2016
objects --arg path "$PYTHON" --arg hex "$OBJECT" --arg dev "$(stat -c %Hd:%Ld "$PYTHON")" --argjson ino "$(stat -c %i "$PYTHON")" '
	.exe == $path and (.aggregate | length) == 64 and
	([.objects[] | select(.path == $path)] | length == 1 and
		(.[0] | .sha256 == $hex and .device == $dev and .inode == $ino and (.since | fromdate) <= now + 1)) and
	(.anonymous[0] | .start | startswith("0x"))' || { ctl objects "$JIT" --json; fail "objects --json"; }
since=$(ctl objects "$JIT" --json | jq -r --arg path "$PYTHON" '.objects[] | select(.path == $path) .since')
for text in "$PYTHON" "$OBJECT" "$(stat -c %Hd:%Ld "$PYTHON")" "$(stat -c %i "$PYTHON")" "$since" "anonymous executable memory" 0x \
	"$(ctl objects "$JIT" --json | jq -r .aggregate)"; do
	expect_line "$text" ctl objects "$JIT"
done
expect_refused 2 "--anon-exec" ctl -A -c OUTPUT -v DROP --anon-exec --anon-exec
expect_line "--anon-exec" ctl -L
