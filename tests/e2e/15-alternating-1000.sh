#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: of 1,000 short connections that alternate a blocked and an allowed copy of one program, over
# IPv4 and IPv6, none is judged wrong. The receiver judges: by every packet that reached it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

ROUNDS=${ROUNDS:-250} # of four connections each

# good talks to port 7001, evil to 7002: so the receiver can tell their packets apart.
setup_net
receive server 7001 7002
count_rule server -p tcp --dport 7001 -m comment --comment good-packets
count_rule server -p tcp --dport 7002 -m comment --comment evil-packets
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
divert client
start_daemon client
expect_ok on client "$TMP/evil" $SERVER4 7002 control
received "tcp 7002 control" || fail "the receiver does not see what passes"
wait_for no_connection server 7002
control=$(seen_by_rule server evil-packets)
expect_that "$control" -gt 0 "evil packets at the receiver before the rule"

expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
wait_for settled

cat >"$TMP/alternate" <<-END
	wrong=0
	for ((i = 0; i < $ROUNDS; i++)); do
		"$TMP/good" -w 20000 $SERVER4 7001 "good \$i.4" || { echo "good \$i.4 was blocked"; ((wrong += 1)); }
		! "$TMP/evil" -w 15 $SERVER4 7002 "evil \$i.4" || { echo "evil \$i.4 passed"; ((wrong += 1)); }
		"$TMP/good" -w 20000 $SERVER6 7001 "good \$i.6" || { echo "good \$i.6 was blocked"; ((wrong += 1)); }
		! "$TMP/evil" -w 15 $SERVER6 7002 "evil \$i.6" || { echo "evil \$i.6 passed"; ((wrong += 1)); }
	done
	echo "wrong: \$wrong"
END
step "$((ROUNDS * 4)) connections"
expect_ok on client bash "$TMP/alternate"
[[ $(tail -n 1 "$TMP/out") == "wrong: 0" ]] || fail "the programs saw wrong verdicts (above)"
wait_for settled

expect_that "$(grep -c '^tcp 7001 good' "$TMP/receive.log")" -eq $((ROUNDS * 2)) "allowed lines received"
expect_that "$(grep -c '^tcp 7002 evil' "$TMP/receive.log" || true)" -eq 0 "blocked lines received"
expect_that "$(seen_by_rule server evil-packets)" -eq "$control" "blocked packets at the receiver"
expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
