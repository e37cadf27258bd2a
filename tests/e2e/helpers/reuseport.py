# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets that share a port (SO_REUSEPORT, socket(7)) and are given what comes in by a program."""
import ctypes
import socket
import struct

SO_ATTACH_REUSEPORT_CBPF = 51  # asm-generic/socket.h
BPF_RET_K = 6


def steer(s, index):
    """Has the kernel give all to the one of that index among them."""
    code = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RET_K, 0, 0, index))  # linux/filter.h
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, struct.pack("HP", 1, ctypes.addressof(code)))
