#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""echo.py ADDR PORT [PROTOCOL]: answers each who connects with what he says; 262 is MPTCP."""
import socket
import sys
import threading


def answer(conn):
    with conn:
        while data := conn.recv(4096):
            conn.sendall(data)


def main(addr, port, protocol="0"):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, int(protocol)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((addr, int(port)))
        listener.listen(16)
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


main(*sys.argv[1:])
