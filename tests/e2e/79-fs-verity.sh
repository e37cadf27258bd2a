#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a file with fs-verity is hashed once, however often it is touched, renamed or copied, and rules on its SHA-256
# go on to match, in deny and in allow form; a file without is hashed again; other bytes are another digest.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001
DIR=$TMP/disk

# A disk of its own: an ext4 whose blocks are pages, as kernels before 6.3 want it.
make_disk() {
	mke2fs -q -t ext4 -b 4096 -O verity -m 0 "$TMP/disk.img" 32M
	mkdir "$DIR"
	mount -o loop "$TMP/disk.img" "$DIR" || skip "this kernel mounts no image of an ext4 with fs-verity"
	UNDO+=("umount $DIR")
	[[ -e /sys/fs/ext4/features/verity ]] || skip "this kernel has no fs-verity (CONFIG_FS_VERITY is not set)"
}

# seal FILE: FS_IOC_ENABLE_VERITY with SHA-256, blocks of 4096 bytes and no salt.
seal() {
	/usr/bin/python3 -c 'import fcntl, struct, sys
with open(sys.argv[1], "rb") as f:
    fcntl.ioctl(f, 0x40806685, struct.pack("<4I14Q", 1, 1, 4096, 0, *[0] * 14))' "$1"
}

# sends PROGRAM LINE / is_cut PROGRAM LINE: a datagram of it arrives, or is dropped.
sends() {
	expect_ok on client "$1" -u $SERVER4 $PORT "$2"
	received "$2" || fail "$2 did not arrive"
}

is_cut() {
	local dropped
	dropped=$(counter dropped)
	expect_fail on client "$1" -u -w 300 $SERVER4 $PORT "$2"
	wait_for counts_more dropped "$dropped"
	! received "$2" || fail "$2 arrived"
}

# costs HASHED KNOWN CMD...: of that many objects more the bytes were read, or the verity digest was enough.
costs() {
	local hashed known
	hashed=$(($(counter hashed) + $1)) known=$(($(counter verity_known) + $2))
	shift 2
	"$@"
	expect_that "$(counter hashed)" -eq "$hashed" "hashed, by now"
	expect_that "$(counter verity_known)" -eq "$known" "known by their verity digest"
}

# kept PROGRAM: one that lives, for `objects` to look at.
kept() {
	mkfifo "$TMP/kept.in"
	STDIN=$TMP/kept.in spawn client kept "$1" -u -k $SERVER4 $PORT
	wait_for grep -qx connected "$TMP/kept.log"
}

# every_change PASSES-OR-NOT FORM: what changes the file's identity but not its bytes. The programs that the changes
# are made with have been seen before.
every_change() {
	touch "$DIR/sealed"
	costs 0 1 "$1" "$DIR/sealed" "$2/touched"
	chmod 700 "$DIR/sealed"
	costs 0 1 "$1" "$DIR/sealed" "$2/mode"
	mv "$DIR/sealed" "$DIR/renamed"
	costs 0 1 "$1" "$DIR/renamed" "$2/renamed"
	mv "$DIR/renamed" "$DIR/sealed"
	cp "$DIR/sealed" "$DIR/copy.$2"
	seal "$DIR/copy.$2"
	costs 0 1 "$1" "$DIR/copy.$2" "$2/copied"
	touch "$DIR/plain"
	costs 1 0 "$1" "$DIR/plain" "$2/plain"
}

make_disk
setup_net
receive server $PORT
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
cp "$TMP/evil" "$DIR/sealed"
cp "$TMP/evil" "$DIR/plain"
cp "$TMP/good" "$DIR/other"
seal "$DIR/sealed"
seal "$DIR/other"
expect_fail truncate -s 1 "$DIR/sealed"
divert client
start_daemon client

step "no rule"
sends "$DIR/plain" free/plain
sends "$TMP/good" free/good
touch "$TMP/good" # the programs that the scenario uses are seen
chmod 755 "$TMP/good"
mv "$TMP/good" "$TMP/good.new"
mv "$TMP/good.new" "$TMP/good"

step "deny: whatever is done to the file, its digest is known"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
is_cut "$DIR/sealed" deny/first
every_change is_cut deny

step "other bytes are another digest"
costs 1 0 sends "$DIR/other" deny/other

step "allow"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v ACCEPT -p udp --object "$TMP/evil"
expect_ok ctl -A -c OUTPUT -v DROP -p udp
every_change sends allow
is_cut "$DIR/other" allow/other

step "objects shows it"
kept "$DIR/sealed"
measured=$(ctl objects "$SPAWNED" --json | jq -er --arg path "$DIR/sealed" '.objects[] | select(.path == $path) | .verity')
[[ $measured =~ ^sha256:[0-9a-f]{64}$ ]] || fail "not a verity digest: $measured"
expect_line "$DIR/sealed: fs-verity $measured" ctl objects "$SPAWNED"
halt "$SPAWNED"
