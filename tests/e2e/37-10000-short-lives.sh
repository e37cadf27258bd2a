#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: of 10,000 processes that send one datagram and are gone at once, evil and good in turn, every
# evil one is dropped and every good one arrives.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

LIVES=${LIVES:-10000}

setup_ways
copy_program "$HELPERS/ways" driver
for f in deny allow; do
	form $f
	expect_ok on client "$TMP/driver" relay udp4 $SERVER4 $GOOD_PORT "$f/life.udp4" $((LIVES / 2)) any exit \
		"$TMP/good" "$TMP/evil"
	expect_lives "$f" $((LIVES / 4))
done
