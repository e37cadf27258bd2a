#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a packet that is sent while a child of the sender ends, and has not closed its descriptors yet, is of known origin:
# of both, for the child holds the socket too. A process that is longer at its end holds none of what others open then,
# neither after it has closed its descriptors nor while it is at it. That the daemon looks at all processes is no matter.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/slowfs.sh
. $SCRIPTS/slowfs.sh

PORT=7001
TIMES=200 OFTEN=3000
SENDER=$HELPERS/parting

# parting DESCRIPTORS TIMES
parting() {
	on client "$SENDER" $SERVER4 $PORT "$1" "$2"
}

arrived() {
	grep -cF -- "$1" "$TMP/receive.log" || true
}

# all_arrived TIMES: since there were $before.
all_arrived() {
	(($(arrived parting/) - before == $1))
}

# ADDR PORT: sends what the daemon cannot tell whose it is before it has looked at all processes: each time a message
# with the socket in it is under way, to nobody.
cat >"$TMP/riddles.py" <<'END'
import os, socket, sys, time
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
while True:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        socket.send_fds(a, [b"x"], [s.fileno()])
        s.sendto(b"riddle", (sys.argv[1], int(sys.argv[2])))
    for fd in socket.recv_fds(b, 1, 1)[1]:
        os.close(fd)
    time.sleep(0.001)
END

scanned_often() {
	(($(counter rescan) > rescans + 20))
}

# EVIL GOOD ADDR PORT TIMES [FILE CONTROL LOG]: EVIL has a socket as descriptor 50, and ends. Meanwhile GOOD, of the same
# parent and on the same processor, sends by so many others, each as descriptor 50, which a child of his has too: one of
# them has the struct file that was EVIL's. EVIL is not at its end before that: it is the first process of a PID
# namespace, of which all others are to be reaped first; or it is at closing FILE, on the slow file system that is told
# through CONTROL and says what it does in LOG, and has closed what it had of a socket that its parent closes then.
cat >"$TMP/lingers.py" <<'END'
import ctypes, os, signal, socket, sys
evil, good, address, port, times = sys.argv[1:6]
CLONE_NEWPID = 0x20000000
told, tell = os.pipe()
os.set_inheritable(tell, True)

def start(program, text):
    at = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(at[0], 0)
        os.execv(program, [program, "-c", "import os, signal, socket, sys\n" + text, address, port, times])
    return pid, at[1]

def start_evil(text):
    ends, end = start(evil, f"{text}\nos.write({tell}, b'x')\nos.read(0, 1)\nos._exit(0)")
    if os.read(told, 1) != b"x":
        sys.exit("no socket")
    return ends, end

def state(pid):
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]

def waits_for_another():
    if ctypes.CDLL(None).unshare(CLONE_NEWPID):
        sys.exit("unshare")
    ends, end = start_evil("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nos.dup2(s.detach(), 50)")
    stays = os.fork()
    if not stays:
        signal.pause()
    os.write(end, b"x")
    while state(stays) != "Z": # killed by the end of the first, which waits for it
        os.sched_yield()
    yield ends
    os.waitpid(stays, 0)

def waits_for_a_file(file, control, log):
    def says(line):
        return line in open(log).read().splitlines()

    def tell_fs(line):
        with open(control, "w") as f:
            print(line, file=f)
        while not says(f"done: {line}"):
            os.sched_yield()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        os.dup2(s.fileno(), 50)
    ends, end = start_evil(f"f = os.open({file!r}, os.O_RDONLY)\nos.dup2(f, 51)\nos.close(f)")
    tell_fs(f"hold flush {ends}")
    os.write(end, b"x")
    while not says("held"):
        os.sched_yield()
    os.close(50)
    yield ends
    tell_fs("let go")

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sends, go = start(good, """
os.read(0, 1)
for i in range(int(sys.argv[3])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    os.dup2(s.fileno(), 50)
    s.close()
    s = socket.socket(fileno=50)
    child = os.fork() # a holder who is to be looked for
    if not child:
        os.read(0, 1)
        os._exit(0)
    s.sendto(f"lingers/{i}".encode(), (sys.argv[1], int(sys.argv[2])))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.dup2(s.detach(), 100 + i)
""")
lingering = waits_for_a_file(*sys.argv[6:]) if sys.argv[6:] else waits_for_another()
ends = next(lingering)
os.write(go, b"x")
if os.waitpid(sends, 0)[1] or state(ends) == "Z":
    sys.exit("not as it was meant")
next(lingering, None)
os.waitpid(ends, 0)
END

setup_net
receive server $PORT
divert client
start_daemon client --pol-out DROP
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$SENDER"

for descriptors in 0 300 3000; do
	step "$descriptors descriptors to close before"
	before=$(arrived parting/)
	parting $descriptors $TIMES
	wait_for all_arrived $TIMES
done
expect_that "$(counter notes_unproven)" -eq 0 "packets of whom it was not proven who sent them"

step "and all processes are looked at meanwhile, again and again"
before=$(arrived parting/)
rescans=$(counter rescan)
spawn client riddles python3 "$TMP/riddles.py" $SERVER4 $PORT
riddles=$SPAWNED
wait_for scanned_often
parting 0 $OFTEN
wait_for all_arrived $OFTEN
halt "$riddles"

step "one that ended has closed what another has now"
stop_daemon TERM
python=$(readlink -f "$(command -v python3)")
copy_program "$python" good
copy_program "$python" evil
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok on client "$python" "$TMP/lingers.py" "$TMP/evil" "$TMP/good" $SERVER4 $PORT $TIMES
wait_for settled
expect_that "$(arrived lingers/)" -eq $TIMES "datagrams of good that arrived"

step "one that is closing his descriptors has closed what another has now"
mkdir "$TMP/files" "$TMP/fs"
: >"$TMP/files/slow"
mount_slowfs "$TMP/fs" "$TMP/files"
expect_ok on client "$python" "$TMP/lingers.py" "$TMP/evil" "$TMP/good" $SERVER4 $PORT $TIMES \
	"$TMP/fs/slow" "$TMP/fs.in" "$TMP/slowfs.log"
wait_for settled
expect_that "$(arrived lingers/)" -eq $((2 * TIMES)) "datagrams of good that arrived"
