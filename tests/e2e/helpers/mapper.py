# SPDX-License-Identifier: GPL-2.0-or-later
"""mapper.py ADDR PORT: does what it is told on standard input, a line each, and prints the line when it is done:
map FILE, read FILE (mapped without being executable), protect on|off, move, unmap (each the last that was mapped), say TEXT
(a datagram), child TEXT (a child says it), exec (itself, anew). Exit 1 when something could not be done."""
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
