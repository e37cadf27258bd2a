# SPDX-License-Identifier: GPL-2.0-or-later
"""refused.py tcp|udp ADDR PORT TEXT [TRIES]: connects and sends TEXT in one line, TRIES times (1). Prints what
became of it: "ok" when there was an answer, the name of an error, or "nothing" within 5 s; all of them, where tries
differ; and the median of the time that it took, in milliseconds and in microseconds."""
import errno
import socket
import statistics
import sys
import time

kind, addr, port, text = sys.argv[1:5]
family = socket.AF_INET6 if ":" in addr else socket.AF_INET


def attempt():
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
    return outcome, time.monotonic() - began


tries = [attempt() for _ in range(int(sys.argv[5]) if len(sys.argv) > 5 else 1)]
median = statistics.median(seconds for _, seconds in tries)
print("/".join(sorted({outcome for outcome, _ in tries})), round(median * 1000), "ms", round(median * 1e6), "us", flush=True)
