#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: sockets that no socket(2) of 64 bits made or sent by are judged by their holders as well: those
# of io_uring, with descriptors and without, and those of 32-bit programs.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

setup_ways
every_form uring

step "programs of 32 bits"
if gcc -m32 -static -std=gnu11 -D_GNU_SOURCE -O1 -pthread -o "$TMP/ways32" $SCRIPTS/ways.c 2>"$TMP/gcc.log" &&
	"$TMP/ways32" list none; then
	copy_program "$TMP/ways32" good
	copy_program "$TMP/ways32" evil
	ONLY_WAY="socket|exit|sendto|dup|fork-child|sendmmsg" every_form alone
else
	echo "not here: 32-bit programs: $(head -n 1 "$TMP/gcc.log")"
fi
none_wrong
