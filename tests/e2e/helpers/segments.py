# SPDX-License-Identifier: GPL-2.0-or-later
"""segments.py DEVICE FROM TO DPORT SPORT PLAN TEXT: a TCP or UDP client that makes its own segments, at an address
that no kernel answers for. Prints "acknowledged" if the other side has acknowledged all that was sent, else "lost".

PLAN says how TEXT travels: whole, split:N (two segments, the first of N bytes), bytes (one a segment), backwards
(the same, the last one first), shuffled, twice (each segment repeated), first (junk for a part of it, then the right
bytes for the same place, while a gap keeps both from being read), last (the right ones, then junk), fragments
(IP fragments), after:N (behind N bytes of filler), bad-checksum (junk with a wrong checksum, then the right bytes),
udp, udp-fragments."""
import ipaddress
import random
import select
import socket
import struct
import sys
import time

device, src, dst, dport, sport, plan, text = sys.argv[1:8]
src, dst, dport, sport = ipaddress.ip_address(src), ipaddress.ip_address(dst), int(dport), int(sport)
text = text.encode().decode("unicode_escape").encode("latin-1")
plan, _, number = plan.partition(":")
number = int(number or 0)
FIN, SYN, RST, ACK = 1, 2, 4, 16
MSS = 1200


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_of(path):
    return bytes.fromhex(path.replace(":", ""))


with open(f"/sys/class/net/{device}/address") as f:
    own_mac = mac_of(f.read().strip())
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
link.bind((device, 0))
peer_mac = mac_of(sys.argv[8])


def frame(payload, kind):
    return peer_mac + own_mac + struct.pack("!H", kind) + payload


ident = random.randrange(1, 1 << 16)


def ip4(data, proto, offset, more, number):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), number, (0x2000 if more else 0) | offset // 8, 64,
                       proto, 0, src.packed, dst.packed)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return frame(head + data, 0x0800)


def ip6(data, proto, offset, more, number):
    fragment = b""
    if more or offset:
        fragment = struct.pack("!BBHI", proto, 0, offset | (1 if more else 0), number)
        proto = 44
    head = struct.pack("!IHBB16s16s", 6 << 28, len(fragment) + len(data), proto, 64, src.packed, dst.packed)
    return frame(head + fragment + data, 0x86DD)


def send_ip(data, proto, size=None):
    """In fragments of so many bytes, or whole."""
    global ident
    ident = ident % 65535 + 1
    make = ip4 if src.version == 4 else ip6
    if not size:
        link.send(make(data, proto, 0, False, ident))
        return
    for at in range(0, len(data), size):
        link.send(make(data[at:at + size], proto, at, at + size < len(data), ident))


def pseudo(length, proto):
    return src.packed + dst.packed + struct.pack("!II", length, proto)


def segment(seq, ack, flags, data=b"", size=None, wrong=0):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq % (1 << 32), ack, 5 << 4, flags, 65535, 0, 0)
    total = checksum(pseudo(len(head) + len(data), 6) + head + data)
    head = head[:16] + struct.pack("!H", (total + wrong) & 0xFFFF) + head[18:]
    send_ip(head + data, 6, size)


def receive(limit):
    """(seq, ack, flags, length) of the next segment for us; None after so many seconds."""
    end = time.monotonic() + limit
    while (left := end - time.monotonic()) > 0:
        if not select.select([link], [], [], left)[0]:
            return None
        data = link.recv(65536)[14:]
        if src.version == 4:
            if len(data) < 40 or data[0] >> 4 != 4 or data[9] != 6 or data[16:20] != src.packed:
                continue
            length = struct.unpack("!H", data[2:4])[0]
            tcp = data[(data[0] & 15) * 4:length]
        else:
            if len(data) < 60 or data[0] >> 4 != 6 or data[6] != 6 or data[24:40] != src.packed:
                continue
            tcp = data[40:40 + struct.unpack("!H", data[4:6])[0]]
        if struct.unpack("!HH", tcp[:4]) != (dport, sport):
            continue
        seq, ack = struct.unpack("!II", tcp[4:12])
        return seq, ack, tcp[13], len(tcp) - (tcp[12] >> 4) * 4
    return None


def pieces():
    """[(offset, bytes, options)] in the order of sending."""
    n = len(text)
    if plan == "split":
        return [(0, text[:number]), (number, text[number:])]
    if plan in ("bytes", "backwards", "shuffled", "twice"):
        parts = [(i, text[i:i + 1]) for i in range(n)]
        if plan == "backwards":
            parts.reverse()
        elif plan == "shuffled":
            random.Random(7).shuffle(parts)
        elif plan == "twice":
            parts = [p for part in parts for p in (part, part)]
        return parts
    half, junk = n // 2, bytes(c ^ 1 for c in text[n // 2:])
    if plan == "first":
        return [(half, junk), (half, text[half:]), (0, text[:half])]
    if plan == "last":
        return [(half, text[half:]), (half, junk), (0, text[:half])]
    if plan == "after":
        whole = b"." * number + text
        return [(i, whole[i:i + MSS]) for i in range(0, len(whole), MSS)]
    return [(0, text)]


def talk():
    start = random.randrange(1 << 32)
    segment(start, 0, SYN)
    while True:
        got = receive(3)
        if not got:
            return "no answer"
        if got[2] & (SYN | ACK) == SYN | ACK:
            break
    ack = (got[0] + 1) % (1 << 32)
    segment(start + 1, ack, ACK)
    parts = pieces()
    end = max(offset + len(data) for offset, data in parts)
    acked = 0

    def take(limit):
        nonlocal acked, ack
        got = receive(limit)
        if not got:
            return False
        if got[2] & RST:
            raise ConnectionResetError
        acked = max(acked, (got[1] - start - 1) % (1 << 32) if got[2] & ACK else 0)
        ack = (got[0] + got[3]) % (1 << 32) if got[3] else ack
        return True

    try:
        if plan == "bad-checksum":
            segment(start + 1, ack, ACK, bytes(c ^ 1 for c in text), wrong=1)
        for i, (offset, data) in enumerate(parts):
            segment(start + 1 + offset, ack, ACK | 8, data, 8 if plan == "fragments" else None)
            while offset - acked > 30 * MSS and take(1):
                pass
        # What is lost is sent again, as a sender would.
        for _ in range(3):
            while acked < end and take(0.3):
                pass
            if acked >= end:
                break
            for offset, data in parts:
                if acked - len(data) < offset < acked + 4 * MSS and plan not in ("first", "last"):
                    segment(start + 1 + offset, ack, ACK | 8, data)
    except ConnectionResetError:
        return "reset"
    segment(start + 1 + end, ack, ACK | FIN)
    take(0.2)
    segment(start + 2 + end, ack, RST | ACK)
    return "acknowledged" if acked >= end else "lost"


if plan.startswith("udp"):
    head = struct.pack("!HHHH", sport, dport, 8 + len(text), 0)
    total = checksum(pseudo(8 + len(text), 17) + head + text) or 0xFFFF
    send_ip(head[:6] + struct.pack("!H", total) + text, 17, 8 if plan == "udp-fragments" else None)
    print("sent")
else:
    print(talk())
