#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: packets that wait while the daemon stands still are judged by who sent them, however long ago that was and
# long after these are gone, and so is one that is long on its way to the queue; what is waited for, for as long as if
# it had not stood still; and what it could not be told of meanwhile, it is told of again.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh
# shellcheck source=tests/e2e/helpers/swap.sh
. $SCRIPTS/swap.sh

LIVES=400
LONG=6 # seconds: past all that is kept of a process after its end when no packet waits, 3 to 5 s

# stand_still SECONDS COMMAND...: the daemon does, until so long after the end of the command.
stand_still() {
	local seconds=$1 ended
	shift
	kill -STOP "$DAEMON"
	expect_ok "$@"
	ended=$SECONDS
	while ((SECONDS - ended <= seconds)); do sleep 0.2; done
	kill -CONT "$DAEMON"
	wait_for settled
}

# swap_both TAG: a process that has mapped code-good sends, and one that has mapped code-evil.
swap_both() {
	on client "$HELPERS/swap" plain $SERVER4 $GOOD_PORT "$TMP/code-good" "$TMP/code-evil" "$1" </dev/null
	on client "$HELPERS/swap" plain $SERVER4 $GOOD_PORT "$TMP/code-evil" "$TMP/code-good" "$1" </dev/null
}

# fill_ring: so many programs are started that no hint has room any more.
fill_ring() {
	local i
	for ((i = 0; i < 1500; i++)); do /bin/true; done
}

# travel TEXT SIZE: the program `traveller` sends a datagram of so many bytes, and is gone.
travel() {
	on client "$TMP/traveller" -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(sys.argv[3].ljust(int(sys.argv[4]), "a").encode(), (sys.argv[1], int(sys.argv[2])))' \
		$SERVER4 $GOOD_PORT "$1" "$2" </dev/null
}

# long_way MS: rules before the queue that take the kernel at least as long for a datagram of LARGE bytes.
LARGE=30000
long_way() {
	local i rules took=0
	on client iptables -w 5 -N long
	for ((rules = 50; took < $1; rules += 50)); do
		[[ $rules -le 1000 ]] || fail "$rules times $rules rules take $took ms"
		{
			echo '*filter'
			for ((i = 0; i < 50; i++)); do
				echo "-A long -m string --algo kmp --string aaaaaaaab"
				echo "-I OUTPUT -p udp -m length --length $LARGE:65535 -j long"
			done
			echo COMMIT
		} | on client iptables-restore -w 5 --noflush
		took=$(ms_of travel "too soon" $LARGE)
	done
	echo "$rules times $rules rules: $took ms"
}

# ms_of CMD...: that it takes, whatever its status.
ms_of() {
	local began=${EPOCHREALTIME/[.,]/}
	"$@" >/dev/null || true
	echo $(((${EPOCHREALTIME/[.,]/} - began) / 1000))
}

setup_ways
copy_program "$HELPERS/ways" driver
for f in ${FORMS-deny allow}; do
	form "$f"
	stand_still $LONG on client "$TMP/driver" relay udp4 $SERVER4 $GOOD_PORT "$f/life.udp4" $LIVES any exit \
		"$TMP/good" "$TMP/evil"
	expect_lives "$f" $((LIVES / 2))
done

step "a packet that is long on its way to the queue, while others pass it"
copy_program /usr/bin/python3 traveller
form allow
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/traveller"
long_way 1000
unknown=$(counter unknown)
began=${EPOCHREALTIME/[.,]/}
travel "long way" $LARGE &
traveller=$!
until ((${EPOCHREALTIME/[.,]/} - began > 300000)); do travel passes 10; done
kill -STOP "$DAEMON"
kill -0 "$traveller" || fail "it was there before the daemon stood still"
wait "$traveller"
kill -CONT "$DAEMON"
wait_for settled
expect_that "$(counter unknown)" -eq "$unknown" "packets of unknown origin"
wait_for received "long way"
on client iptables -w 5 -F long

step "a packet that waits for a digest"
form deny
copy_program "$HELPERS/talk" large-evil
# Of which half a second's worth is hashed, more or less, and never two seconds' worth.
truncate -s 64M "$TMP/zeros"
began=${EPOCHREALTIME/[.,]/}
sha256sum "$TMP/zeros" >/dev/null
took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000 + 1))
megabytes=$((64 * 600 / took))
truncate -s +$((megabytes < 1024 ? megabytes : 1024))M "$TMP/large-evil"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/large-evil"
held=$(counter held)
# Half a second or so in which to stop the daemon.
spawn client large-evil "$TMP/large-evil" -u -w 100 $SERVER4 $GOOD_PORT held
wait_for counts_more held "$held"
stand_still $LONG true
expect_that "$(counter held_expired)" -eq 0 "packets that were not judged in time"
expect_that "$(counter hash_stalled)" -eq 0 "files that were not read in time"
! received "held" || fail "a blocked packet arrived"

step "a file that is new while no hint has room"
code code-good 1
code code-evil 2
form deny
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$(sha256sum <"$TMP/code-evil" | cut -d' ' -f1)"
lost=$(counter hints_lost)
kill -STOP "$DAEMON"
fill_ring
swap_both without-hint
kill -CONT "$DAEMON"
wait_for settled
expect_that "$(counter hints_lost)" -gt "$lost" "hints that had no room, before and after"
mark # all hints have been read
dropped=$(counter dropped)
swap_both with-hint
wait_for received "with-hint good"
wait_for counts_more dropped "$dropped"
expect_that "$(arrived "with-hint evil")" -eq 0 "evil that arrived, once there was room"
