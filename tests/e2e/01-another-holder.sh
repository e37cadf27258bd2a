#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: with the verdict cache, what counts for a packet is what all holders of its socket have mapped: when another than the
# one who sends maps what is denied, the next packet does not arrive.
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

TIMES=20

cat >"$TMP/two.py" <<'END'
import mmap, os, socket, sys
address, evil, tag = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here, there = socket.socketpair()
if not os.fork(): # holds the socket, and maps when told
    here.close()
    there.recv(1)
    f = open(evil, "rb")
    m = mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
    there.send(b"x")
    there.recv(1) # until the other ends
    os._exit(0)
there.close()
for i in range(50):
    if i == 1:
        sys.stdin.readline() # the first has been judged: the others need not be
    s.sendto(f"{tag}/before/{i}".encode(), (address, 7001))
sys.stdin.readline() # these are judged: what the other maps is looked at then
here.send(b"x")
here.recv(1)
try:
    s.sendto(f"{tag}/after".encode(), (address, 7001))
except PermissionError:
    pass
END

head -c 4096 /dev/urandom >"$TMP/evil"
setup_net
receive server 7001
start_daemon client
for chain in OUTPUT INPUT; do
	expect_ok on client "$BIN/ctl-fw" --socket "$APP_FW_SOCKET" hook install -c $chain
done
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"

for ((i = 0; i < TIMES; i++)); do
	{
		wait_for received "udp 7001 $i./before/0"
		echo
		wait_for received "udp 7001 $i./before/49"
		echo
	} | on client python3 "$TMP/two.py" $SERVER4 "$TMP/evil" "$i."
	wait_for settled
done
expect_that "$(grep -c /before/ "$TMP/receive.log")" -eq $((TIMES * 50)) "packets from before"
expect_that "$(grep -c /after "$TMP/receive.log" || true)" -eq 0 "packets that came although it was mapped"
expect_that "$(counter cache_accepted)" -gt $((TIMES * 45)) "packets that passed in the kernel"
