# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A crowd of processes and sockets beside two programs that must be judged right all along: "good",
# which is allowed, and "evil", which is blocked.

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}

# setup_crowd: the crowd's program is "many", and $TMP/many.in its standard input.
setup_crowd() {
	setup_net
	receive server 7001 7002
	copy_program "$HELPERS/talk" good
	copy_program "$HELPERS/talk" evil
	copy_program "$HELPERS/crowd" many
	mkfifo "$TMP/many.in"
	divert client
	start_daemon client
	expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
}

# crowd WORDS...: its pid is in $SPAWNED.
crowd() {
	STDIN=$TMP/many.in spawn client many "$TMP/many" "$@"
}

# others_judged TAG [PATIENCE_MS]: both programs' traffic, of TCP and UDP; each packet may be held a
# while, and a connection with its answer takes no longer than that.
others_judged() {
	local began=${EPOCHREALTIME/[.,]/} took
	expect_ok on client "$TMP/good" -w 8000 $SERVER4 7001 "good-$1"
	took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	expect_that $took -le "${2:-8000}" "ms for a connection and an answer"
	expect_ok on client "$TMP/good" -w 8000 -u $SERVER4 7001 "good-$1"
	expect_fail on client "$TMP/evil" -w 200 $SERVER4 7002 "evil-$1"
	expect_fail on client "$TMP/evil" -u -w 200 $SERVER4 7002 "evil-$1"
	wait_for settled
	! received "evil-$1" || fail "a blocked program's packet arrived"
}
