#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what is written over a library, or a memfd, that a running process has mapped is what the process is judged by
# a second later, though it makes no mapping call: in allow and in deny form.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001
cat >"$TMP/mapper.py" <<'END'
import mmap, os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[3] == "memfd":
    fd = os.memfd_create("code")
    os.write(fd, open(sys.argv[4], "rb").read())
else:
    fd = os.open(sys.argv[3], os.O_RDWR)
code = mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
print("connected", flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "write":
        times = os.stat(fd)
        os.pwrite(fd, open(rest[0], "rb").read(), 0)
        os.utime(fd, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        try:
            s.sendto(word.encode(), (sys.argv[1], int(sys.argv[2])))
        except PermissionError: # what the filter table drops at once is told
            pass
    print(line.strip(), flush=True)
END
LINES_SAID=0

# map WHAT...: a process that has mapped it.
map() {
	rm -f "$TMP/mapper.in"
	mkfifo "$TMP/mapper.in"
	: >"$TMP/mapper.log"
	STDIN=$TMP/mapper.in spawn client mapper python3 "$TMP/mapper.py" $SERVER4 $PORT "$@"
	wait_for grep -qx connected "$TMP/mapper.log"
}

# tell LINE: returns when it was done.
tell() {
	: >"$TMP/mapper.log"
	echo "$1" >"$TMP/mapper.in"
	wait_for grep -qx "$1" "$TMP/mapper.log"
}

# stopped: packets, by the daemon or by the kernel.
stopped() {
	echo $(($(counter dropped) + $(counter cache_dropped)))
}

# decided STOPPED LINE: whether it arrived, or more packets than that are stopped.
decided() {
	OUTCOME=passed
	received "$2" && return
	OUTCOME=blocked
	[[ $(stopped) -gt $1 ]]
}

# outcome: of one more line.
outcome() {
	local before
	before=$(stopped)
	((LINES_SAID += 1))
	tell "line/$LINES_SAID."
	wait_for decided "$before" "line/$LINES_SAID."
}

# ends_up passed|blocked: the next lines do.
ends_up() {
	local end=$((SECONDS + WAIT_S))
	outcome
	while [[ $OUTCOME != "$1" ]]; do
		((SECONDS < end)) || fail "not $1 within $WAIT_S s"
		outcome
	done
}

judged() {
	ends_up passed
	tell "write $TMP/evil"
	ends_up blocked
	tell "write $TMP/good"
	ends_up passed
	tell "write $TMP/evil"
	ends_up blocked
	halt "$SPAWNED"
}

setup_net
receive server $PORT
[[ -n ${CACHED:-} ]] || divert client
library=$(readlink -f /lib/x86_64-linux-gnu/libz.so.1)
copy_program "$library" good
copy_program "$library" evil
start_daemon client
[[ -z ${CACHED:-} ]] || hook client
expect_that "$(stat -c %s "$TMP/good")" -eq "$(stat -c %s "$TMP/evil")" "bytes of both"

for form in allow deny; do
	if [[ $form == allow ]]; then
		expect_ok ctl -A -c OUTPUT -v ACCEPT -p udp --object "$TMP/good"
		expect_ok ctl -A -c OUTPUT -v DROP -p udp
	else
		expect_ok ctl -D 0 -c OUTPUT
		expect_ok ctl -D 0 -c OUTPUT
		expect_ok ctl -A -c OUTPUT -v DROP -p udp --object "$TMP/evil"
	fi
	step "$form: a file"
	cp "$TMP/good" "$TMP/mapped"
	map "$TMP/mapped"
	judged
	step "$form: a memfd"
	map memfd "$TMP/good"
	judged
done
daemon_alive
