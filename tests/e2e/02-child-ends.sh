#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a packet that is sent while a child of the sender ends, and has not closed its descriptors yet, is of known origin:
# of both, for the child holds the socket too.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001
TIMES=200
SENDER=$HELPERS/parting

parting() {
	on client "$SENDER" $SERVER4 $PORT "$1" $TIMES
}

arrived() {
	grep -c "parting/" "$TMP/receive.log" || true
}

all_arrived() {
	(($(arrived) - before == TIMES))
}

setup_net
receive server $PORT
divert client
start_daemon client --pol-out DROP
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$SENDER"

for descriptors in 0 300 3000; do
	step "$descriptors descriptors to close before"
	before=$(arrived)
	parting $descriptors
	wait_for all_arrived
done
expect_that "$(counter notes_unproven)" -eq 0 "packets of whom it was not proven who sent them"
