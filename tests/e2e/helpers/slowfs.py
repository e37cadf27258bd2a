# SPDX-License-Identifier: GPL-2.0-or-later
"""slowfs.py MOUNTPOINT DIR: the files of DIR in a FUSE file system that does not answer everybody. It takes lines:
"hold open PID", "hold read PID" and "hold flush PID", which is at close(2): from now on that call of that process is left
waiting; "hold inside PID": what it reads of a file past its first page; "refuse read PID": it fails with EIO; "let go":
all are answered, and nothing is held or refused any more.
It prints "mounted", "done: LINE" when it has done so, and "held" for each request that waits."""
import ctypes
import errno
import os
import select
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 18, 25, 26, 36, 42
HELD_CALLS = {"open": OPEN, "read": READ, "inside": READ, "flush": FLUSH}
FOPEN_DIRECT_IO = 1
FOR_EVER = 1 << 30

mountpoint, folder = sys.argv[1:3]
names = sorted(os.listdir(folder))
fuse = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"slowfs", mountpoint.encode(), b"fuse", 0,
              f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()):
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
hold = None
held = []


def path_of(node):
    return folder if node == 1 else os.path.join(folder, names[node - 2])


def attributes(node):
    s = os.stat(path_of(node))
    mode = stat.S_IFDIR | 0o755 if node == 1 else s.st_mode
    return struct.pack("<6Q10I", node, s.st_size, 0, 0, 0, int(s.st_ctime), 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(unique, payload=b"", error=0):
    os.write(fuse, struct.pack("<IiQ", 16 + len(payload), -error, unique) + payload)


def serve(opcode, unique, node, body):
    if opcode == INIT:
        answer(unique, struct.pack("<4I2H2I2H2I6I", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0, 0, *[0] * 6))
    elif opcode == LOOKUP:
        name = body.rstrip(b"\0").decode()
        if node != 1 or name not in names:
            return answer(unique, error=errno.ENOENT)
        child = names.index(name) + 2
        answer(unique, struct.pack("<4Q2I", child, 0, FOR_EVER, FOR_EVER, 0, 0) + attributes(child))
    elif opcode == GETATTR:
        answer(unique, struct.pack("<Q2I", FOR_EVER, 0, 0) + attributes(node))
    elif opcode == OPEN:
        answer(unique, struct.pack("<Q2I", 0, FOPEN_DIRECT_IO, 0))
    elif opcode == READ:
        _, offset, size = struct.unpack_from("<2QI", body)
        with open(path_of(node), "rb") as f:
            f.seek(offset)
            answer(unique, f.read(size))
    elif opcode in (RELEASE, FLUSH):
        answer(unique)
    elif opcode not in (FORGET, BATCH_FORGET):
        answer(unique, error=errno.ENOSYS)


def on_interrupt(unique):
    for request in [r for r in held if r[1] == unique]:
        held.remove(request)
        answer(unique, error=errno.EINTR)


def is_meant(opcode, pid, body):
    if not hold or opcode != HELD_CALLS[hold[1]] or not os.path.exists(f"/proc/{hold[2]}/task/{pid}"):
        return False
    return hold[1] != "inside" or struct.unpack_from("<2Q", body)[1] >= 4096


def on_request():
    data = os.read(fuse, 1 << 18)
    _, opcode, unique, node, _, _, pid, _ = struct.unpack_from("<2I2Q4I", data)
    request = (opcode, unique, node, data[40:])
    if opcode == INTERRUPT:
        return on_interrupt(*struct.unpack_from("<Q", data, 40))
    if is_meant(opcode, pid, request[3]):
        if hold[0] == "refuse":
            return answer(unique, error=errno.EIO)
        held.append(request)
        print("held", flush=True)
    else:
        serve(*request)


def on_line(line):
    global hold
    if line.startswith(("hold ", "refuse ")):
        hold = line.split()
    elif line == "let go":
        hold = None
        while held:
            serve(*held.pop())


print("mounted", flush=True)
while True:
    for ready in select.select([fuse, 0], [], [])[0]:
        if ready == fuse:
            on_request()
        else:
            for text in os.read(0, 4096).decode().splitlines():
                on_line(text)
                print(f"done: {text}", flush=True)
