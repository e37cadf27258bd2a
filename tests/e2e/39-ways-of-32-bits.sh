#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: the sockets of 32-bit programs, whose system calls no tracepoint sees, are judged by their holders
# as any other.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

expect_ok gcc -m32 -static -std=gnu11 -D_GNU_SOURCE -O1 -pthread -o "$TMP/ways32" $SCRIPTS/ways.c
"$TMP/ways32" list none || skip "this kernel runs no 32-bit programs"
setup_ways
copy_program "$TMP/ways32" good
copy_program "$TMP/ways32" evil
ONLY_WAY="socket|exit|sendto|dup|fork-child|sendmmsg" every_form alone
none_wrong
