#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a packet that is sent while a child of the sender ends, and has not closed its descriptors yet, is of known origin:
# of both, for the child holds the socket too. A process that ends for longer than it closes its descriptors holds none of
# what others open then.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001
TIMES=200
SENDER=$HELPERS/parting

parting() {
	on client "$SENDER" $SERVER4 $PORT "$1" $TIMES
}

arrived() {
	grep -cF -- "$1" "$TMP/receive.log" || true
}

all_arrived() {
	(($(arrived parting/) - before == TIMES))
}

# EVIL GOOD ADDR PORT TIMES: EVIL has a socket as descriptor 50, and ends; but as the first process of a PID namespace it
# is not at its end before all others of that are reaped. Meanwhile GOOD, of the same parent and on the same processor,
# sends by so many others, each as descriptor 50: one of them has the struct file that was EVIL's.
cat >"$TMP/lingers.py" <<'END'
import ctypes, os, signal, sys
evil, good, address, port, times = sys.argv[1:]
CLONE_NEWPID = 0x20000000

def start(program, text):
    at = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(at[0], 0)
        os.execv(program, [program, "-c", "import os, socket, sys\n" + text, address, port, times])
    return pid, at[1]

def state(pid):
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sends, go = start(good, """
os.read(0, 1)
for i in range(int(sys.argv[3])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    os.dup2(s.fileno(), 50)
    s.close()
    s = socket.socket(fileno=50)
    s.sendto(f"lingers/{i}".encode(), (sys.argv[1], int(sys.argv[2])))
    os.dup2(s.detach(), 100 + i)
""")
if ctypes.CDLL(None).unshare(CLONE_NEWPID):
    sys.exit("unshare")
told, tell = os.pipe()
os.set_inheritable(tell, True)
ends, end = start(evil, f"""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
os.dup2(s.detach(), 50)
os.write({tell}, b"x")
os.read(0, 1)
os._exit(0)
""")
os.close(tell)
if not os.read(told, 1):
    sys.exit("no socket")
stays = os.fork()
if not stays:
    signal.pause()
os.write(end, b"x")
while state(stays) != "Z": # killed by the end of the first, which waits for it
    os.sched_yield()
os.write(go, b"x")
if os.waitpid(sends, 0)[1] or state(ends) == "Z":
    sys.exit("not as it was meant")
os.waitpid(stays, 0)
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
	parting $descriptors
	wait_for all_arrived
done
expect_that "$(counter notes_unproven)" -eq 0 "packets of whom it was not proven who sent them"

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
