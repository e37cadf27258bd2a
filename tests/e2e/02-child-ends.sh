#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a packet that is sent while a child of the sender ends, and has not closed its descriptors yet, is of known
# origin: of both, for the child holds the socket too. A process that ends for longer than it closes its descriptors
# holds none of what others open then, nor what it had. That the daemon looks at all processes meanwhile is no matter.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001
TIMES=200 OFTEN=3000
SENDER=$HELPERS/parting

# parting DESCRIPTORS TIMES
parting() {
	on client "$SENDER" $SERVER4 $PORT "$1" "$2"
}

arrived() {
	grep -cF -- "$1" "$TMP/receive.log" || true
}

# all_arrived TIMES: since there were $before.
all_arrived() {
	(($(arrived parting/) - before == $1))
}

# ADDR PORT: sends what the daemon cannot tell whose it is before it has looked at all processes: each time a message
# with the socket in it is under way, to nobody.
cat >"$TMP/riddles.py" <<'END'
import os, socket, sys, time
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
while True:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        socket.send_fds(a, [b"x"], [s.fileno()])
        s.sendto(b"riddle", (sys.argv[1], int(sys.argv[2])))
    for fd in socket.recv_fds(b, 1, 1)[1]:
        os.close(fd)
    time.sleep(0.001)
END

scanned_often() {
	(($(counter rescan) > rescans + 20))
}

setup_net
receive server $PORT
divert client
start_daemon client --pol-out DROP
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$SENDER"

for descriptors in 0 300 3000; do
	step "$descriptors descriptors to close before"
	before=$(arrived parting/)
	parting $descriptors $TIMES
	wait_for all_arrived $TIMES
done
expect_that "$(counter notes_unproven)" -eq 0 "packets of whom it was not proven who sent them"

step "and all processes are looked at meanwhile, again and again"
before=$(arrived parting/)
rescans=$(counter rescan)
spawn client riddles python3 "$TMP/riddles.py" $SERVER4 $PORT
riddles=$SPAWNED
wait_for scanned_often
parting 0 $OFTEN
wait_for all_arrived $OFTEN
halt "$riddles"

step "one that ended has closed what another has now"
stop_daemon TERM
python=$(readlink -f "$(command -v python3)")
copy_program "$python" good
copy_program "$python" evil
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok on client "$python" $SCRIPTS/lingers.py "$TMP/evil" "$TMP/good" $SERVER4 $PORT $TIMES
wait_for settled
expect_that "$(arrived lingers/)" -eq $TIMES "datagrams of good that arrived"
expect_that "$(arrived shared/before)" -eq 0 "datagrams of a socket that evil has too"
expect_that "$(arrived shared/after)" -eq 1 "datagrams of it once he has closed it"
