#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""talker.py ADDRESS PORT TAG LIBRARY: has the library mapped, and sends a line "TAG N" every 10 ms on one connection, N
counting from 0, for ever. When a line is written to its standard input it unloads the library and says so; on SIGUSR1 it
says "sent N", the next one's number."""

import _ctypes
import ctypes
import select
import signal
import socket
import sys
import time

address, port, tag, path = sys.argv[1:]
library = ctypes.CDLL(path)
peer = socket.create_connection((address, int(port)))
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
peer.setblocking(False)
print("connected", library.parse(1), flush=True)

n = 0
signal.signal(signal.SIGUSR1, lambda *_: print("sent", n, flush=True))
while True:
    try:
        peer.send(f"{tag} {n}\n".encode())
        n += 1
    except BlockingIOError:
        pass
    time.sleep(0.01)
    if library and select.select([sys.stdin], [], [], 0)[0] and sys.stdin.readline():
        _ctypes.dlclose(library._handle)
        library = None
        print("unloaded", flush=True)
