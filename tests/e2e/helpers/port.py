# SPDX-License-Identifier: GPL-2.0-or-later
"""port.py hear 4|6|46 addr|port PORT [INDEX]: takes datagrams by one socket, at a port that others may have too
(SO_REUSEADDR, SO_REUSEPORT), also those to GROUP4 or GROUP6, and prints each; with INDEX it has the kernel give all to
that one of them.
port.py say ADDR PORT TEXT [FROM]: sends one; from that port, which others may have too.
port.py ask ADDR PORT TEXT: sends one and waits for an answer."""
import socket
import struct
import sys

from reuseport import steer

GROUP4, GROUP6 = "239.1.2.3", "ff02::1:2:3"
DEVICE = "veth0"


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def share(s, how):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR if how == "addr" else socket.SO_REUSEPORT, 1)


def hear(version, how, port, index=None):
    s = socket.socket(socket.AF_INET if version == "4" else socket.AF_INET6, socket.SOCK_DGRAM)
    share(s, how)
    device = socket.if_nametoindex(DEVICE)
    if "4" in version:
        s.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP4) + struct.pack("@II", 0, device)
        )
    if "6" in version:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, version == "6")
        s.setsockopt(
            socket.IPPROTO_IPV6,
            socket.IPV6_JOIN_GROUP,
            socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("@I", device),
        )
    s.bind(("", int(port)))
    if index is not None:
        steer(s, int(index))
    print("listening", flush=True)
    while True:
        print(s.recv(2048).decode(errors="replace"), flush=True)


def say(addr, port, text, sender=None):
    s = socket.socket(family(addr), socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, DEVICE.encode())
    if sender is not None:
        share(s, "port")
        s.bind(("", int(sender)))
    s.sendto(text.encode(), (addr, int(port)))
    return s


def ask(addr, port, text):
    s = say(addr, port, text)
    s.settimeout(10)
    s.recv(2048)


{"hear": hear, "say": say, "ask": ask}[sys.argv[1]](*sys.argv[2:])
