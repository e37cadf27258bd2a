# SPDX-License-Identifier: GPL-2.0-or-later
"""refused.py tcp|udp ADDR PORT TEXT: connects and sends TEXT in one line. Prints what became of it:
"ok" when there was an answer, the name of an error, or "nothing" within 5 s; and the milliseconds that
it took."""
import errno
import socket
import sys
import time

kind, addr, port, text = sys.argv[1:]
family = socket.AF_INET6 if ":" in addr else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(5)
began = time.monotonic()
try:
    s.connect((addr, int(port)))
    s.send(text.encode() + b"\n")
    outcome = "ok" if s.recv(64) else "end"
except socket.timeout:
    outcome = "nothing"
except OSError as e:
    outcome = errno.errorcode[e.errno]
print(outcome, round((time.monotonic() - began) * 1000), "ms", flush=True)
