# SPDX-License-Identifier: GPL-2.0-or-later
"""receive.py [-a WORD] PORT...: takes lines by TCP and UDP on these ports, over IPv4 and IPv6; prints
"tcp PORT LINE" or "udp PORT LINE" for each and answers "ok"; with -a, only to what has WORD: who does
not read the answers would end a TCP connection by a RST. A TCP connection is "tcp PORT +"."""
import contextlib
import selectors
import socket
import sys

SO_RCVBUFFORCE = 33  # socket(7); Python has no name for it
sel = selectors.DefaultSelector()


def bound(kind, port):
    s = socket.socket(socket.AF_INET6, kind)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_DGRAM:
        with contextlib.suppress(PermissionError):  # not everybody may
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)  # nobody sends a datagram again
    s.bind(("::", port))
    return s


def note(proto, port, text):
    print(proto, port, text, flush=True)


def on_datagram(s, port):
    data, peer = s.recvfrom(65536)
    note("udp", port, data.decode(errors="replace").strip())
    if answered in data:
        s.sendto(b"ok\n", peer)


def on_connection(s, port):
    c, _ = s.accept()
    note("tcp", port, "+")
    sel.register(c, selectors.EVENT_READ, (on_line, port))


def on_line(c, port):
    try:
        data = c.recv(65536)
    except OSError:
        data = b""
    if not data:
        sel.unregister(c)
        c.close()
        return
    for line in data.decode(errors="replace").splitlines():
        note("tcp", port, line)
    if answered not in data:
        return
    try:
        c.sendall(b"ok\n")
    except OSError:
        pass  # who sent it has gone: the next recv says so


ports = sys.argv[1:]
answered = b""
if ports[0] == "-a":
    answered = ports[1].encode()
    ports = ports[2:]
for p in map(int, ports):
    tcp = bound(socket.SOCK_STREAM, p)
    tcp.listen(1024)
    sel.register(tcp, selectors.EVENT_READ, (on_connection, p))
    sel.register(bound(socket.SOCK_DGRAM, p), selectors.EVENT_READ, (on_datagram, p))
print("listening", flush=True)
while True:
    for key, _ in sel.select():
        fn, p = key.data
        fn(key.fileobj, p)
