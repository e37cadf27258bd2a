# SPDX-License-Identifier: GPL-2.0-or-later
"""lingers.py EVIL GOOD ADDR PORT TIMES [FILE CONTROL LOG]: EVIL has a socket as descriptor 50, and ends. Meanwhile
GOOD, of the same parent and on the same processor, sends by so many others "lingers/N", each as descriptor 50, which a
child of his has too: one of them has the struct file that was EVIL's. EVIL is not at its end before that: it is the
first process of a PID namespace, of which all others are to be reaped first; or it is at closing FILE, on the file
system of slowfs.py, which is told through CONTROL and says what it does in LOG, and has closed what it had of a socket
that its parent closes then. Without FILE this program sends by a socket that EVIL has too: "shared/before" it ends and
"shared/after"."""
import ctypes
import os
import signal
import socket
import sys

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
    shared = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    shared.set_inheritable(True)
    if ctypes.CDLL(None).unshare(CLONE_NEWPID):
        sys.exit("unshare")
    ends, end = start_evil("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nos.dup2(s.detach(), 50)")
    shared.sendto(b"shared/before", (address, int(port)))
    stays = os.fork()
    if not stays:
        signal.pause()
    os.write(end, b"x")
    while state(stays) != "Z":  # killed by the end of the first, which waits for it
        os.sched_yield()
    shared.sendto(b"shared/after", (address, int(port)))
    shared.close()
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
