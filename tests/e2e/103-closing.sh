#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: of what a process at its end has closed already, while it is closing its descriptors one by one, it holds nothing,
# though another has that memory by now.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/slowfs.sh
. $SCRIPTS/slowfs.sh

PORT=7001
TIMES=200
PYTHON=$(readlink -f "$(command -v python3)")

setup_net
receive server $PORT
copy_program "$PYTHON" good
copy_program "$PYTHON" evil
mkdir "$TMP/files" "$TMP/fs"
: >"$TMP/files/slow"
mount_slowfs "$TMP/fs" "$TMP/files"
divert client
start_daemon client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok on client "$PYTHON" $SCRIPTS/lingers.py "$TMP/evil" "$TMP/good" $SERVER4 $PORT $TIMES \
	"$TMP/fs/slow" "$TMP/fs.in" "$TMP/slowfs.log"
wait_for settled
expect_that "$(grep -cF lingers/ "$TMP/receive.log")" -eq $TIMES "datagrams of good that arrived"
