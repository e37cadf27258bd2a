#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what counts is what a process has mapped executable at the moment: by mmap, mprotect, mremap, munmap, fork and
# exec; with --retain-maps, what it has had since its exec. A program is hashed before its first packet waits for it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/mapper.sh
. "$(dirname "$0")/helpers/mapper.sh"

# passes TEXT, cut TEXT: what the mapper says arrives, or does not.
passes() {
	tell "say $1"
	wait_for received "$1"
}

cut() {
	tell "say $1"
	wait_for settled
	! received "$1" || fail "what should be blocked has arrived: $1"
}

setup_net
receive server 7001
math=$(ldd /usr/bin/python3 | awk '/libm\./ { print $3 }')
copy_program "$math" evil.so
copy_program "$HELPERS/talk" fresh
evil=$TMP/evil.so
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$evil"
mapper

step "mmap and munmap"
passes mmap/before
tell "map $evil"
cut mmap/mapped
tell unmap
passes mmap/unmapped

step "mprotect"
tell "read $evil"
passes mprotect/readable
tell "protect on"
cut mprotect/executable
tell "protect off"
passes mprotect/not-any-more
tell unmap

step "mremap"
tell "map $evil" move
cut mremap/moved
tell unmap
passes mremap/unmapped

step "fork and exec"
tell "map $evil" "child fork/child"
wait_for settled
! received fork/child || fail "a child does not have what its parent has mapped"
tell exec
passes exec/after

step "as it was before is not looked at again"
before=$(($(counter scan_maps) + $(counter maps_told)))
for i in 1 2 3 4 5; do passes "cached/$i"; done
expect_that $(($(counter scan_maps) + $(counter maps_told) - before)) -le 3 "scans of mappings for five packets of a process that maps nothing"

step "hashed ahead"
hashed=$(counter hashed)
mkfifo "$TMP/fresh.in"
STDIN=$TMP/fresh.in spawn client fresh "$TMP/fresh" -u -k $SERVER4 7001
wait_for grep -qx connected "$TMP/fresh.log"
wait_for counts_more hashed "$hashed"
held=$(counter held)
echo first/packet >"$TMP/fresh.in"
wait_for received first/packet
expect_that "$(counter held)" -eq "$held" "packets that waited, with those of a program that is new"

step "retained"
stop_daemon TERM
start_daemon client --retain-maps
expect_ok ctl -A -c OUTPUT -v DROP --object "$evil"
mapper
passes retain/before
tell "map $evil"
cut retain/mapped
tell unmap
cut retain/unmapped
tell exec
passes retain/another-program
exec 8>&-
