#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: --script matches what an interpreter was started with, whoever started it how, and whatever is done to the
# file's name or content then: an evil script never passes for a good one, nor a good one for evil.
# timeout: 300
# shellcheck disable=SC2016 # what other shells run
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Every script says LINE to the server by UDP: SCRIPT LINE; with a second argument once it has read a line. A line is
# FORM/WAY.WHO; it must arrive if WHO is good, and must not if WHO is evil.
PORT=7001
MARKS=0
FORM=
FIFO=$TMP/input
S=$(mktemp -d /var/tmp/afw-e2e.XXXXXX) # nobody else changes what is in these folders
UNDO+=("rm -rf $S")
LANGUAGES=(sh py)
declare -A INTERPRETER=([sh]=/bin/bash [py]=/usr/bin/python3 [pl]=/usr/bin/perl [js]=/usr/bin/node)
declare -A HARMLESS=([sh]='-eu -o pipefail' [py]='-u -W ignore' [pl]='-w' [js]='--no-warnings')
declare -A FOREIGN=([sh]='--rcfile /dev/null' [pl]='-Mstrict' [js]='-r fs')

write_scripts() {
	local who
	chmod 755 "$S"
	for who in good evil; do
		cat >"$S/$who.sh" <<-END
			#!/bin/bash -e
			# $who
			[[ -z \${2:-} ]] || { echo waiting; read -r _; }
			echo "\$1" >/dev/udp/$SERVER4/$PORT
			[[ -z \${2:-} ]] || { echo said; read -r _; }
		END
		cat >"$S/$who.py" <<-END
			#!/usr/bin/env python3
			# $who
			import os, socket, sys
			if len(sys.argv) > 2:
			    print("waiting", flush=True)
			    sys.stdin.readline()
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			s.sendto(sys.argv[1].encode() + b"\n", ("$SERVER4", $PORT))
			if len(sys.argv) > 2:
			    print("said", flush=True)
			    sys.stdin.readline()
		END
		cat >"$S/$who.pl" <<-END
			#!/usr/bin/perl
			# $who
			use Socket;
			socket(S, PF_INET, SOCK_DGRAM, 0) or die;
			send(S, "\$ARGV[0]\n", 0, sockaddr_in($PORT, inet_aton("$SERVER4"))) or die;
		END
		cat >"$S/$who.js" <<-END
			#!/usr/bin/node
			// $who
			const s = require("dgram").createSocket("udp4");
			s.send(process.argv[2] + "\n", $PORT, "$SERVER4", () => s.close());
		END
		cat >"$S/$who.fork.py" <<-END
			# $who
			import os, socket, sys
			if os.fork():
			    os._exit(0)
			socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(sys.argv[1].encode() + b"\n", ("$SERVER4", $PORT))
		END
	done
	chmod 755 "$S"/*.*
}

# aged FILE: it is older than the clock of file systems is coarse.
is_older() {
	touch "$TMP/now"
	awk -v a="$(stat -c %.9Z "$1")" -v b="$(stat -c %.9Z "$TMP/now")" 'BEGIN { exit !(b - a > 0.05) }'
}

aged() {
	wait_for is_older "$1"
}

# mark: returns when all that was sent before it has its verdict.
mark() {
	((MARKS += 1))
	on client "$TMP/mark" -u $SERVER4 $PORT "mark/$MARKS" || fail "mark does not get through"
	wait_for received "mark/$MARKS"
	wait_for settled
}

# run WAY WHO CMD...: CMD LINE
run() {
	local line=$FORM/$1.$2
	shift 2
	echo "$line" | tee -a "$TMP/said"
	on client "$@" "$line" </dev/null || true
}

# start WAY WHO CMD...: CMD LINE wait, until it waits and has been looked at; go lets it speak.
start() {
	local line=$FORM/$1.$2 looked
	shift 2
	echo "$line" | tee -a "$TMP/said"
	rm -f "$FIFO"
	mkfifo "$FIFO"
	: >"$TMP/waiting.log"
	looked=$(counter script_looked)
	STDIN=$FIFO spawn client waiting "$@" "$line" wait
	wait_for grep -qx waiting "$TMP/waiting.log"
	wait_for counts_more script_looked "$looked"
}

go() {
	echo >"$FIFO"
	wait_for grep -qx said "$TMP/waiting.log"
	mark
	halt "$SPAWNED"
}

# --- Ways to start WHO in LANGUAGE; each has been written to $D/x.LANGUAGE

ways_to_start() {
	local who=$1 l=$2 x="$D/x.$2" i=${INTERPRETER[$2]}
	run "$l.exec" "$who" "$x"
	run "$l.exec-relative" "$who" bash -c 'cd "$1" && shift && exec "$@"' - "$D" "./x.$l"
	run "$l.exec-by-link" "$who" "$D/link.$l"
	run "$l.exec-by-PATH" "$who" env "PATH=$D:$PATH" "x.$l"
	run "$l.name" "$who" "$i" "$x"
	run "$l.name-relative" "$who" bash -c 'cd "$1/sub" && shift && exec "$@"' - "$D" "$i" "../x.$l"
	run "$l.name-by-link" "$who" "$i" "$D/link.$l"
	run "$l.name-by-folder-link" "$who" "$i" "$D/sub/up/x.$l"
	# shellcheck disable=SC2086 # words
	run "$l.options" "$who" "$i" ${HARMLESS[$l]} "$x"
}

try_all_ways() {
	local who l
	for who in good evil; do
		for l in "${LANGUAGES[@]}"; do
			D=$S/$FORM.$who.$l
			mkdir -p "$D/sub"
			cp "$S/$who.$l" "$D/x.$l"
			ln -s "x.$l" "$D/link.$l"
			ln -s "$D" "$D/sub/up"
			aged "$D/sub/up"
			ways_to_start "$who" "$l"
		done
		run fork "$who" /usr/bin/python3 "$S/$who.fork.py"
		run subshell "$who" bash "$S/$who.subshell.sh"
	done
}

# Where a file of the same name is another.
elsewhere() {
	local who other lib root
	for who in good evil; do
		[[ $who == good ]] && other=evil || other=good
		D=$S/$FORM.$who.elsewhere
		mkdir -p "$D/mnt"
		cp "$S/$other.sh" "$D/mnt/x.sh"
		cp "$S/$who.sh" "$D/x.sh"
		aged "$D/x.sh"
		start mount "$who" unshare --mount --propagation private bash -c \
			'mount --bind "$1/x.sh" "$1/mnt/x.sh" && shift && exec "$@"' - "$D" /bin/bash "$D/mnt/x.sh"
		go
		root=$D/root
		mkdir -p "$root/bin" "$root/$D" "$root/dev"
		cp /bin/bash "$root/bin/"
		mkfifo "$root/dev/null"
		for lib in $(ldd /bin/bash | grep -o '/[^ ]*'); do
			mkdir -p "$root/${lib%/*}"
			cp -L "$lib" "$root/$lib"
		done
		mv "$D/x.sh" "$root/$D/x.sh"
		cp "$S/$other.sh" "$D/x.sh"
		aged "$D/x.sh"
		run chroot "$who" chroot "$root" /bin/bash "$D/x.sh"
	done
}

# --- What is done to the file of a script that runs. evil must not pass; good may be taken for unknown.

overwrite() { cat "$2" >"$1/x.$3"; }
rename_over() { mv "$2" "$1/x.$3"; }
unlink_it() { rm "$1/x.$3"; }
swap_folders() { mv "$1" "$1.away" && mv "$1.other" "$1"; }
swap_links() { ln -sfn "$1.other/x.$3" "$1/link.$3"; }

tamper() {
	local how=$1 who=$2 l=$3 other name=x
	[[ $who == good ]] && other=evil || other=good
	[[ $how != swap_links ]] || name="link"
	D=$S/$FORM.$who.$l.$how
	mkdir -p "$D" "$D.other"
	cp "$S/$who.$l" "$D/x.$l"
	ln -s "$D/x.$l" "$D/link.$l"
	cp "$S/$other.$l" "$D.other/x.$l"
	cp "$S/$other.$l" "$D/new"
	aged "$D/new"
	start "$how.$l" "$who" "${INTERPRETER[$l]}" "$D/$name.$l"
	$how "$D" "$D/new" "$l"
	go
}

tampering() {
	local how who l
	for how in overwrite rename_over unlink_it swap_folders swap_links; do
		for l in sh py; do
			for who in good evil; do tamper $how $who $l; done
		done
	done
}

# --- Judgement

# arrived WHO: the form's lines of WHO that the server has.
arrived() {
	awk -v head="$FORM/" -v tail="\\.$1\$" 'index($3, head) == 1 && $3 ~ tail { print $3 }' "$TMP/receive.log" | sort -u
}

# judge [LINES]: every line of a good script has arrived, but for those that match LINES; no evil one has.
judge() {
	local lost
	mark
	[[ -z $(arrived evil) ]] || fail "evil lines arrived: $(arrived evil | paste -sd ' ')"
	lost=$(comm -23 <(grep -xE "$FORM/.*\.good" "$TMP/said" | sort -u) <(arrived good) | grep -vE "${1:-^$}" || true)
	[[ -z $lost ]] || fail "good lines did not arrive: $(paste -sd ' ' <<<"$lost")"
	echo "$FORM: $(arrived good | wc -l) good lines arrived, no evil one"
}

form() {
	local f
	FORM=$1
	step "form: $FORM"
	[[ -z $DAEMON ]] || stop_daemon TERM
	case $FORM in
	deny*)
		start_daemon client
		for f in "$S"/evil.*; do expect_ok ctl -A -c OUTPUT -v DROP --script "$f"; done
		;;
	allow*)
		start_daemon client --pol-out DROP
		expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/mark"
		for f in "$S"/good.*; do expect_ok ctl -A -c OUTPUT -v ACCEPT --script "$f"; done
		;;
	esac
}

setup_net
receive server $PORT
copy_program "$HELPERS/talk" mark
for l in pl js; do
	[[ ! -x ${INTERPRETER[$l]} ]] || LANGUAGES+=("$l")
done
write_scripts
for who in good evil; do
	printf '# %s\n(echo "$1" >/dev/udp/%s/%s)\n' $who $SERVER4 $PORT >"$S/$who.subshell.sh"
done
divert client
aged "$S/evil.subshell.sh"


for f in deny allow; do
	form $f
	try_all_ways
	elsewhere
	judge
done

step "200 that are gone at once, good and evil in turn"
for f in deny.short allow.short; do
	form $f
	for i in {1..100}; do
		run "$i" good /bin/bash "$S/good.sh"
		run "$i" evil "$S/evil.sh"
	done >/dev/null
	judge
	expect_that "$(arrived good | wc -l)" -eq 100 "good lines of 100"
done

step "a file that is tampered with while its script runs; a good one may be taken for unknown then"
form deny.tamper
tampering
judge
form allow.tamper
tampering
judge '\.good$'

step "what a rule cannot be sure of: descriptors, other code named beside it, a file as new as its process"
for f in deny.unsure allow.unsure; do
	form $f
	mkdir -p "$S/new"
	for who in good evil; do
		start descriptor "$who" /usr/bin/python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.set_inheritable(fd, True)
os.execve(fd, sys.argv[1:], os.environ)' "$S/$who.sh"
		go
		for l in "${LANGUAGES[@]}"; do
			[[ -n ${FOREIGN[$l]:-} ]] || continue
			# shellcheck disable=SC2086 # words
			run "foreign.$l" "$who" "${INTERPRETER[$l]}" ${FOREIGN[$l]} "$S/$who.$l"
		done
		for i in {1..20}; do
			run "new.$i" "$who" bash -c 'cat "$1" >"$2" && shift && exec /bin/bash "$@"' - "$S/$who.sh" "$S/new/$who.$i"
		done
	done
	judge "$([[ $f == deny* ]] || echo .)"
done

step "no script: code on the command line, input, pipes, programs; and nothing that blocks the daemon"
for f in deny.none allow.none; do
	form $f
	[[ $f == deny* ]] || expect_ok ctl -A -c OUTPUT -v ACCEPT -! --script "$S/evil.sh" --note "all but one"
	mkfifo "$TMP/$f.fifo"
	blocked=()
	for i in {1..6}; do
		spawn client blocked /usr/bin/python3 "$TMP/$f.fifo"
		blocked+=("$SPAWNED")
	done
	run code good /bin/bash -c "$(<"$S/good.sh")" -
	on client /bin/bash -s "$FORM/input.good" <"$S/good.sh"
	echo "$FORM/input.good" >>"$TMP/said"
	run loader good "$(ldd "$TMP/mark" | grep -oE '/[^ ]*ld-linux[^ ]*')" "$TMP/mark" -w 1000 -u $SERVER4 $PORT
	run exec good /bin/bash -c 'exec "$@"' - /bin/bash -c "$(<"$S/good.sh")" -
	printf '#!/bin/bash\nexec "%s" -w 1000 -u %s %s "$1"\n' "$TMP/mark" $SERVER4 $PORT >"$S/evil.exec.sh"
	run exec-ends-it good /bin/bash "$S/evil.exec.sh"
	on client /bin/bash <(cat "$S/good.sh") "$FORM/pipe.good"
	judge
	if [[ $f == deny* ]]; then
		wait_for received "$FORM/pipe.good"
	else
		! received "$FORM/pipe.good" || fail "a script in a pipe is unknown, and was accepted"
	fi
	halt "${blocked[@]}"
done

step "an ACCEPT rule that names script and interpreter, and a DROP rule on all but one"
form allow.both
for f in "$S"/good.*; do expect_ok ctl -D 1 -c OUTPUT; done
expect_ok ctl -A -c OUTPUT -v ACCEPT --script "$S/good.sh" --object /bin/bash
copy_program /bin/bash other-bash
run interpreter good /bin/bash "$S/good.sh"
run other.interpreter evil "$TMP/other-bash" "$S/good.sh"
run script evil /bin/bash "$S/evil.sh"
judge
form deny.negated
for f in "$S"/evil.*; do expect_ok ctl -D 0 -c OUTPUT; done
expect_ok ctl -A -c OUTPUT -v DROP -! --script "$S/good.sh" -p udp -! --object "$TMP/mark"
run only good /bin/bash "$S/good.sh"
run other evil /usr/bin/python3 "$S/good.py"
judge

step "law 4: a socket that a good and an evil script hold"
cat >"$S/good.two.py" <<END
# good
import os, socket, subprocess, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("$SERVER4", $PORT))
s.set_inheritable(True)
c = subprocess.Popen([sys.executable, sys.argv[1]], close_fds=False, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
c.stdout.readline()
s.send(sys.argv[2].encode() + b".evil\n")
c.communicate(b"\n")
s.send(sys.argv[2].encode() + b".good\n")
END
printf '# evil\nprint("here", flush=True)\ninput()\n' >"$S/evil.two.py"
aged "$S/evil.two.py"
for f in deny.two allow.two; do
	form $f
	echo "$FORM/two.good" >>"$TMP/said"
	expect_ok on client /usr/bin/python3 "$S/good.two.py" "$S/evil.two.py" "$FORM/two"
	judge
done

# told PID FIELD: what `objects` says of the script.
told() {
	ctl objects "$1" --json | jq -r ".script.$2"
}

step "objects and explain show the script, and why it is not known"
form deny.show
start show.sh good /bin/bash "$S/good.sh"
pid=$SPAWNED
[[ $(told "$pid" state) == known && $(told "$pid" path) == "$S/good.sh" ]] || fail "$(ctl objects "$pid")"
[[ $(told "$pid" sha256) == $(sha256sum "$S/good.sh" | cut -d' ' -f1) ]] || fail "not the digest of the script"
expect_line "$S/good.sh" ctl objects "$pid"
expect_ok ctl explain --pid "$pid" -d $SERVER4 -p udp --dport $PORT
grep -qF "$S/good.sh" "$TMP/out" || fail "explain does not name the script"
grep -q "was not started with that script" "$TMP/out" || fail "explain does not say why not"
go
start show.py evil /usr/bin/python3 "$S/evil.py"
[[ $(ctl explain --pid "$SPAWNED" -d $SERVER4 -p udp --dport $PORT --json | jq -r .verdict) == DROP ]] || fail "not to be dropped"
go
start show.new good /bin/bash --rcfile /dev/null "$S/good.sh"
[[ $(told "$SPAWNED" state) == seen && $(told "$SPAWNED" why) == *"other code"* ]] || fail "$(ctl objects "$SPAWNED")"
go
{ cat "$S/good.sh" && echo exit; } >"$S/large.sh"
truncate -s 65M "$S/large.sh"
aged "$S/large.sh"
start show.large good /bin/bash "$S/large.sh"
[[ $(told "$SPAWNED" state) == unknown && $(told "$SPAWNED" why) == *"64 MiB"* ]] || fail "$(ctl objects "$SPAWNED")"
go
mkdir "$S/folder"
echo 'import sys; print("waiting", flush=True); sys.stdin.readline(); print("said", flush=True)' >"$S/folder/__main__.py"
start show.folder none /usr/bin/python3 "$S/folder"
[[ $(told "$SPAWNED" state) == unknown && $(told "$SPAWNED" why) == *"not a regular file"* ]] || fail "$(ctl objects "$SPAWNED")"
go
spawn client idle sleep 300
wait_for grep -q sleep "/proc/$SPAWNED/comm"
[[ $(ctl objects "$SPAWNED" --json | jq .script) == null ]] || fail "sleep has no script"
expect_line "script     -" ctl objects "$SPAWNED"
halt "$SPAWNED"
judge

step "scripts that are older than the daemon can be blamed, and are not trusted"
for f in deny.elder allow.elder; do
	for who in good evil; do
		form $f
		start elder $who /usr/bin/python3 "$S/$who.py"
		form $f # the daemon is another one now
		[[ $(told "$SPAWNED" state) == seen ]] || fail "$(ctl objects "$SPAWNED")"
		[[ $(told "$SPAWNED" why) == *older* ]] || fail "$(ctl objects "$SPAWNED")"
		go
		judge "$([[ $f == deny* ]] || echo .)"
	done
done

step "one digest for many starts" # other scripts of this machine are looked at too
form deny.once
for i in {1..20}; do run "$i" good /bin/bash "$S/good.sh"; done >/dev/null
judge
expect_that "$(counter script_looked)" -ge 40 "looks"
expect_that "$(counter script_hashed)" -lt 20 "scripts hashed"

step "bad words"
expect_refused 2 "$TMP/nosuch" ctl -A -c OUTPUT -v DROP --script "$TMP/nosuch"
expect_refused 2 "Is a directory" ctl -A -c OUTPUT -v DROP --script "$S"
expect_refused 2 --script ctl -A -c OUTPUT -v DROP --script
digest=$(sha256sum "$S/good.sh" | cut -d' ' -f1)
expect_refused 2 "given twice" ctl -A -c OUTPUT -v DROP --script "$digest" --script "$S/good.sh"
expect_ok ctl -A -c OUTPUT -v DROP -! --script "$digest"
expect_line "-c OUTPUT -v DROP -! --script $digest" ctl -L -c OUTPUT
