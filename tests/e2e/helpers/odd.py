# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets out of the ordinary, each known by a tag in its IP header (IPv4 identification, IPv6 flow label).

odd.py list                  one line each: NAME, and "drop" or "pass": what a rule that drops UDP to
                             port 7777 must do with it
odd.py send SRC4 DST4 SRC6 DST6   sends each once
odd.py watch DEV             prints the name of each that comes in, and "echo reply" for an answer to ping
"""
import socket
import struct
import sys

PORT = 7777
OTHER = 7778
TAG = 0xA000
UDP, TCP, ICMP, ICMP6, AH, NONE = 17, 6, 1, 58, 51, 59
HOP, ROUTING, FRAGMENT, DSTOPTS = 0, 43, 44, 60
PAD = bytes([1, 4, 0, 0, 0, 0])  # a PadN option of 6 bytes: fills an options header of 8


def udp(dport=PORT, body=b"odd packet", length=None):
    return struct.pack("!HHHH", 4000, dport, 8 + len(body) if length is None else length, 0) + body


def tcp(doff=5, size=20):
    return struct.pack("!HHIIBBHHH", 4000, PORT, 1, 0, doff << 4, 2, 1024, 0, 0)[:size]


def unreachable(kind, code):
    """An ICMP error about a datagram that nobody sent."""
    inner = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, UDP, 0, b"\x0a\xc8\0\2", b"\x0a\xc8\0\1")
    return struct.pack("!BBHI", kind, code, 0, 0) + inner + udp(body=b"")


def ext(nxt, body=PAD):
    """An options or routing header: next header, length in 8 bytes past the first 8, body."""
    return bytes([nxt, (len(body) + 2) // 8 - 1]) + body


def frag(nxt, offset, more):
    return struct.pack("!BBHI", nxt, 0, offset << 3 | more, 7)


# IPv4: name, protocol, options, fragment field, payload, verdict of the rule on UDP port 7777.
# A header field that can't be known satisfies a DROP rule; a known other protocol or port does not.
MF = 0x2000
V4 = [
    ("v4-udp", UDP, b"", 0, udp(), "drop"),
    ("v4-udp-other-port", UDP, b"", 0, udp(OTHER), "pass"),
    ("v4-udp-header-of-0", UDP, b"", 0, b"", "drop"),
    ("v4-udp-header-of-3", UDP, b"", 0, udp()[:3], "drop"),
    ("v4-udp-length-too-long", UDP, b"", 0, udp(length=60000), "drop"),
    ("v4-udp-length-too-short", UDP, b"", 0, udp(length=3), "drop"),
    ("v4-options-nop", UDP, b"\1\1\1\0", 0, udp(), "drop"),
    ("v4-options-record-route", UDP, b"\7\x27\4" + bytes(36) + b"\0", 0, udp(), "drop"),
    ("v4-options-other-port", UDP, b"\1\1\1\0", 0, udp(OTHER), "pass"),
    ("v4-first-fragment", UDP, b"", MF, udp(body=bytes(16)), "drop"),
    ("v4-later-fragment", UDP, b"", 3, bytes(24), "drop"),
    ("v4-later-fragment-poses", UDP, b"", MF | 3, udp(OTHER, bytes(16)), "drop"),
    ("v4-tcp-header-of-0", TCP, b"", 0, b"", "pass"),
    ("v4-tcp-header-of-13", TCP, b"", 0, tcp(size=13), "pass"),
    ("v4-tcp-offset-too-short", TCP, b"", 0, tcp(doff=2), "pass"),
    ("v4-tcp-offset-too-long", TCP, b"", 0, tcp(doff=15), "pass"),
    ("v4-icmp-header-of-2", ICMP, b"", 0, b"\x08\0", "pass"),
    ("v4-icmp-error", ICMP, b"", 0, unreachable(3, 3), "pass"),
    ("v4-protocol-253", 253, b"", 0, udp(), "pass"),
]

# IPv6: name, first next header, payload, verdict.
V6 = [
    ("v6-udp", UDP, udp(), "drop"),
    ("v6-udp-other-port", UDP, udp(OTHER), "pass"),
    ("v6-udp-header-of-0", UDP, b"", "drop"),
    ("v6-udp-header-of-3", UDP, udp()[:3], "drop"),
    ("v6-hop-by-hop", HOP, ext(UDP) + udp(), "drop"),
    ("v6-hop-by-hop-other-port", HOP, ext(UDP) + udp(OTHER), "pass"),
    ("v6-destination-options-x3", DSTOPTS, ext(DSTOPTS) + ext(DSTOPTS) + ext(UDP) + udp(), "drop"),
    ("v6-destination-options-x40", DSTOPTS, ext(DSTOPTS) * 39 + ext(UDP) + udp(), "drop"),
    ("v6-routing", ROUTING, ext(UDP, bytes([4, 0, 0, 0, 0, 0])) + udp(), "drop"),
    ("v6-authentication", AH, struct.pack("!BBHII", UDP, 4, 0, 1, 1) + bytes(12) + udp(), "drop"),
    ("v6-atomic-fragment", FRAGMENT, frag(UDP, 0, 0) + udp(), "drop"),
    ("v6-first-fragment", FRAGMENT, frag(UDP, 0, 1) + udp(body=bytes(16)), "drop"),
    ("v6-later-fragment", FRAGMENT, frag(UDP, 3, 0) + bytes(24), "drop"),
    ("v6-later-fragment-poses", FRAGMENT, frag(UDP, 3, 1) + udp(OTHER, bytes(16)), "drop"),
    ("v6-options-cut-short", DSTOPTS, bytes([UDP, 31]) + PAD, "drop"),
    ("v6-options-header-of-1", DSTOPTS, bytes([UDP]), "drop"),
    ("v6-no-next-header", NONE, udp(), "pass"),
    ("v6-tcp-header-of-13", TCP, tcp(size=13), "pass"),
    ("v6-icmp-error", ICMP6, unreachable(1, 4), "pass"),
    ("v6-protocol-253", 253, udp(), "pass"),
]


def ipv4(tag, proto, options, frag_field, payload, src, dst):
    ihl = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, 0, ihl * 4 + len(payload), tag, frag_field, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head + options + payload


def ipv6(tag, nxt, payload, src, dst):
    return struct.pack("!IHBB16s16s", 6 << 28 | tag, len(payload), nxt, 64,
                       socket.inet_pton(socket.AF_INET6, src), socket.inet_pton(socket.AF_INET6, dst)) + payload


def send(src4, dst4, src6, dst6):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s4, \
         socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as s6:
        for i, row in enumerate(V4):
            s4.sendto(ipv4(TAG + i, *row[1:5], src4, dst4), (dst4, 0))
        for i, row in enumerate(V6):
            s6.sendto(ipv6(TAG + i, *row[1:3], src6, dst6), (dst6, 0))


def name_of(frame):
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == 0x0800 and frame[23] == ICMP and frame[34] == 0:
        return "echo reply"
    if kind == 0x0800:
        tag, table = struct.unpack("!H", frame[18:20])[0], V4
    elif kind == 0x86DD:
        tag, table = struct.unpack("!I", frame[14:18])[0] & 0xFFFFF, V6
    else:
        return None
    return table[tag - TAG][0] if 0 <= tag - TAG < len(table) else None


def watch(dev):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((dev, 0))
    print("listening", flush=True)
    while True:
        frame, where = s.recvfrom(65536)
        name = name_of(frame) if where[2] != socket.PACKET_OUTGOING else None
        if name:
            print(name, flush=True)


def show():
    for row in V4 + V6:
        print(row[0], row[-1])


{"list": show, "send": send, "watch": watch}[sys.argv[1]](*sys.argv[2:])
