#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: signatures are replaced at once: while two sets of 2,000, which have one in common, are loaded in turn as fast as
# they go, nothing that this one stops arrives, every clean connection does, and at no time are there more or fewer.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SWAPS=30 N=2000
SINK=$TMP/sink

# ADDR PORT UNTIL: until that file is there, connections by turns: a clean one, which has to arrive, and one that does not.
cat >"$TMP/speak.py" <<-'END'
	import os, socket, struct, sys, time
	clean = evil = 0
	while not os.path.exists(sys.argv[3]):
	    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as s:
	        s.sendall(b"the noodle in here")
	        s.shutdown(socket.SHUT_WR)
	        if s.recv(1):
	            sys.exit("an answer?")
	        clean += 1
	    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as s:
	        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	        s.sendall(b"the needle in here")
	        evil += 1
	    time.sleep(0.01) # of each evil one the server waits for an end that does not come
	print(clean, evil)
END

# rules SEED: N signatures, of which only the first is in both.
rules() {
	echo 'drop tcp any any -> any 8080 (content:"the needle"; sid:1;)'
	awk -v n=$N -v seed="$1" 'BEGIN { for (i = 2; i <= n; i++)
		printf "alert tcp any any -> any 8080 (content:\"|00 %02x|%08x|00|\"; sid:%d;)\n", seed, i * 7919, i }'
}

# swap: loads them in turn; there are N each time.
swap() {
	local i
	for ((i = 0; i < SWAPS; i++)); do
		expect_ok ctl sig load "$TMP/rules.$((i % 2 + 1))"
		[[ $(ctl status --json | jq .signatures.loaded) -eq $N ]] || fail "not $N signatures"
	done
}

# hits: of the one in common, since the last load.
hits() {
	ctl sig list --json | jq '.signatures[] | select(.sid == 1).hits'
}

met_often() {
	[[ $(hits) -ge 20 ]]
}

setup_net
mkdir "$SINK"
spawn server sink python3 $SCRIPTS/sink.py 8080 "$SINK"
wait_for grep -q listening "$TMP/sink.log"
divert client
start_daemon client
for i in 1 2; do
	rules $i >"$TMP/rules.$i"
done
expect_ok ctl sig load "$TMP/rules.2"
spawn client speak python3 "$TMP/speak.py" $SERVER4 8080 "$TMP/done"
swap
wait_for met_often
touch "$TMP/done"
wait_for gone "$SPAWNED"
read -r clean evil <"$TMP/speak.log"
echo "clean $clean, evil $evil"
expect_that "$clean" -ge 20 "clean connections"
expect_that "$(grep -laF noodle "$SINK"/* | wc -l)" -eq "$clean" "of these arrived"
! grep -qaF needle "$SINK"/* || fail "it has arrived"
expect_that "$(hits)" -ge 20 "hits of the one in common"
daemon_alive
