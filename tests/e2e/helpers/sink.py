# SPDX-License-Identifier: GPL-2.0-or-later
"""sink.py PORT DIR: a TCP and UDP server on every IPv4 and IPv6 address. What each connection brings is in a file of
DIR, byte for byte as it comes, named by the client's port: an empty PORT.end beside it tells that the client has
ended. Each request of HTTP is answered. A datagram is a file as well, named udp-PORT."""
import os
import socket
import sys
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
port, folder = int(sys.argv[1]), sys.argv[2]


def serve(conn, peer):
    path = os.path.join(folder, str(peer[1]))
    answered = 0
    seen = b""
    with conn, open(path, "wb", buffering=0) as f:
        while True:
            try:
                data = conn.recv(65536)
            except OSError:
                break
            if not data:
                break
            f.write(data)
            seen = (seen + data)[-1 << 20:]
            requests = seen.count(b"\r\n\r\n")
            try:
                conn.sendall(ANSWER * max(0, requests - answered))
            except OSError:
                break
            answered = max(answered, requests)
    open(path + ".end", "w").close()


def take_datagrams(sock):
    while True:
        data, peer = sock.recvfrom(65536)
        with open(os.path.join(folder, f"udp-{peer[1]}.new"), "wb") as f:
            f.write(data)
        os.rename(f.name, f.name[:-4])


def bound(kind):
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::", port))
    return sock


tcp = bound(socket.SOCK_STREAM)
tcp.listen(128)
threading.Thread(target=take_datagrams, args=(bound(socket.SOCK_DGRAM),), daemon=True).start()
print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=tcp.accept(), daemon=True).start()
