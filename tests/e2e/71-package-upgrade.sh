#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a package that a named set is made of is upgraded under live traffic, by dpkg with our hook: not one
# allowed connection fails, the old version is refused once its grace is over, and dpkg never fails by us.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/helpers/talks.sh
. $SCRIPTS/talks.sh

ROOT=$TMP/root
TALKER=$ROOT/usr/bin/talker
GRACE=15 # seconds, instead of the hook's 10 minutes

# make_package VERSION: talker_VERSION.deb: a program that talks, a library, and what is neither.
make_package() {
	local dir=$TMP/talker-$1
	mkdir -p "$dir/usr/bin" "$dir/usr/lib" "$dir/usr/share/talker"
	cp "$HELPERS/talk" "$dir/usr/bin/talker"
	echo "version $1" >>"$dir/usr/bin/talker"
	cp "$(ldd /usr/bin/curl | awk '/libz\.so/ { print $3 }')" "$dir/usr/lib/libtalker.so.$1"
	chmod 644 "$dir/usr/lib/libtalker.so.$1"
	ln -s "libtalker.so.$1" "$dir/usr/lib/libtalker.so"
	echo "not an object" >"$dir/usr/share/talker/text"
	build talker "$1"
	cp "$dir/usr/bin/talker" "$TMP/copy-$1"
}

# build NAME VERSION: NAME_VERSION.deb of the folder NAME-VERSION.
build() {
	mkdir -p "$TMP/$1-$2/DEBIAN"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' "$@" \
		>"$TMP/$1-$2/DEBIAN/control"
	dpkg-deb --build "$TMP/$1-$2" "$TMP/$1_$2.deb" >/dev/null
}

# dpkg of the throw-away root, with dist/dpkg.cfg as the configuration that dpkg reads.
run_dpkg() {
	HOME=$TMP/home dpkg --root="$ROOT" --log="$TMP/dpkg.log" "$@"
}

# install_hook: as `make install` does it; before it, a program that looks through the window between the
# new file and the end of dpkg.
install_hook() {
	mkdir -p "$TMP/home" "$TMP/libexec"
	sed -e "s|@SBINDIR@|$PWD/$BIN|" -e "s/^grace=10m .*/grace=${GRACE}s/" dist/dpkg-hook >"$TMP/libexec/dpkg-hook"
	grep -qx "grace=${GRACE}s" "$TMP/libexec/dpkg-hook" || fail "no grace in the hook"
	chmod 755 "$TMP/libexec/dpkg-hook"
	{
		echo "post-invoke=$TMP/window"
		sed "s|@LIBEXECDIR@|$TMP/libexec|g" dist/dpkg.cfg
	} >"$TMP/home/.dpkg.cfg"
	cat >"$TMP/window" <<-END
		#!/bin/sh
		nsenter --net=$(netns client) $TALKER -w 5000 $SERVER4 9000 window && echo yes >$TMP/window-open
		exit 0
	END
	chmod 755 "$TMP/window"
}

upgrade_here() (
	cd "$TMP" && run_dpkg -i talker_2.deb
)

# traffic NAME: one connection after another, of the program that is installed at the moment.
traffic() {
	local n=0
	until [[ -e $TMP/stop ]]; do
		((n += 1))
		on client "$TALKER" -w 5000 $SERVER4 9000 "$1-$n" || echo "$1-$n" >>"$TMP/failed"
		echo "$n" >"$TMP/count-$1.new"
		mv "$TMP/count-$1.new" "$TMP/count-$1"
	done
}

went_on() {
	[[ $(cat "$TMP/count-a") -gt $(($1 + 3)) ]]
}

# goes_on: some connections later, none has failed.
goes_on() {
	wait_for went_on "$(cat "$TMP/count-a")"
	[[ ! -e $TMP/failed ]] || fail "connections failed: $(tr '\n' ' ' <"$TMP/failed")"
}

objects() {
	ctl set list talkers --json | jq -c '[.sets[0].files[] | select(.valid_s == null) | .path] | sort'
}

epoch() {
	ctl status --json | jq .epoch
}

# kept TEXT: sent on the connection that has been open from the start.
kept() {
	echo "$1" >&7
	poll 1 received "$1"
}

for version in 1 2 3 4; do make_package $version; done
build other 1
mkdir -p "$ROOT/var/lib/dpkg"
touch "$ROOT/var/lib/dpkg/status"
setup_net
receive server 9000
divert client

step "without the hook's program, and without a daemon, dpkg does its work and says nothing of us"
mkdir "$TMP/home"
sed "s|@LIBEXECDIR@|$TMP/libexec|g" dist/dpkg.cfg >"$TMP/home/.dpkg.cfg"
expect_ok run_dpkg -i "$TMP/other_1.deb"
expect_ok run_dpkg -P other
install_hook
expect_ok run_dpkg -i "$TMP/talker_1.deb"
! grep -qE "app-fw|ctl-fw" "$TMP/out" "$TMP/err" || fail "it speaks of us"

step "only the package is allowed"
start_daemon client --pol-out DROP
expect_ok ctl set add talkers --dpkg talker --root "$ROOT"
[[ $(objects) == "[\"$TALKER\",\"$ROOT/usr/lib/libtalker.so.1\"]" ]] || fail "objects: $(objects)"
expect_ok silent copy-1 too-early
expect_ok ctl -A -c OUTPUT -v ACCEPT --set talkers
expect_ok talks copy-1 one
expect_ok silent copy-2 two-too-early
mkfifo "$TMP/kept"
exec 7<>"$TMP/kept"
STDIN=$TMP/kept spawn client kept "$TALKER" -k $SERVER4 9000
wait_for kept kept-1
traffic a & PIDS+=($!)
traffic b & PIDS+=($!)
wait_for test -e "$TMP/count-a"
wait_for test -e "$TMP/count-b"

step "upgraded, by a relative path: what is new is allowed before dpkg is done, what was old still is"
began=$(date +%s)
expect_ok upgrade_here
[[ -e $TMP/window-open ]] || fail "the new version could not talk while dpkg was at work"
goes_on
expect_ok talks copy-1 one-in-grace
echo kept-2 >&7
wait_for received kept-2
expect_ok talks copy-2 two
[[ $(objects) == "[\"$TALKER\",\"$ROOT/usr/lib/libtalker.so.2\"]" ]] || fail "objects: $(objects)"

step "the grace ends by itself"
WAIT_S=60 wait_for falls_silent copy-1 one-late
expect_that $(($(date +%s) - began)) -ge $((GRACE - 1)) "seconds until then"
! kept kept-3 || fail "the old version's connection still passes"
goes_on

step "a package that is in no set"
before=$(epoch)
expect_ok run_dpkg -i "$TMP/other_1.deb"
expect_that "$(epoch)" -eq "$before" "epoch"

step "as apt does it: unpacked from a directory of links, then configured"
rm "$TMP/window-open"
mkdir "$TMP/apt"
ln -s "$TMP/talker_3.deb" "$TMP/apt/1-talker_3.deb"
expect_ok run_dpkg --status-fd 1 --no-triggers --unpack --auto-deconfigure --recursive "$TMP/apt"
[[ -e $TMP/window-open ]] || fail "the new version could not talk while dpkg was at work"
expect_ok run_dpkg --configure -a
goes_on
expect_ok talks copy-3 three
expect_ok talks copy-2 two-in-grace

step "an archive cut short: dpkg fails, and nothing else does"
head -c 2000 "$TMP/talker_4.deb" >"$TMP/cut.deb"
expect_fail run_dpkg -i "$TMP/cut.deb"
[[ $(objects) == "[\"$TALKER\",\"$ROOT/usr/lib/libtalker.so.3\"]" ]] || fail "objects: $(objects)"
expect_ok silent copy-4 four-not-there
goes_on

step "a package that is removed: its set stays as it is, and dpkg is not stopped"
touch "$TMP/stop"
wait_for gone "${PIDS[-1]}"
wait_for gone "${PIDS[-2]}"
expect_ok run_dpkg -P talker
grep -q "app-fw: ctl-fw set refresh: .*talker" "$TMP/err" || fail "nobody says that the package is gone"
[[ $(objects) == "[\"$TALKER\",\"$ROOT/usr/lib/libtalker.so.3\"]" ]] || fail "objects: $(objects)"
expect_ok run_dpkg -i "$TMP/talker_4.deb"
expect_ok talks copy-4 four
[[ ! -e $TMP/failed ]] || fail "connections failed: $(tr '\n' ' ' <"$TMP/failed")"
expect_that "$(cat "$TMP/count-a")" -gt 10 "connections of one stream"
