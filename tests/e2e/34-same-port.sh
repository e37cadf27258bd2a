#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: evil and good that have one port between them, at the same time (SO_REUSEPORT) or one after the
# other, and nothing but a short life, are never taken for each other.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

ROUNDS=${ROUNDS:-200}

# relay FORM NAME VARIANT pid|any WAY [ENV...]: good and evil in turn, ROUNDS in all.
relay() {
	local form=$1 name=$2 variant=$3 ids=$4 way=$5 to=$SERVER4
	shift 5
	[[ $variant != *6 ]] || to=$SERVER6
	on client env WAIT_MS=20 "$@" "$TMP/driver" relay "$variant" $to $GOOD_PORT "$form/$name.$variant" \
		"$ROUNDS" "$ids" "$way" "$TMP/good" "$TMP/evil" || echo "not here: $name"
	mark
	unknown_since "$form/$name.$variant"
}

short_lives() {
	relay "$1" short udp4 any exit
	relay "$1" short udp6 any exit
	relay "$1" same-port udp4 any exit SPORT=6001
	relay "$1" same-port udp6 any exit SPORT=6001
	relay "$1" same-sendto udp4 any sendto SPORT=6003
}

setup_ways
copy_program "$HELPERS/ways" driver
for f in free deny allow; do
	form $f
	ONLY_WAY=turns go $f turns
	short_lives $f
	[[ $f != free ]] || continue
	after_all
	judge $f
done
none_wrong
