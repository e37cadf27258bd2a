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

# exchange NS TEXT: a program is started, which connects and has an answer; prints the us that it took.
exchange() {
	local began=${EPOCHREALTIME/[.,]/}
	on "$1" "$TMP/good" -w 20000 $SERVER4 7001 "$2" </dev/null >/dev/null || fail "no answer in $1: $2"
	echo $((${EPOCHREALTIME/[.,]/} - began))
}

# median_of FILE: of its numbers.
median_of() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# nobody_waits TAG TIMES: an exchange takes at most TIMES as long as the same beside it in a namespace that nobody
# guards. How long that is is the machine's affair: ten thousand processes on two processors delay both. Hence
# medians of exchanges in turn, not a time.
nobody_waits() {
	local i free judged
	rm -f "$TMP/free.us" "$TMP/judged.us"
	for ((i = 0; i < 7; i++)); do
		exchange server "free-$1.$i" >>"$TMP/free.us"
		exchange client "good-$1.$i" >>"$TMP/judged.us"
	done
	free=$(median_of "$TMP/free.us") judged=$(median_of "$TMP/judged.us")
	echo "us for a connection and an answer, the median of 7: $judged judged, $free where nobody judges"
	expect_that "$judged" -le $((free * $2)) "us for a connection and an answer ($2 times those without a firewall)"
}

# others_judged TAG: both programs' traffic, of TCP and UDP; each packet may be held a while.
others_judged() {
	expect_ok on client "$TMP/good" -w 20000 $SERVER4 7001 "good-$1"
	expect_ok on client "$TMP/good" -w 20000 -u $SERVER4 7001 "good-$1"
	expect_fail on client "$TMP/evil" -w 200 $SERVER4 7002 "evil-$1"
	expect_fail on client "$TMP/evil" -u -w 200 $SERVER4 7002 "evil-$1"
	wait_for settled
	! received "evil-$1" || fail "a blocked program's packet arrived"
}
