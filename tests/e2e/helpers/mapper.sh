# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A process that maps and sends as it is told (mapper.py); lib.sh comes first.

PYTHON=$(readlink -f /usr/bin/python3)

# mapper: a new one, that is told what to do.
mapper() {
	[[ -z ${MAPPER:-} ]] || { exec 8>&-; halt "$MAPPER"; }
	rm -f "$TMP/mapper.in" "$TMP/mapper.log"
	mkfifo "$TMP/mapper.in"
	STDIN=$TMP/mapper.in spawn client mapper "$PYTHON" $SCRIPTS/mapper.py $SERVER4 7001
	MAPPER=$SPAWNED
	exec 8>"$TMP/mapper.in"
}

did() {
	[[ $(grep -cxF -- "$1" "$TMP/mapper.log") -eq $2 ]]
}

# tell LINE...: each is done when this returns.
tell() {
	local line before
	for line; do
		before=$(grep -cxF -- "$line" "$TMP/mapper.log" || true)
		echo "$line" >&8
		wait_for did "$line" $((before + 1))
	done
}
