# SPDX-License-Identifier: GPL-2.0-or-later
"""journal.py SOCKET: stands for systemd-journald: takes datagrams of its native protocol at SOCKET, and
prints each as one line of JSON."""
import json
import socket
import sys


def fields(data):
    """KEY=VALUE and a line feed; or KEY, a line feed, 8 bytes of length, VALUE and a line feed."""
    found = {}
    while data:
        line, _, rest = data.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(rest[:8], "little")
            value, rest = rest[8:8 + length], rest[9 + length:]
        found[key.decode()] = value.decode()
        data = rest
    return found


s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(json.dumps(fields(s.recv(1 << 20))), flush=True)
