# SPDX-License-Identifier: GPL-2.0-or-later
"""half_open.py FROM[,FROM...] TO DPORT FIRST LAST: a SYN from each port from FIRST to LAST of each address, to a port of
TO, which nobody will follow up: the addresses are this namespace's own, and what answers there (a RST) has to be kept
from leaving. 64 of them at a time, so that queues have room. Prints "sent N"."""
import ipaddress
import socket
import struct
import sys
import time

AT_A_TIME = 64
PAUSE_S = 0.002
sources = [ipaddress.ip_address(a) for a in sys.argv[1].split(",")]
dst = ipaddress.ip_address(sys.argv[2])
dport, first, last = (int(a) for a in sys.argv[3:6])


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(src, sport):
    head = struct.pack("!HHIIBBHHH", sport, dport, sport * 65537, 0, 5 << 4, 2, 65535, 0, 0)
    total = checksum(src.packed + dst.packed + struct.pack("!HH", 6, len(head)) + head)
    return head[:16] + struct.pack("!H", total) + head[18:]


sent = 0
for src in sources:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.bind((str(src), 0))
        for sport in range(first, last + 1):
            raw.sendto(syn(src, sport), (str(dst), 0))
            sent += 1
            if sent % AT_A_TIME == 0:
                time.sleep(PAUSE_S)
print("sent", sent, flush=True)
