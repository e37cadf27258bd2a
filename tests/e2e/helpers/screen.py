# SPDX-License-Identifier: GPL-2.0-or-later
"""screen.py ROWS COLUMNS FRAMES END CMD...: runs CMD on a terminal of that size until it has shown FRAMES
pages, then ends it: by END, which is "key", "signal" or "wait" (it is to end by itself). Prints the last
page, then its exit status. It is a failure (exit 1) when a page does not fit, when the other screen is not
entered and left, or when the terminal is not as it was."""
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import fcntl

ENTER, LEAVE, TOP = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[H"
rows, columns, frames = (int(word) for word in sys.argv[1:4])
end, command = sys.argv[4], sys.argv[5:]


def fail(why):
    print("screen:", why)
    sys.exit(1)


master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
before = termios.tcgetattr(slave)
child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
out, told, limit = b"", False, time.monotonic() + 30
while child.poll() is None or select.select([master], [], [], 0)[0]:
    if time.monotonic() > limit:
        child.kill()
        fail("it does not end")
    if select.select([master], [], [], 0.05)[0]:
        out += os.read(master, 65536)
    if not told and out.count(TOP) > frames:
        told = True
        if end == "key":
            os.write(master, b"q")
        elif end == "signal":
            child.send_signal(signal.SIGINT)
        else:
            print("shown", flush=True)
if termios.tcgetattr(slave) != before:
    fail("the terminal is not as it was")
if out.count(ENTER) != 1 or out.count(LEAVE) != 1 or out.index(ENTER) > out.index(LEAVE):
    fail("the other screen is not entered once and left once")
shown, after = out[out.index(ENTER):].split(LEAVE)
for page in shown.split(TOP)[1:]:
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", page).decode().replace("\r", "")
    lines = text.split("\n")
    if len(lines) > rows or max(map(len, lines)) > columns:
        fail("a page of %d lines, the longest of %d" % (len(lines), max(map(len, lines))))
print(text)
print(after.decode().replace("\r", ""), end="")
print("status", child.returncode)
