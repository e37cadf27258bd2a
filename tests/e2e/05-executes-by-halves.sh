#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a packet is judged by the program that sent it, though its process has been given the memory of another, of which
# a file server does not yet give what the execve needs.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/slowfs.sh
. $SCRIPTS/slowfs.sh

PORT=7001
FS=$TMP/fs

# half_way LINE: does not arrive.
half_way() {
	local before
	before=$(n_held)
	mkfifo "$TMP/$1.in"
	STDIN=$TMP/$1.in spawn client "$1" "$TMP/evil" -c \
		"exec 3<>/dev/udp/$SERVER4/$PORT; echo $1 >&3; echo ready; read -r _; exec $FS/good -c 'read -r _'"
	kill -STOP "$DAEMON"
	wait_for grep -qx ready "$TMP/$1.log"
	fs "hold inside $SPAWNED"
	echo go >"$TMP/$1.in"
	wait_for more_held "$before"
	kill -CONT "$DAEMON"
	wait_for settled
	! received "$1" || fail "what is forbidden has arrived"
	fs "let go"
	wait_for is_executed "$SPAWNED" "$FS/good"
	halt "$SPAWNED"
}

setup_net
receive server -a nobody $PORT
copy_program /bin/bash evil
mkdir "$TMP/files" "$FS"
copy_program /bin/bash files/good
mount_slowfs "$FS" "$TMP/files"
divert client
start_daemon client

step "one of them is forbidden"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
half_way denied
expect_ok ctl -D 0 -c OUTPUT

step "one of them alone is allowed"
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/files/good"
expect_ok ctl -A -c OUTPUT -v DROP -p udp
half_way not-allowed
[[ -n ${SAN:-} ]] || expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
