# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file system that does not answer everybody: slowfs.py, and how it is told.

# mount_slowfs MOUNTPOINT DIR [SCRIPT]: the files of DIR; SCRIPT: another form of slowfs.py. Skips where there is no FUSE.
mount_slowfs() {
	[[ -c /dev/fuse ]] || skip "no FUSE here"
	mkfifo "$TMP/fs.in"
	STDIN=$TMP/fs.in spawn host slowfs python3 "${3:-$SCRIPTS/slowfs.py}" "$1" "$2"
	wait_for grep -qE '^(mounted|mount: )' "$TMP/slowfs.log"
	grep -qx mounted "$TMP/slowfs.log" || skip "no FUSE here: $(cat "$TMP/slowfs.log")"
	UNDO+=("umount -l $1")
}

fs_done() {
	[[ $(grep -cxF -- "done: $1" "$TMP/slowfs.log") -eq $2 ]]
}

# fs LINE: it is in force when this returns.
fs() {
	local before
	before=$(grep -cxF -- "done: $1" "$TMP/slowfs.log" || true)
	echo "$1" >"$TMP/fs.in"
	wait_for fs_done "$1" $((before + 1))
}

# n_held: requests that were left waiting so far; more_held N: more than N.
n_held() {
	grep -cx held "$TMP/slowfs.log" || true
}

more_held() {
	[[ $(n_held) -gt $1 ]]
}
