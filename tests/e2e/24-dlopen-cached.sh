#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what 61-dlopen-mid-flow shows, with the verdict cache: packets pass in the kernel, and of what is sent after
# dlopen(3) has returned nothing arrives; 100 times in a row. Nor of what takes long from there to our rules in the filter
# table, though nothing that is denied is mapped any more as the daemon could look.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
CACHED=1
# shellcheck source=tests/e2e/61-dlopen-mid-flow.sh
. "$(dirname "$0")/61-dlopen-mid-flow.sh"

expect_that "$(counter cache_accepted)" -gt 5000 "packets that passed in the kernel"
expect_that "$(counter cache_dropped)" -gt 500 "packets that were dropped there"

# DAEMON EVIL ADDR: maps EVIL; for each line of its input sends a small datagram, or a long one while the daemon stands still,
# and one more when it has unmapped it.
cat >"$TMP/slow.py" <<'END'
import mmap, os, signal, socket, sys
daemon, evil, address = int(sys.argv[1]), sys.argv[2], sys.argv[3]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
f = open(evil, "rb")
m = mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)

def send(text):
    try:
        s.sendto(text, (address, 7001))
    except PermissionError: # what a rule of iptables drops
        pass

for line in sys.stdin:
    if line == "long\n":
        break
    send(b"slow/short")
os.kill(daemon, signal.SIGSTOP)
send(b"slow/long".ljust(60000))
m.close()
os.kill(daemon, signal.SIGCONT)
send(b"slow/end")
END

step "a packet that takes long through the filter table"
expect_ok ctl -D 1 -c OUTPUT
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil.so"
{
	echo "*filter"
	echo ":SLOW -"
	for ((i = 0; i < 500; i++)); do
		echo "-A SLOW -m string --string absent-$i --algo kmp"
	done
	echo "-I OUTPUT -p udp -m length --length 60000: -j SLOW"
	echo COMMIT
} | on client iptables-restore -w 5 -n
mkfifo "$TMP/slow.in"
STDIN=$TMP/slow.in spawn client slow /usr/bin/python3 "$TMP/slow.py" "$DAEMON" "$TMP/evil.so" $SERVER4
exec 5>"$TMP/slow.in"
dropped=$(counter cache_dropped)
say_short() {
	echo short >&5
	counts_more cache_dropped "$dropped"
}
wait_for say_short
echo long >&5
exec 5>&-
wait_for received slow/end
! received slow/long || fail "it arrived"
! received slow/short || fail "a short one arrived"
