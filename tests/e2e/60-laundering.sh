#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what counts are the bytes that a process has mapped: whatever is done to its file's name, times, mounts or
# overlay, a blocked program stays blocked, by a DROP rule on it and where only the good one is accepted.
# timeout: 240
# shellcheck disable=SC2016 # what shells with mounts of their own run
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Each attempt is made twice: evil takes the place of good, and good that of evil. What was there first has been seen
# and hashed there. A line is FORM/ATTEMPT.WHO.HOW; it must arrive if WHO is good.
#   tcp    asks and waits for the answer
#   quick  a datagram of a process that is gone at once
#   kept   a datagram of a process that was there before its file was tampered with
PORT=7001
MARKS=0
FORM=
FIFO=$TMP/kept.in
APART=(unshare --mount --propagation private bash -c) # with mounts of its own

# run_alive LINE PROGRAM...: it lives until it has an answer, or gives up: soon, unless it must have one.
run_alive() {
	local line=$1 wait=250
	[[ $line == before/* || $line != *.good && $line != */accepted ]] || wait=20000
	shift
	nsenter --net="$NS" "$@" -w $wait "$SERVER4" "$PORT" "$line.tcp" </dev/null || true
}

# run LINE PROGRAM...: in the client's network, from where shells of other mounts call it too.
run() {
	local line=$1
	shift
	run_alive "$line" "$@"
	nsenter --net="$NS" "$@" -u -w 0 "$SERVER4" "$PORT" "$line.quick" </dev/null || true
}

# keep PROGRAM...: starts it; say LINE has it send one, and ends it.
keep() {
	rm -f "$FIFO"
	mkfifo "$FIFO"
	: >"$TMP/kept.log"
	STDIN=$FIFO spawn client kept "$@" -u -k $SERVER4 $PORT
	wait_for grep -qx connected "$TMP/kept.log"
}

say() {
	echo "$1.kept" >"$FIFO"
	wait_for grep -qx said "$TMP/kept.log"
	mark
	halt "$SPAWNED"
}

# mark: returns when all that was sent before it has its verdict.
mark() {
	((MARKS += 1))
	on client "$TMP/good" -u $SERVER4 $PORT "mark/$MARKS" || fail "good does not get through"
	wait_for received "mark/$MARKS"
	wait_for settled
}

# --- The attempts: FIRST was seen at the place, WHO is there in the end; $P is a path of their own, LINE what to say.

overwrite() {
	cp "$TMP/$1" "$P"
	run "before/$3" "$P"
	touch -r "$P" "$TMP/times"
	cat "$TMP/$2" >"$P"
	touch -r "$TMP/times" "$P"
	[[ $(stat -c '%s %y' "$P") == "$(stat -c %s "$TMP/$1") $(stat -c %y "$TMP/times")" ]] || fail "not as it was"
	run "$3" "$P"
}

rename_over() {
	cp "$TMP/$1" "$P"
	run "before/$3" "$P"
	cp "$TMP/$2" "$P.new"
	mv "$P.new" "$P"
	run "$3" "$P"
	keep "$P"
	cp "$TMP/$1" "$P.new"
	mv "$P.new" "$P"
	say "$3"
}

deleted() {
	cp "$TMP/$2" "$P"
	keep "$P"
	rm "$P"
	say "$3"
}

# The kernel calls what was unlinked "$P (deleted)".
recreated() {
	cp "$TMP/$2" "$P"
	keep "$P"
	rm "$P"
	cp "$TMP/$1" "$P"
	cp "$TMP/$1" "$P (deleted)"
	run "before/$3" "$P"
	run "before/$3" "$P (deleted)"
	say "$3"
}

hard_link() {
	cp "$TMP/$1" "$P"
	run "before/$3" "$P"
	ln -f "$TMP/$2" "$P"
	run "$3" "$P"
}

bind_mount() {
	cp "$TMP/$1" "$P"
	run "before/$3" "$P"
	"${APART[@]}" 'mount --bind "$1" "$2" && run "$3" "$2"' - "$TMP/$2" "$P" "$3"
	cp "$TMP/$2" "$P.kept"
	keep "${APART[@]}" 'mount --bind "$1" "$2" && shift 2 && exec "$@"' - "$TMP/$1" "$P" "$P.kept"
	say "$3"
}

# The same path in another mount namespace is another file; on a tmpfs, of the same inode number as others.
mount_namespace() {
	mkdir "$P"
	cp "$TMP/$1" "$P/program"
	run "before/$3" "$P/program"
	"${APART[@]}" 'mount -t tmpfs none "$2" && cp "$1" "$2/program" && run "$3" "$2/program"' - "$TMP/$2" "$P" "$3"
	"${APART[@]}" 'mount -t tmpfs none "$2" && cp "$1" "$2/program" && run "$3" "$2/program"' - "$TMP/$1" "$P" "before/$3"
	"${APART[@]}" 'mount -t tmpfs none "$2" && cp "$1" "$2/program" && run "$3" "$2/program"' - "$TMP/$2" "$P" "$3"
}

# The root's program has the path of one outside.
change_root() {
	local lib
	cp "$TMP/$1" "$P"
	run "before/$3" "$P"
	mkdir -p "$P.root/${P%/*}"
	cp "$TMP/$2" "$P.root/$P"
	for lib in $(ldd "$TMP/good" | grep -o '/[^ ]*'); do
		mkdir -p "$P.root/${lib%/*}"
		cp -L "$lib" "$P.root/$lib"
	done
	run "$3" chroot "$P.root" "$P"
}

# Gone with its process, it cannot be read any more: not quick.
memfd() {
	local exec_memfd='import os, sys
fd = os.memfd_create(sys.argv[2])
os.write(fd, open(sys.argv[1], "rb").read())
os.execve(fd, sys.argv[2:], os.environ)'

	cp "$TMP/$1" "$P"
	run "before/$3" "$P"
	run_alive "before/$3" python3 -c "$exec_memfd" "$TMP/$1" "$P"
	run_alive "$3" python3 -c "$exec_memfd" "$TMP/$2" "$P"
	keep python3 -c "$exec_memfd" "$TMP/$2" "$P"
	say "$3"
}

long_path() {
	local dir
	dir=$P.$(printf 'd%.0s' {1..200})
	dir+=/$(printf 'e%.0s' {1..200})
	mkdir -p "$dir"
	cp "$TMP/$1" "$dir/program1"
	cp "$TMP/$2" "$dir/program2"
	run "before/$3" "$dir/program1"
	run "$3" "$dir/program2"
	keep "$dir/program2"
	say "$3"
}

blanks() {
	local name
	cp "$TMP/$1" "$P"
	run "before/$3" "$P"
	for name in "$P of spaces" "$P"$'\nof lines' "$P\\040of \\012escapes" "$P (deleted)"; do
		cp "$TMP/$2" "$name"
		run "$3" "$name"
	done
}

# overlay DIR LOWER: at DIR/merged, in the namespace of who calls.
overlay() {
	mkdir -p "$1"/{lower,upper,work,merged}
	cp "$2" "$1/lower/program"
	mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" "$1/merged"
}

overlay_works() {
	"${APART[@]}" 'overlay "$1" "$2"' - "$TMP/overlay-try" "$TMP/good" 2>"$TMP/overlay.err"
}

# What is written to a file of the lower layer makes a file in the upper one.
overlay_copy_up() {
	"${APART[@]}" 'overlay "$1" "$2" && run "before/$4" "$1/merged/program" &&
		cat "$3" >"$1/merged/program" && run "$4" "$1/merged/program"' \
		- "$P" "$TMP/$1" "$TMP/$2" "$3"
}

# While a program of the lower layer runs, its path is made to lead to the upper layer, and another file's bytes.
cover() {
	nsenter --mount="/proc/$SPAWNED/ns/mnt" \
		bash -c 'chmod 700 "$2/merged/program" && cat "$1" >"$2/upper/program"' - "$1" "$P"
}

overlay_runs() {
	keep "${APART[@]}" 'overlay "$1" "$2" && shift 2 && exec "$@"' - "$P" "$TMP/$2" "$P/merged/program"
	cover "$TMP/$1"
	say "$3"
}

# What is written to the layer itself, the overlay's own inode does not tell.
overlay_hidden() {
	"${APART[@]}" 'overlay "$1" "$2" && run "before/$4" "$1/merged/program" &&
		cat "$3" >"$1/lower/program" && run "$4" "$1/merged/program"' \
		- "$P" "$TMP/$1" "$TMP/$2" "$3"
}

ATTEMPTS=(overwrite rename_over deleted recreated hard_link bind_mount mount_namespace change_root memfd long_path blanks)
OVERLAYS=(overlay_copy_up overlay_runs overlay_hidden)

# attempt NAME: good in place of evil, and evil in place of good.
attempt() {
	local who first
	for who in good evil; do
		[[ $who == good ]] && first=evil || first=good
		P=$TMP/$FORM.$1.$who
		echo "$1 $who"
		"$1" $first $who "$FORM/$1.$who"
	done
}

# judge: what arrived of the form's lines, against what must.
judge() {
	local name line
	mark
	for name in "$@"; do
		line=$FORM/$name
		grep -oE "^(tcp|udp) $PORT $line\.evil\..*" "$TMP/receive.log" | sed 's/.* /WRONG arrived: /' >>"$TMP/wrong" || true
		for line in "$FORM/$name.good".{tcp,quick,kept}; do
			has "$name" "${line##*.}" || continue
			received "$line" || echo "WRONG did not arrive: $line" >>"$TMP/wrong"
		done
	done
}

# has ATTEMPT HOW: whether that attempt sends such a line.
has() {
	case $2 in
	tcp) declare -f "$1" | grep -qE 'run(_alive)? "\$[34]"' ;;
	quick) declare -f "$1" | grep -qE 'run "\$[34]"' ;;
	kept) declare -f "$1" | grep -qw 'say' ;;
	esac
}

# --- The forms

form() {
	FORM=$1
	step "form: $FORM"
	[[ -z $DAEMON ]] || stop_daemon TERM
	case $FORM in
	deny)
		start_daemon client
		expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
		;;
	allow)
		start_daemon client --pol-out DROP
		expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/good"
		;;
	esac
}

setup_net
receive server $PORT
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
NS=$(netns client)
export -f run run_alive overlay
export NS SERVER4 PORT
divert client
: >"$TMP/wrong"
if overlay_works; then
	ATTEMPTS+=("${OVERLAYS[@]}")
else
	echo "overlays are not tried: $(cat "$TMP/overlay.err")"
fi
for f in deny allow; do
	form $f
	for a in "${ATTEMPTS[@]}"; do attempt "$a"; done
	judge "${ATTEMPTS[@]}"
done

if [[ " ${ATTEMPTS[*]} " == *" overlay_runs "* ]]; then
	step "before the daemon starts: what a running program's path leads to is another file's bytes"
	for who in good evil; do
		[[ $who == good ]] && first=evil || first=good
		stop_daemon TERM
		P=$TMP/before.$who
		on client iptables -w 5 -F
		keep "${APART[@]}" 'overlay "$1" "$2" && shift 2 && exec "$@"' - "$P" "$TMP/$who" "$P/merged/program"
		cover "$TMP/$first"
		divert client
		form deny
		say before/overlay.$who
	done
	received before/overlay.good.kept || fail "good did not get through"
	! received before/overlay.evil.kept || fail "evil got through"
	form allow
fi

# preloaded LINE...: good with a library that it was not built with says a line.
preloaded() {
	run_alive "$1" env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$TMP/evil.so" "$TMP/good"
	mark
}

step "a library in an allowed program: no object is looked at that no rule names"
copy_program "$(ldd /usr/bin/python3 | awk '/libm\./ { print $3 }')" evil.so
preloaded library/accepted
received library/accepted || fail "good is accepted, whatever else it has mapped"

step "... a DROP rule on the library before it"
expect_ok ctl -I 0 -c OUTPUT -v DROP --object "$TMP/evil.so"
preloaded library/dropped
! received library/dropped || fail "the library's packet arrived"
expect_ok ctl -D 0 -c OUTPUT

step "... and an ACCEPT rule on all that good has mapped, which is one object less"
keep "$TMP/good"
aggregate=$(ctl objects "$SPAWNED" --json | jq -er .aggregate)
say library/before
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v ACCEPT --agg-hash "$aggregate"
preloaded library/aggregate
! received library/aggregate || fail "a set with one object more has the aggregate of another"

cat "$TMP/wrong"
expect_that "$(grep -c . "$TMP/wrong" || true)" -eq 0 "lines judged wrong"
