# SPDX-License-Identifier: GPL-2.0-or-later
"""listener.py wait PORT [PROTOCOL] [INDEX]: listens at a port that others may have too (SO_REUSEPORT), for both IPs,
and accepts nobody; with INDEX it has the kernel give all to that one of them, with "cpu" asks for what comes in on a
processor that there is not. At each line of its orders it accepts all who wait, prints what each has said, and "done";
at "keep" it has them stay instead, at "hand PROGRAM" it answers each, and leaves it to that program alone.
listener.py call ADDR PORT TIMES CONNECT DELIVER: connects so often, one after the other, waits CONNECT seconds at most
for that, and DELIVER for what it says to have been acknowledged. Prints a line for each: its text, and "delivered",
"connected" or "none"; the connections that there are stay until it is ended.
listener.py meet ADDR PORT TIMES CONNECT: connects so often, and prints how many connections there are; when it is told
to, it says something by one of them."""
import fcntl
import socket
import struct
import subprocess
import sys
import termios
import time

from reuseport import steer

SO_INCOMING_CPU = 49


def hear(c):
    c.settimeout(0.1)
    try:
        text = c.recv(2048).decode(errors="replace")
    except TimeoutError:
        text = "nothing"
    print(text, flush=True)
    c.close()


def hand(c, program):
    c.sendall(b"welcome")
    keeps = [program, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    child = subprocess.Popen(keeps, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[c.fileno()])
    child.stdout.readline()
    c.close()
    return child


def accept_all(s, order, kept):
    while True:
        try:
            c, _ = s.accept()
        except BlockingIOError:
            break
        if order == "keep":
            kept.append(c)
        elif order.startswith("hand "):
            kept.append(hand(c, order.split()[1]))
        else:
            hear(c)
    print("done", flush=True)


def wait(port, protocol="0", index=None):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, int(protocol))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("", int(port)))
    s.listen(64)
    s.setblocking(False)
    if index == "cpu":
        s.setsockopt(socket.SOL_SOCKET, SO_INCOMING_CPU, 4095)
    elif index is not None:
        steer(s, int(index))
    print("listening", flush=True)
    kept = []
    for order in sys.stdin:
        accept_all(s, order.strip(), kept)


def acknowledged(s, seconds):
    end = time.monotonic() + seconds
    left = bytearray(4)
    while time.monotonic() < end:
        fcntl.ioctl(s, termios.TIOCOUTQ, left)
        if left == bytes(4):
            return True
        time.sleep(0.01)
    return False


def connected(addr, port, seconds):
    s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(float(seconds))
    # Whatever has not arrived when it ends is not sent again.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        s.connect((addr, int(port)))
    except OSError:
        return None
    return s


def meet(addr, port, times, connect):
    kept = [s for s in (connected(addr, port, connect) for _ in range(int(times))) if s]
    print(len(kept), flush=True)
    if sys.stdin.readline() and kept:
        kept[0].sendall(b"hello")
    sys.stdin.read()


def call(addr, port, times, connect, deliver):
    kept = []
    for i in range(int(times)):
        text = f"{addr}-{i}"
        s = connected(addr, port, connect)
        if not s:
            print(text, "none", flush=True)
            continue
        kept.append(s)
        s.sendall(text.encode())
        print(text, "delivered" if acknowledged(s, float(deliver)) else "connected", flush=True)
    print("called", flush=True)
    sys.stdin.read()


{"wait": wait, "call": call, "meet": meet}[sys.argv[1]](*sys.argv[2:])
