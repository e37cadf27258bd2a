#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: rules match the objects of a named set, negated or not; a refresh keeps the old digests for as long
# as it was told, and not longer; sets outlive the daemon; what is refused changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/talks.sh
. $SCRIPTS/talks.sh

# make_program NAME BYTES: talk with these bytes behind it, put in place by a rename.
make_program() {
	cp "$HELPERS/talk" "$TMP/$1.new"
	echo "$2" >>"$TMP/$1.new"
	mv "$TMP/$1.new" "$TMP/$1"
}

state() {
	ctl set list --json | jq -S 'del(.. | .valid_s?)'
	rules
}

# refused STATUS CULPRIT CMD...: and nothing has changed.
refused() {
	expect_refused "$@"
	daemon_alive
	state | diff "$TMP/state-before" - || fail "something has changed (above)"
}

epoch() {
	ctl status --json | jq .epoch
}

valid_s() {
	ctl set list "$1" --json | jq '[.sets[0].files[].valid_s // empty] | max // 0'
}

setup_net
serve_http server 8080
receive server 9000
divert client
start_daemon client --state "$TMP/state"

step "a set, denied"
expect_line "$(digest curl)" ctl set add web /usr/bin/curl
expect_line /usr/bin/curl ctl set list
expect_line "$(digest curl)" ctl set list web
expect_ok ctl -A -c OUTPUT -v DROP --set web
expect_line "-c OUTPUT -v DROP --set web" ctl -L
expect_blocked in-curl4 8080 curl_get client $SERVER4
expect_passes out-wget4 8080 wget_get client $SERVER4
cp /usr/bin/curl "$TMP/renamed"
MAX_TIME=0.5 expect_fail on client "$TMP/renamed" -q -sS --max-time 0.5 -o /dev/null "$(url $SERVER4 8080 /renamed)"

step "more files for it, and none twice"
expect_ok ctl set add web /usr/bin/wget
expect_blocked in-wget4 8080 wget_get client $SERVER4
before=$(epoch)
expect_line "web: nothing has changed" ctl set add web /usr/bin/wget /usr/bin/curl
expect_that "$(epoch)" -eq "$before" "epoch"

step "everything but the set, denied"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl set rm web
expect_ok ctl set add web /usr/bin/curl
expect_ok ctl -A -c OUTPUT -v DROP -! --set web -p tcp --dport 8080
expect_passes not-curl4 8080 curl_get client $SERVER4
expect_blocked not-wget4 8080 wget_get client $SERVER4

step "a library by its set: any object that is mapped counts"
expect_ok ctl -D 0 -c OUTPUT
lib=$(ldd /usr/bin/curl | awk '/libcurl\.so/ { print $3 }')
expect_ok ctl set add lib "$lib"
expect_ok ctl -A -c OUTPUT -v DROP --set lib
expect_blocked lib-curl4 8080 curl_get client $SERVER4
expect_passes lib-wget4 8080 wget_get client $SERVER4
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl set rm lib

step "only the set, allowed; killed and started again, it still is"
expect_ok ctl -A -c OUTPUT -v ACCEPT --set web
stop_daemon TERM
start_daemon client --state "$TMP/state" --pol-out DROP
expect_passes only-curl4 8080 curl_get client $SERVER4
expect_blocked only-wget4 8080 wget_get client $SERVER4
state >"$TMP/state-before"
kill_daemon
start_daemon client --state "$TMP/state" --pol-out DROP
state | diff "$TMP/state-before" - || fail "the sets are not what they were (above)"
expect_passes again-curl4 8080 curl_get client $SERVER4
expect_blocked again-wget4 8080 wget_get client $SERVER4

step "all but the set, allowed"
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v ACCEPT -! --set web
expect_passes but-wget4 8080 wget_get client $SERVER4
expect_blocked but-curl4 8080 curl_get client $SERVER4
expect_ok ctl -D 0 -c OUTPUT

step "a refresh: what changed is told, and both versions are allowed meanwhile"
make_program prog one
cp "$TMP/prog" "$TMP/old"
(cd "$TMP" && "$OLDPWD/$BIN/ctl-fw" set add prog prog) || fail "set add"
expect_ok ctl -A -c OUTPUT -v ACCEPT --set prog
expect_ok talks prog one
make_program prog two
expect_ok silent prog two-early
expect_ok ctl set refresh prog --grace 1h
for text in "prog: $TMP/prog" "$(digest "$TMP/old")" "$(digest "$TMP/prog")"; do
	grep -qF "$text" "$TMP/out" || fail "the refresh does not tell $text"
done
expect_ok talks prog two
expect_ok talks old old-in-grace
expect_that "$(valid_s prog)" -gt 3000 "seconds left"

step "the grace outlives the daemon"
kill_daemon
start_daemon client --state "$TMP/state" --pol-out DROP
expect_ok talks old old-after-restart
expect_that "$(valid_s prog)" -gt 3000 "seconds left"
expect_that "$(valid_s prog)" -le 3600 "seconds left"

step "the same again changes nothing"
before=$(epoch)
expect_line "prog: nothing has changed" ctl set refresh
expect_line '"changed":[]' ctl set refresh prog --json
expect_that "$(epoch)" -eq "$before" "epoch"

step "a grace that ends: the old version goes silent without anybody's call"
make_program prog three
cp "$TMP/prog" "$TMP/third"
expect_ok ctl set refresh prog --grace 0s
expect_ok talks prog three
make_program prog four
expect_ok ctl set refresh prog --grace 8s
expect_ok talks third third-in-grace
WAIT_S=30 wait_for falls_silent third third-late
expect_ok silent third third-for-good
expect_ok talks prog four
expect_ok talks old old-has-its-own-time
wait_for grep -q 'set prog: the time of 1 digests is over' "$DAEMON_LOG"

step "a grace that ends while the daemon is away"
make_program prog five
expect_ok ctl set refresh prog --grace 1s
stop_daemon TERM
make_program fourth four
left=$(($(sed -n 's/^set\tprog\t-\t-\t\([0-9]*\)\t.*/\1/p' "$TMP/state/rules" | sort -n | head -n 1) - $(date +%s)))
expect_that "$left" -le 1 "seconds left in the file"
is_over() { [[ $(date +%s) -gt $(($(sed -n 's/^set\tprog\t-\t-\t\([0-9]*\)\t.*/\1/p' "$TMP/state/rules" | sort -n | head -n 1))) ]]; }
wait_for is_over
start_daemon client --state "$TMP/state" --pol-out DROP
expect_ok silent fourth four-late
expect_ok talks prog five

step "a set of a package, and what its archive brings is expected"
mkdir -p "$TMP/root/var/lib/dpkg" "$TMP/pkg/DEBIAN" "$TMP/pkg/opt"
touch "$TMP/root/var/lib/dpkg/status"
make_program six six
cp "$TMP/six" "$TMP/pkg/opt/six"
echo text >"$TMP/pkg/opt/text"
ln -s six "$TMP/pkg/opt/link"
printf 'Package: six\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' >"$TMP/pkg/DEBIAN/control"
expect_ok dpkg-deb --build "$TMP/pkg" "$TMP/six.deb"
expect_ok env HOME="$TMP" dpkg --root="$TMP/root" -i "$TMP/six.deb"
expect_ok ctl set add pack --dpkg six --root "$TMP/root"
expect_ok ctl -A -c OUTPUT -v ACCEPT --set pack
ctl set list pack --json | jq -e --arg p "$TMP/root/opt/six" '[.sets[0].files[].path] == [$p]' || fail "not the one file"
expect_ok talks six six
make_program seven seven
cp "$TMP/seven" "$TMP/pkg/opt/seven"
expect_ok dpkg-deb --build "$TMP/pkg" "$TMP/seven.deb"
expect_ok silent seven seven-early
expect_no_line expected ctl set expect "$TMP/seven.deb"
expect_ok silent seven seven-of-another-root
expect_line "$(digest "$TMP/seven")" ctl set expect --root "$TMP/root" --grace 1h "$TMP/seven.deb"
expect_ok talks seven seven
expect_line '"changed":[],"expected":[]' ctl set expect --json --root "$TMP/root" --grace 1s "$TMP/seven.deb"

step "bad input"
expect_ok ctl set refresh
state >"$TMP/state-before"
refused 1 "rule 0" ctl set rm prog
refused 1 "--set prog" ctl set rm prog
refused 1 nosuch ctl -A -c OUTPUT -v DROP --set nosuch
refused 1 nosuch ctl set rm nosuch
refused 1 nosuch ctl set list nosuch
refused 1 nosuch ctl set refresh nosuch
refused 2 a/b ctl set add a/b /usr/bin/curl
refused 2 a/b ctl -A -c OUTPUT -v DROP --set a/b
refused 2 "$(printf 'x%.0s' {1..33})" ctl set add "$(printf 'x%.0s' {1..33})" /usr/bin/curl
refused 2 nosuch ctl set nosuch
refused 2 "$TMP/nosuch" ctl set add web "$TMP/nosuch"
refused 2 "$TMP" ctl set add web /usr/bin/wget "$TMP"
refused 2 "/dev/null" ctl set add web /dev/null
refused 2 nosuch-package ctl set add web --dpkg nosuch-package
refused 2 -x ctl set add web --dpkg -x
refused 2 "$TMP/nosuch" ctl set add web --dpkg six --root "$TMP/nosuch"
refused 2 /usr/bin/wget ctl set add web /usr/bin/wget --dpkg six
refused 2 60 ctl set refresh --grace 60
refused 2 8d ctl set refresh --grace 8d
refused 2 --grace ctl set add web /usr/bin/wget --grace 60s
refused 2 "$TMP/prog" ctl set expect "$TMP/prog"
refused 2 "set" ctl set
printf 'a\tb' >"$TMP/a"$'\t'b
refused 2 "control characters" ctl set add web "$TMP/a"$'\t'b

step "a digest that changes only by a refresh, and a refresh that cannot be"
make_program prog six
refused 1 "$TMP/prog" ctl set add prog "$TMP/prog"
rm "$TMP/prog"
refused 1 "$TMP/prog" ctl set refresh prog
install -m 755 "$BIN/ctl-fw" "$TMP/ctl-fw"
make_program prog six
chmod 600 "$TMP/prog"
chmod 755 "$TMP/run"
chgrp nogroup "$APP_FW_SOCKET"
refused 1 "$TMP/prog: Permission denied" setpriv --reuid=nobody --regid=nogroup --clear-groups \
	"$TMP/ctl-fw" --socket "$APP_FW_SOCKET" set refresh prog
chmod 755 "$TMP/prog"

step "as many as there may be, and not one more"
mkdir "$TMP/many"
for ((i = 0; i < 1025; i++)); do echo $i >"$TMP/many/$i"; done
state >"$TMP/state-before"
refused 1 1024 ctl set add many "$TMP"/many/*
rm "$TMP/many/1024"
mkdir "$TMP/long"
for ((i = 0; i < 1000; i++)); do echo $i >"$TMP/long/$(printf '%0250d' $i)"; done
refused 1 "too large for one request" ctl set add many "$TMP"/long/*
expect_ok ctl set add many "$TMP"/many/*
for ((i = 5; i <= 128; i++)); do ctl set add "n$i" /usr/bin/curl >/dev/null || fail "set $i"; done
state >"$TMP/state-before"
refused 1 128 ctl set add last /usr/bin/curl
kill_daemon
start_daemon client --state "$TMP/state" --pol-out DROP
state | diff "$TMP/state-before" - || fail "the sets are not what they were (above)"

step "and it still does its work"
expect_ok ctl -I 0 -c OUTPUT -v ACCEPT --set web
expect_passes last-curl4 8080 curl_get client $SERVER4
expect_blocked last-wget4 8080 wget_get client $SERVER4
