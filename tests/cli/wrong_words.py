#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""wrong_words.py CTL_FW APP_FW: takes command lines that are right, and makes each word of them wrong in turn, in
every way that is known for its kind. Each such line must be refused by one printable line that has the word in it
and says what was expected; a line that ends too early, or has a word twice, as well. Nothing is asked of a daemon,
and none is started. Prints a test a line of the lists below."""

import re
import subprocess
import sys

HEX = "0123456789abcdef" * 4
LONG = "x" * 300

# The wrong words of each kind. A word of a line is WORD@KIND; without a kind it is an option or a command.
WRONG = {
    "chain": ["nosuch", "output", "OUTPUT,", "", LONG],
    "verdict": ["nosuch", "drop", "", "MARK", "MARK=", "MARK=0xg", "MARK=0x1/", "REJECT/1", LONG],
    "policy": ["nosuch", "accept", "", "REJECT", "KILL", "MARK=0x1"],
    "address": ["nosuch", "", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "1.2.3.4/-1", "::/129", ":::", "1.2.3.4:80", LONG],
    "protocol": ["nosuch", "", "TCP", "256", "-1", "6 "],
    "ports": ["nosuch", "", "65536", "-1", ":", "1:", ":1", "2:1", "1-2", "1:2:3"],
    "namespace": ["net:[0]", "net:[]", "net:[x]", "net:[1", "net:[1]x"],
    "digest": ["nosuch", "", HEX[1:], HEX + "0", HEX[:63] + "g"],
    "set": ["", "a/b", ".a", "a b", "x" * 33],
    "origin": ["nosuch", "", "Known"],
    "ids": ["nosuch", "root", "", "-1", "4294967296", ":", "2:1", "1-2"],
    "name": ["", "x" * 16, "a\x01", "a\nb"],
    "cgroup": ["", "nosuch", "/a/", "/a//b", "/" + "x" * 191],
    "container": ["", "nosuch", "0123456789a", "0" * 65, "0123456789AB"],
    "time": ["", "nosuch", "90s", "+90", "+1y", "+3651d", "2026-13-01T00:00:00Z", "2026-12-31"],
    "note": ["x" * 129, "a\x1b[2J", "a\nb", b"a\xff"],
    "index": ["", "nosuch", "-1", "01", "4294967296"],
    "pid": ["", "nosuch", "0", "-1", "2147483648"],
    "verb": ["", "nosuch", "Add"],
    "mode": ["", "nosuch", "Enforce"],
    "grace": ["", "nosuch", "10", "8d", "-1s", "1y"],
    "within": ["", "nosuch", "10", "0s", "2d", "-1s"],
    "package": ["", "no such", "Nosuch", "nosuch:"],
    "file": ["", "/nosuch", "/"],
    "directory": ["/nosuch"],
    "queue": ["", "nosuch", "65536", "-1", "1-", "2-1", "0-64", "1:2"],
    "count": ["", "nosuch", "0", "1025", "-1"],
    "wait": ["", "nosuch", "1000001", "-1"],
    "number": ["", "nosuch", "4294967296", "-1"],
    "endpoint": ["", "nosuch", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:9090", "[::1]", ":9090"],
    "frames": ["", "nosuch", "0", "-1"],
    "bits": ["", "nosuch", "129", "-1"],
    "wide": ["", "nosuch", "65537", "-1"],
    "bytes": ["", "nosuch", "4095", "1099511627777"],
    "kept": ["", "nosuch", "1000", "-1"],
    "absolute": ["", "nosuch", "/a\x01", "/" + "x" * 1024],
    "sid": ["", "nosuch", "0", "4294967296", "-1"],
    "payload": ["", "x" * 256, "a\x1b", b"a\xff"],
    "chains": ["", "nosuch", "INPUT,", "INPUT,nosuch"],
    "failmode": ["", "nosuch", "Open"],
    "matchwords": ["", "-j DROP", "-p tcp -t raw", "-p \"tcp"],
    "any": [],
}

# What the reason may be where a file is looked for: errno(3) says it.
NOT_THERE = r"expected|No such file|Is a directory|Not a directory|not supported"
FILES = ("file", "directory")

# Options and commands that are none.
STRANGE_OPTIONS = ["--nosuch", "-x", "--", "--" + LONG]
STRANGE_WORDS = ["nosuch", "", "Status", LONG]

CTL_LINES = f"""
-A -c OUTPUT@chain -v DROP@verdict -s 10.0.0.0/8@address -d 192.0.2.1@address -p tcp@protocol --sport 1:9@ports --dport 443@ports
-A -c INPUT@chain -v MARK=0x1/0xf@verdict -! -n net:[4026531840]@namespace --anon-exec --monitor --note hello@note
-A -c FORWARD@chain -v KILL@verdict --sng-hash {HEX}@digest -! --agg-hash {HEX}@digest --set web@set
-A -c OUTPUT@chain -v REJECT@verdict --object /bin/true@file --script /bin/true@file --json
-A -c OUTPUT@chain -v DROP@verdict --origin known@origin --uid 0:9@ids --gid 5@ids --comm cat@name
-A -c OUTPUT@chain -v DROP@verdict --cgroup /a/b@cgroup --container 0123456789ab@container --expires +1h@time
-I 0@index -c OUTPUT@chain -v ACCEPT@verdict -n /proc/self/ns/net@file --expires 2099-12-31T23:59:59Z@time
-D 7@index -c OUTPUT@chain
-L -c OUTPUT@chain
-H /bin/true@file
status
stats --json
doctor
objects 1@pid
explain --pid 1@pid -c INPUT@chain -d 192.0.2.1@address -p tcp@protocol --dport 443@ports
policy OUTPUT@chain DROP@policy
set add@verb web@set /bin/true@file
set add@verb web@set --dpkg dpkg@package --root /@directory
set rm@verb web@set
set list@verb web@set
set refresh@verb web@set --grace 1h@grace
set expect@verb a.deb@any --root /@directory --grace 0s@grace
save /nosuch/file@any
restore /dev/null@file --confirm-within 60s@within
mode enforce@mode --confirm-within 60s@within
mode confirm@mode
events -f
top --frames 1@frames
learn start@verb --resume
learn stop@verb
patch add@verb --cidr 10.0.0.0/8@address --port 80:90@ports -p tcp@protocol --expires +24h@time --note hello@note
patch add@verb --sng-hash {HEX}@digest --file /a@absolute --until-unmapped --monitor --note hello@note
patch add@verb -c INPUT@chain --pattern x@payload --note hello@note
patch add@verb --object /bin/true@file --pcre x@payload --note hello@note
patch add@verb --sid 1@sid --note hello@note
patch rm@verb 7@any
patch list@verb
sig load@verb builtin:all@any --limit app_set:web;@any --skip-unsupported
sig list@verb
sig test@verb builtin:all@any --pcap tests/cli/request.pcap@any --skip-unsupported
sig rm@verb 1@sid
hook install@verb -c OUTPUT@chain --only tcp@matchwords --fail closed@failmode
learn suggest@verb /nosuch/file@any --prefix4 24@bits --prefix6 128@bits --wide 16@wide
"""

APP_LINES = """
-e /nosuch@any --queue-out 0-3@queue --queue-in 4@queue --queue-fwd 5@queue --pin
--pol-out DROP@policy --pol-in ACCEPT@policy --pol-fwd DROP@policy --unknown DROP@policy --kernel ACCEPT@policy
-b 64@count -B 0@wait -r -R -P -S -c 1@number -n 1@number -d 1@number
--inspect-closed INPUT,OUTPUT@chains
--sig-test /nosuch@any --pcap /nosuch@any --skip-unsupported --json
--events /nosuch@any --events-size 4096@bytes --events-keep 1@kept
--mode monitor@mode --socket /nosuch@any --state /nosuch@any --no-state --metrics 127.0.0.1:9090@endpoint
--ebpf-obj /nosuch@any --batch-count 1@count --batch-timeout 1@wait --retain-maps --no-rescan --partial-read
"""

# Words that commands after which any word is a path, or one of their own, take as such.
TAKE_ANY = {"-H", "set", "save", "restore", "mode", "learn", "patch", "sig", "hook"}


class Word:
    def __init__(self, text):
        self.text, _, self.kind = text.partition("@")

    def wrong(self, after):
        if self.kind:
            return WRONG[self.kind]
        return STRANGE_OPTIONS + ([] if TAKE_ANY & set(after) else STRANGE_WORDS)


def run(program, words):
    done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    return done.returncode, done.stderr.decode(errors="backslashreplace")


def shown(word):
    """What of the word an error has to repeat: not all of a long one, and no byte that could steer a terminal."""
    if isinstance(word, bytes):
        word = word.decode(errors="replace")
    return re.split(r"[^ -~]", word)[0][:40] if word else '""'


class Line:
    """A right line of a program, and what is wrong with how its wrong ones are refused."""

    def __init__(self, program, text, rest):
        self.program, self.rest, self.faults, self.tried = program, rest, [], 0
        self.words = [Word(w) for w in text.split()]

    def texts(self):
        return [w.text for w in self.words]

    def fault(self, words, what):
        self.faults.append(f"{' '.join(repr(w)[:50] for w in words)}: {what}")

    def expect_refused(self, words, culprit, reason="expected"):
        status, err = run(self.program, words)
        self.tried += 1
        lines = err.splitlines()
        if status != 2 or len(lines) != 1 or not lines[0].isprintable():
            self.fault(words, f"status {status}: {err!r}")
        elif shown(culprit) not in err or not re.search(reason, err):
            self.fault(words, f"does not name {shown(culprit)!r}, or what was expected: {err!r}")

    def check_right(self, statuses):
        status, err = run(self.program, self.texts() + self.rest)
        if status not in statuses:
            self.fault(self.texts(), f"is right, but status {status}: {err!r}")

    def check_wrong(self):
        texts = self.texts()
        for i, word in enumerate(self.words):
            for wrong in word.wrong(texts[:i]):
                reason = NOT_THERE if word.kind in FILES else "expected"
                self.expect_refused(texts[:i] + [wrong] + texts[i + 1:] + self.rest, wrong, reason)

    def check_cut(self):
        """Without what comes after an option that has a value, or after -!."""
        texts = self.texts()
        for i, word in enumerate(self.words[:-1]):
            if texts[i] == "-!" or (not word.kind and self.words[i + 1].kind and not texts[i + 1].startswith("-")):
                if texts[i] != "save":
                    self.expect_refused(texts[:i + 1], texts[i])

    def check_twice(self):
        texts = self.texts()
        for i, word in enumerate(self.words):
            if word.kind or not texts[i].startswith("-") or texts[i] in ("-!", "-H", "--json", "-f", "--resume"):
                continue
            value = [texts[i + 1]] if i + 1 < len(texts) and self.words[i + 1].kind else []
            name = "--sng-hash" if texts[i] == "--object" else texts[i]
            self.expect_refused(texts + [texts[i]] + value + self.rest, name)

    def tell(self):
        name = f"{self.program.rsplit('/', 1)[-1]} {' '.join(w[:20] for w in self.texts())}"
        if self.faults:
            print(f"FAIL {name}:")
            for fault in self.faults[:10]:
                print(f"    {fault}")
        else:
            print(f"ok {name}: {self.tried} wrong ones")
        return not self.faults


def unused_options(program, lines):
    """Options that --help tells of and that no line above has; and kinds that no word has."""
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"(?<![^\s,])-[-!A-Za-z][a-z0-9-]*", text))
    used = {w for line in lines for w in line.texts()}
    return sorted(known - used - {"--help", "--version", "-h", "-V", "--socket"})


# A letter of app-fw's and its long form, and ctl-fw's commands and theirs, are one row of one table.
SYNONYMS = {"--append", "--insert", "--delete", "--list", "--print-hash", "--follow"}


def main():
    ctl, app = sys.argv[1:]
    passed = failed = 0

    ctl_lines = [Line(ctl, t, ["--socket", "/nosuch/sock"]) for t in CTL_LINES.split("\n") if t]
    app_lines = [Line(app, t, []) for t in APP_LINES.split("\n") if t]
    for line in ctl_lines:
        line.check_right((0, 3))
        line.check_wrong()
        line.check_cut()
        line.check_twice()
    for line in app_lines:
        line.rest = ["--help"]
        line.check_right((0,))
        line.check_wrong()
        line.check_cut()
    for line in ctl_lines + app_lines:
        ok = line.tell()
        passed, failed = passed + ok, failed + (not ok)
    for program, lines in ((ctl, ctl_lines), (app, app_lines)):
        left = [o for o in unused_options(program, lines) if o not in SYNONYMS]
        print(f"FAIL {program} --help has what no line here has: {left}" if left else f"ok {program}: all options")
        passed, failed = passed + (not left), failed + bool(left)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
