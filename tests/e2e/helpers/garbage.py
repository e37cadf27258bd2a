# SPDX-License-Identifier: GPL-2.0-or-later
"""garbage.py SOCKET: breaks the control protocol in every way its page forbids. Each time the daemon
must refuse or close this client in time, and answer another at once. Exit 1 with a line for each failure."""
import json
import os
import re
import socket
import struct
import sys
import time

MAGIC, VERSION = 0x57464341, 1
with open("common/wire.h", encoding="utf-8") as wire:
    ENUM = re.search(r"enum wire_command \{(.*?)\};", wire.read(), re.S).group(1)
NUMBER = {name: i for i, name in enumerate(re.findall(r"^\tWIRE_(\w+),", ENUM, re.M))}
APPEND, INSERT, DELETE, LIST, STATUS, STATS, OBJECTS, EXPLAIN = (
    NUMBER[name] for name in "APPEND INSERT DELETE LIST STATUS STATS OBJECTS EXPLAIN".split())
SETS, SET_ADD, SET_REMOVE, SET_REFRESH, SET_EXPECT = (
    NUMBER[name] for name in "SETS SET_ADD SET_REMOVE SET_REFRESH SET_EXPECT".split())
POLICY, RESTORE, MODE, CONFIRM, EVENTS, LEARN, SUGGEST, COUNT = (
    NUMBER[name] for name in "POLICY RESTORE MODE CONFIRM EVENTS LEARN SUGGEST COMMAND_COUNT".split())
LIMIT = 15  # seconds until a daemon that does not let go of a client has failed
failed = []


def header(command, length, magic=MAGIC, version=VERSION, status=0, reserved=0):
    return struct.pack("<IHHHHI", magic, version, command, status, reserved, length)


def message(command, value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return header(command, len(text)) + text


HEX = "a" * 64


def files(name, paths, package="", root="", grace=None):
    source = {"package": package, "root": root, "files": paths}
    return {"set": name, "grace_s": grace, "sources": [source]}


def connect(limit=LIMIT):
    """With a timeout, a full backlog is EAGAIN instead of a wait: so it is tried again."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(limit)
    end = time.monotonic() + limit
    while True:
        try:
            s.connect(sys.argv[1])
            return s
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def reply(s):
    """Status and payload of a reply; None when the daemon closed the connection."""
    try:
        magic, version, _, status, _, length = struct.unpack("<IHHHHI", read_exactly(s, 16))
        payload = json.loads(read_exactly(s, length))
    except (EOFError, ConnectionError):
        return None
    assert magic == MAGIC and version == VERSION
    return status, payload


def others_are_served(name):
    try:
        with connect(2) as s:
            s.sendall(message(STATUS, {}))
            answer = reply(s)
    except OSError as e:
        answer = e
    if not isinstance(answer, tuple) or answer[0] != 0:
        failed.append(f"{name}: another client got {answer}")


def must_refuse(name, data, half_close=True):
    """The reply is an error of one line, or the connection is closed; and nobody else notices."""
    with connect() as s:
        try:
            s.sendall(data)
            others_are_served(name)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            answer = reply(s)
        except socket.timeout:
            failed.append(f"{name}: no answer, not closed in {LIMIT} s")
            return
        except (BrokenPipeError, ConnectionResetError):
            answer = None
    if answer is None:
        print(f"{name}: closed")
        return
    status, payload = answer
    print(f"{name}: {status} {payload}")
    if status == 0 or not payload.get("error") or "\n" in payload["error"]:
        failed.append(f"{name}: status {status}, {payload}")


GOOD = "-c OUTPUT -v DROP"
EMPTY = "app-fw rules 2\nend\n"
CASES = [
    ("half a header", header(LIST, 2)[:8]),
    ("wrong magic", header(LIST, 2, magic=0x41414141) + b"{}"),
    ("another version", header(LIST, 2, version=2) + b"{}"),
    ("reserved not 0", header(LIST, 2, reserved=1) + b"{}"),
    ("unknown command", header(COUNT, 2) + b"{}"),
    ("command 65535", header(65535, 2) + b"{}"),
    ("too long", header(LIST, 262145)),
    ("a restore too long", header(RESTORE, (64 << 20) + 1)),
    ("4 GiB", header(LIST, 0xFFFFFFFF)),
    ("body cut short", header(APPEND, 100) + b'{"rule": "-c OUT'),
    ("no JSON", message(LIST, b"hello")),
    ("JSON cut short", message(APPEND, b'{"rule": "-c OUTPUT -v DROP"')),
    ("nothing", message(APPEND, b"")),
    ("two values", message(APPEND, b'{"rule": "%s"} {}' % GOOD.encode())),
    ("an array", message(APPEND, [GOOD])),
    ("no rule", message(APPEND, {})),
    ("a number for a rule", message(APPEND, {"rule": 7})),
    ("half a rule", message(APPEND, {"rule": "-c OUTPUT -v"})),
    ("an open quote", message(APPEND, {"rule": GOOD + ' --note "no end'})),
    ("a NUL in a rule", message(APPEND, {"rule": GOOD + "\0 --dport 80"})),
    ("a rule in two lines", message(APPEND, {"rule": GOOD + ' --note "one\ntwo"'})),
    ("bytes that are not UTF-8", message(APPEND, b'{"rule": "%s \xff\xfe"}' % GOOD.encode())),
    ("nested too deep", message(APPEND, b"[" * 60000)),
    ("an index that is text", message(INSERT, {"rule": GOOD, "index": "0"})),
    ("index -1", message(INSERT, {"rule": GOOD, "index": -1})),
    ("index 2^63", message(DELETE, b'{"chain": "OUTPUT", "index": 9223372036854775808}')),
    ("index 0.5", message(DELETE, {"chain": "OUTPUT", "index": 0.5})),
    ("no such chain", message(DELETE, {"chain": "NOSUCH", "index": 0})),
    ("list of no such chain", message(LIST, {"chain": 3})),
    ("pid 0", message(OBJECTS, {"pid": 0})),
    ("pid -1", message(OBJECTS, {"pid": -1})),
    ("no such set", message(SETS, {"set": "nosuch"})),
    ("a number for a set", message(SETS, {"set": 7})),
    ("a set without files", message(SET_ADD, {"set": "a"})),
    ("files that are none", message(SET_ADD, files("a", [7, [], ["/a"], {}]))),
    ("a file without its digest", message(SET_ADD, files("a", [["/a", "abc"]]))),
    ("a relative file", message(SET_ADD, files("a", [["a", HEX]]))),
    ("a line end in a path", message(SET_ADD, files("a", [["/a\nend 0", HEX]]))),
    ("half a character", message(SET_ADD, files("a", [["/" + "x" * 198 + "\u00e4\n", HEX]]))),
    ("a tab in a path", message(SET_ADD, files("a", [["/a\tb", HEX]]))),
    ("a set of no such name", message(SET_ADD, files("../a", [["/a", HEX]]))),
    ("a package of no such name", message(SET_ADD, files("a", [["/a", HEX]], package="-x"))),
    ("a root without a package", message(SET_ADD, files("a", [["/a", HEX]], root="/r"))),
    ("1025 files", message(SET_ADD, files("a", [[f"/{i}", HEX] for i in range(1025)]))),
    ("one file with two digests", message(SET_ADD, files("a", [["/a", HEX], ["/a", "b" * 64]]))),
    ("a refresh of no such set", message(SET_REFRESH, files("nosuch", [["/a", HEX]], grace=1))),
    ("a grace that is text", message(SET_REFRESH, files("nosuch", [["/a", HEX]], grace="1"))),
    ("a grace of -1", message(SET_REFRESH, files("nosuch", [["/a", HEX]], grace=-1))),
    ("a grace for ever", message(SET_REFRESH, files("nosuch", [["/a", HEX]], grace=2**62))),
    ("an expectation of no such set", message(SET_EXPECT, files("nosuch", [["/a", HEX]], grace=1))),
    ("removes no such set", message(SET_REMOVE, {"set": "nosuch"})),
    ("no policy", message(POLICY, {"chain": "OUTPUT"})),
    ("a policy that is none", message(POLICY, {"chain": "OUTPUT", "policy": "REJECT"})),
    ("a policy of no such chain", message(POLICY, {"chain": "output", "policy": "DROP"})),
    ("a restore of nothing", message(RESTORE, {})),
    ("a restore of a number", message(RESTORE, {"text": 7})),
    ("a restore of garbage", message(RESTORE, {"text": "x" * 200000})),
    ("a restore with a NUL", message(RESTORE, b'{"text": "app-fw rules 2\\u0000\\nend\\n"}')),
    ("a restore to be confirmed at once", message(RESTORE, {"text": EMPTY, "confirm_within_s": 0})),
    ("a restore to be confirmed some time", message(RESTORE, {"text": EMPTY, "confirm_within_s": 86401})),
    ("a restore to be confirmed in text", message(RESTORE, {"text": EMPTY, "confirm_within_s": "1"})),
    ("no mode", message(MODE, {})),
    ("a mode that is none", message(MODE, {"mode": "confirm"})),
    ("a number for a mode", message(MODE, {"mode": 1})),
    ("a mode to be confirmed in the past", message(MODE, {"mode": "monitor", "confirm_within_s": -1})),
    ("a confirmation of nothing", message(CONFIRM, {})),
    ("events after a word", message(EVENTS, {"after": "x"})),
    ("events after -1", message(EVENTS, {"after": -1})),
    ("nothing to learn", message(LEARN, {})),
    ("a number to learn", message(LEARN, {"learn": 1})),
    ("an end of no learning", message(LEARN, {"learn": False})),
    ("more of no learning", message(LEARN, {"learn": True, "resume": True})),
    ("a suggestion of nothing learned", message(SUGGEST, {})),
    ("a suggestion too wide", message(SUGGEST, {"wide": 65537})),
    ("a suggestion with a prefix in text", message(SUGGEST, {"prefix4": "24"})),
    ("a suggestion with half a prefix", message(SUGGEST, {"prefix6": 0.5})),
    ("a suggestion with a negative prefix", message(SUGGEST, {"prefix6": -1})),
    ("random bytes", os.urandom(4096)),
    ("zeros", bytes(65536)),
]

for case, data in CASES:
    must_refuse(case, data)
must_refuse("says nothing", b"", half_close=False)
must_refuse("half a header, and waits", header(LIST, 2)[:5], half_close=False)

# Many at once, all silent: the next one is served, or told at once that it is not.
crowd = [connect() for _ in range(60)]
others_are_served("60 silent clients")
for c in crowd:
    c.close()

# A client that asks and never reads.
with connect() as s:
    s.setblocking(False)
    try:
        for _ in range(20000):
            s.send(message(STATS, {}))
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    others_are_served("asks and never reads")

for line in failed:
    print("FAIL", line)
sys.exit(bool(failed))
