# SPDX-License-Identifier: GPL-2.0-or-later
"""heir.py ADDR PORT DENIED EVIL LIBRARY: as a program that is allowed, sends each datagram by a new socket, which
takes over what the one before it met. TEXT.blocked is what may not: by a socket that EVIL, a program, has too, to the
port DENIED, or with LIBRARY mapped. TEXT.passes may."""
import array
import ctypes
import os
import socket
import subprocess
import sys
import threading

addr, port, denied, evil, library = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]

# Takes descriptors and keeps them until it is told otherwise, or is one that it was born with.
KEEPER = """
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
s.send(b"up")
while s.recvmsg(16, 64)[0]:
    s.send(b"done")
"""


def new():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def send(s, text, to=port):
    try:
        s.sendto(text.encode() + b"\n", (addr, to))
    except PermissionError:  # what the filter table drops at once is told
        pass


def ask(s, text):
    """Waits for the answer: by then the kernel knows what such packets meet."""
    s.settimeout(20)
    send(s, text + " waits")
    s.recv(16)


def warm():
    for _ in range(4):
        with new() as s:
            ask(s, "warm.passes")


class Keeper:
    def __init__(self):
        self.ours, its = socket.socketpair()
        its.set_inheritable(True)
        self.process = subprocess.Popen([evil, "-c", KEEPER, str(its.fileno())], close_fds=False)
        its.close()
        assert self.ours.recv(16) == b"up"

    def give(self, s):
        self.ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
        assert self.ours.recv(16) == b"done"

    def end(self):
        self.process.kill()
        self.process.wait()


def many(text):
    for i in range(100):
        with new() as s:
            ask(s, f"{text}-{i}.passes")


os.sched_setaffinity(0, {0})
warm()
many("many")
s = new()
keeper = Keeper()
keeper.give(s)
warm()
send(s, "given.blocked")
keeper.end()
send(s, "given-back.passes")

s = new()
s.set_inheritable(True)
keeper = Keeper()
warm()
send(s, "forked.blocked")
keeper.end()
send(s, "forked-back.passes")

s = new()
other = s.dup()
warm()
send(s, "twice.passes")

warm()
with new() as s:
    send(s, "elsewhere.blocked", denied)

receiver = new()
receiver.bind(("127.0.0.1", 0))
thread = threading.Thread(target=receiver.recv, args=(1,))
thread.start()
warm()
many("threaded")
receiver.sendto(b"x", receiver.getsockname())
thread.join()

warm()
with new() as s:
    send(s, "before.passes")
ctypes.CDLL(library)
with new() as s:
    send(s, "mapped.blocked")
