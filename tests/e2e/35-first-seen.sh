#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a program's very first packet is judged as its thousandth, even if the program is gone before
# anybody could look at it: each of these copies is a new file, run once.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/ways.sh
. $SCRIPTS/ways.sh

COPIES=25

# run_copies FORM: of evil and good in turn, by an absolute and by a relative name, and deleted while they run.
run_copies() {
	local i who
	mkdir "$TMP/new"
	{
		echo "cd '$TMP/new'"
		for ((i = 0; i < COPIES; i++)); do
			for who in evil good; do
				cp "$TMP/$who" "$TMP/new/$who$i"
				cp "$TMP/$who" "$TMP/new/$who-r$i"
				echo "'$TMP/new/$who$i' exit udp4 $SERVER4 $GOOD_PORT $1/first.udp4.$who.$i"
				echo "./$who-r$i exit udp4 $SERVER4 $GOOD_PORT $1/relative.udp4.$who.$i"
			done
		done
	} >"$TMP/copies"
	on client bash "$TMP/copies"
	mark
	unknown_since "$1"
	rm -r "$TMP/new"
}

setup_ways
for f in free deny allow; do
	form $f
	run_copies $f
	[[ $f == free ]] || judge $f
done
none_wrong
