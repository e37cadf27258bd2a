#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what counts is what the sender had mapped as he sent, whatever he maps before the packet is judged, and though he
# is gone by then. It is written down as he sends: nobody's mappings need be read for it afterwards.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/mapper.sh
. "$(dirname "$0")/helpers/mapper.sh"

LIVES=200
STATES=100    # of mappings, while nobody judges: of 128 it is written down
LIBRARIES=116 # and the program's own: as many as a snapshot has room for, nearly

grep -qw bpf_iter_task_vma_new /proc/kallsyms || skip "this kernel does not tell a program of mappings (linux 6.7)"

# stopped TELL...: while nobody judges.
stopped() {
	kill -STOP "$DAEMON"
	tell "$@"
	kill -CONT "$DAEMON"
	wait_for settled
}

cut() {
	! received "$1" || fail "what should be blocked has arrived: $1"
}

# mark: what was told and read until now.
mark() {
	told=$(counter maps_told)
	scans=$(counter scan_maps)
}

setup_net
receive server 7001
math=$(ldd /usr/bin/python3 | awk '/libm\./ { print $3 }')
copy_program "$math" evil.so
copy_program "$HELPERS/talk" life
for ((i = 0; i < LIBRARIES + 7; i++)); do head -c 8192 /dev/urandom >"$TMP/more-$i.so"; done
evil=$TMP/evil.so
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$evil"

step "he maps it after he has sent"
mapper
stopped "say later/before" "map $evil" "say later/after"
wait_for received later/before
cut later/after

step "he has unmapped it, and runs it no more"
mapper
stopped "map $evil" "say gone/mapped" unmap "say gone/unmapped" exec "say gone/executed"
wait_for received gone/unmapped
wait_for received gone/executed
cut gone/mapped

step "he has had many other states since"
mapper
states=()
for ((i = 0; i < STATES; i++)); do states+=("map $TMP/more-0.so" "say state/$i" unmap); done
stopped "map $evil" "say states/evil" unmap "${states[@]}"
for ((i = 0; i < STATES; i++)); do wait_for received "state/$i"; done
cut states/evil

step "he is gone"
mapper
kill -STOP "$DAEMON"
tell "map $evil" "say dead/mapped" unmap "say dead/unmapped"
exec 8>&-
halt "$MAPPER"
MAPPER=''
kill -CONT "$DAEMON"
wait_for settled
cut dead/mapped

step "he has mapped as much as there is room for"
mapper
all=()
for ((i = 0; i < LIBRARIES; i++)); do all+=("map $TMP/more-$i.so"); done
tell "${all[@]}" "say many/first"
wait_for received many/first
stopped "map $evil" "say many/evil" unmap "say many/unmapped"
wait_for received many/unmapped
cut many/evil

step "and more: then they are read as his packet is judged"
for ((i = LIBRARIES; i < LIBRARIES + 7; i++)); do tell "map $TMP/more-$i.so" "say more/$i"; done
tell "map $evil" "say more/evil"
wait_for settled
tell unmap "say more/last"
wait_for received more/last
for ((i = LIBRARIES; i < LIBRARIES + 7; i++)); do wait_for received "more/$i"; done
cut more/evil

step "then what he has unmapped since may be anything: an ACCEPT rule has to be sure of all"
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$PYTHON"
expect_ok ctl -A -c OUTPUT -v DROP
tell "say sure/before"
wait_for received sure/before
stopped "map $TMP/more-0.so" "say sure/unmapped" unmap "say sure/after"
wait_for received sure/after
cut sure/unmapped
expect_ok ctl -D 2 -c OUTPUT
expect_ok ctl -D 1 -c OUTPUT

step "short lives"
on client "$TMP/life" -u $SERVER4 7001 first </dev/null
wait_for settled
mark
for ((i = 0; i < LIVES; i++)); do on client "$TMP/life" -u $SERVER4 7001 "life/$i" </dev/null; done
wait_for received "life/$((LIVES - 1))"
wait_for settled
expect_that $(($(counter maps_told) - told)) -ge $LIVES "states of mappings that were told of"
expect_that $(($(counter scan_maps) - scans)) -le 2 "scans of mappings, of $LIVES processes"
