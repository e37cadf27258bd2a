# SPDX-License-Identifier: GPL-2.0-or-later
"""datagrams.py COUNT PER_SECOND ADDR PORT: sends so many UDP datagrams, evenly spread (0: as fast as they
go), from one socket, and prints "tried COUNT"."""
import socket
import sys
import time

count, rate = int(sys.argv[1]), int(sys.argv[2])
addr, port = sys.argv[3], int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((addr, port))
began = time.monotonic()
for i in range(count):
    if rate:
        time.sleep(max(0, began + i / rate - time.monotonic()))
    try:
        s.send(b"%d\n" % i)
    except OSError:
        pass
print("tried", count, flush=True)
