#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: the command lines that the man pages promise work as they are written there: the options of app-fw; the commands,
# matches (negated too) and verdicts of ctl-fw; every example of its page. A rule has one text in command, list and file;
# what reads has --json; the exit status says who refused.
# timeout: 240
# Examples that are not run here: of events and top, which may not end, and of what needs more than a daemon.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

ELSEWHERE='^ctl-fw (events|top|patch|sig|hook|doctor)( |$)'
HEX=$(printf '%064x' 1)
CHAINS="INPUT OUTPUT FORWARD"

# queue_is N FILTER: what status says of that queue.
queue_is() {
	ctl status --json | jq -e ".queues[] | select(.queue == $1) | $2" >/dev/null || fail "queue $1 is not: $2"
}

rule_text() {
	ctl -L -c "$1" --json | jq -r ".chains[0].rules[$2].rule"
}

# one_text CHAIN: its first and only rule, by its text as it is listed, is the same rule on the command line and in a file.
one_text() {
	local chain=$1 text
	text=$(rule_text "$chain" 0)
	eval "expect_ok ctl -I 0 $text"
	[[ $(rule_text "$chain" 0) == "$text" ]] || fail "another text: $(rule_text "$chain" 0), and not $text"
	[[ $(ctl save | grep -cxF -- "$text") -eq 2 ]] || fail "not saved in the same words: $text"
	expect_line "$text" ctl -L
	expect_line "$text" ctl -D 1 -c "$chain"
	ctl save >"$TMP/one"
	expect_line "restored: 1 rules" ctl restore "$TMP/one"
	[[ $(rule_text "$chain" 0) == "$text" ]] || fail "restored as another: $(rule_text "$chain" 0)"
}

# The verdict on a packet of this shell.
explained() {
	ctl explain --pid $$ -s 192.0.2.9 -d 192.0.2.1 -p tcp --sport 999 --dport 80 --json | jq -r .verdict
}

# match WANT WORDS...: in a rule, and negated. WANT: whether that packet matches, yes or no; -: it is not asked.
match() {
	local want=$1 not
	shift
	for not in "" -!; do
		expect_ok ctl -A -c OUTPUT -v DROP $not "$@"
		one_text OUTPUT
		case $want$not in
		yes | no-!) [[ $(explained) == DROP ]] || fail "does not match: $not $*" ;;
		no | yes-!) [[ $(explained) == ACCEPT ]] || fail "matches: $not $*" ;;
		esac
		expect_ok ctl -D 0 -c OUTPUT
	done
}

# json CMD...: one line of it.
json() {
	expect_ok ctl "$@" --json
	[[ $(wc -l <"$TMP/out") -eq 1 ]] || fail "not one line: $*"
	jq -e 'type == "object"' "$TMP/out" >/dev/null || fail "no JSON object: $*"
}

# examples PAGE: one a line.
examples() {
	awk '/^\.Bd -literal -offset indent/ { on = 1; next } /^\.Ed/ { on = 0 } on' "$1" |
		sed -e ':a' -e '/\\e$/N; s/\\e\n//; ta' | grep '^ctl-fw ' | grep -Ev "$ELSEWHERE"
}

# What the examples name, in a mount namespace of its own.
make_examples() {
	mkdir -p "$TMP/opt/fetch/bin" "$TMP/root" "$TMP/deb/DEBIAN" "$TMP/deb/usr/bin"
	cp /bin/true "$TMP/opt/fetch/bin/fetch"
	echo 'print("backup")' >"$TMP/opt/backup.py"
	cp /bin/true "$TMP/deb/usr/bin/curl"
	printf 'Package: curl\nVersion: 8.9.1-1\nArchitecture: amd64\nMaintainer: x <x@x>\nDescription: x\n' >"$TMP/deb/DEBIAN/control"
	dpkg-deb --build "$TMP/deb" "$TMP/root/curl_8.9.1-1_amd64.deb" >/dev/null
	cat >"$TMP/enter" <<-END
		#!/bin/bash
		mount --bind "$TMP/opt" /opt && mount --bind "$TMP/root" /root && cd /root && PATH=$PWD/$BIN:\$PATH exec "\$@"
	END
	chmod 755 "$TMP/enter"
}

add_netns client
mkdir -m 700 "$TMP/state"
mount -t tmpfs -o mode=700 none "$TMP/state" # hundreds of changes, and no disk is waited for
UNDO+=("umount $TMP/state")

step "app-fw: every option by its letter, or by its only name"
start_daemon client -e "$BIN/syscall_probe.o" --queue-out 10 --queue-in 11 --queue-fwd 12 \
	--pol-out DROP --pol-in DROP --pol-fwd DROP -b 50 -B 50 -r -R -S -c 8 -n 4096 -d 1 -P --mode monitor \
	--unknown ACCEPT --kernel DROP
for n in 10 11 12; do
	queue_is $n '.policy == "DROP" and .unknown == "ACCEPT" and .kernel == "DROP"'
done
ctl status --json | jq -e --arg o "$BIN/syscall_probe.o" '.mode == "monitor" and .probes.object == $o' || fail "mode or probes"
[[ $(grep -cx ready "$DAEMON_LOG") -eq 1 ]] || fail "not one line 'ready'"
stop_daemon TERM
step "app-fw: the long names, ranges of queues, saved state"
start_daemon client --ebpf-obj "$BIN/syscall_probe.o" --queue-out 10-13 --queue-in 20-21 --queue-fwd 30 \
	--batch-count 1 --batch-timeout 0 --retain-maps --no-rescan --skip-ns-switch --pkt-prefetch 4 \
	--max-nl-bufsz 100000 --proc-delay 1 --partial-read --mode enforce --unknown DROP --kernel ACCEPT --state "$TMP/state"
queue_is 13 '.chain == "OUTPUT" and .policy == "ACCEPT" and .unknown == "DROP" and .kernel == "ACCEPT"'
queue_is 21 '.chain == "INPUT"'
expect_ok ctl -A -c OUTPUT -v DROP --note kept
kill -HUP "$DAEMON"
expect_line kept ctl -L
stop_daemon INT
step "app-fw without any; /run and /var/lib are its own here"
launch_daemon client unshare --mount env -u APP_FW_SOCKET bash -c \
	"mount -t tmpfs none /run && mount -t tmpfs none /var/lib && exec $PWD/$BIN/app-fw"
inside() {
	nsenter --mount --target "$DAEMON" env -u APP_FW_SOCKET "$@"
}
expect_ok inside "$PWD/$BIN/ctl-fw" -A -c OUTPUT -v DROP --note default
expect_ok inside test -S /run/app-fw/ctl.sock -a -s /var/lib/app-fw/rules
stop_daemon TERM
step "app-fw: the socket from the environment, as that of ctl-fw"
launch_daemon client "$BIN/app-fw" --state "$TMP/state"
for n in 0:OUTPUT 1:INPUT 2:FORWARD; do
	queue_is "${n%:*}" ".chain == \"${n#*:}\" and .policy == \"ACCEPT\""
done
ctl status --json | jq -e '.mode == "enforce" and .probes.object == "built-in"' || fail "mode or probes"
expect_line kept "$BIN/ctl-fw" -L
expect_ok ctl -D 0 -c OUTPUT

step "commands on rules, and on each chain the verdicts"
expect_ok ctl -A -c OUTPUT -v DROP -n /proc/$$/ns/net --sng-hash "$HEX"
expect_ok ctl -A -c OUTPUT -v DROP --sng-hash "$HEX"
expect_ok ctl -I 1 -c OUTPUT -v ACCEPT --note second
expect_line second ctl -D 1 -c OUTPUT
expect_ok ctl -L
expect_ok ctl -D 1 -c OUTPUT
expect_ok ctl -D 0 -c OUTPUT
for chain in $CHAINS; do
	for verdict in ACCEPT DROP REJECT KILL MARK=0x10 MARK=0x10/0xf0; do
		expect_ok ctl -A -c "$chain" -v $verdict -d 198.51.100.7
		one_text "$chain"
		expect_line "-v $verdict" ctl -L -c "$chain"
		expect_line "-v $verdict" ctl -D 0 -c "$chain"
	done
done

step "every match"
expect_ok ctl set add web "$(readlink /proc/$$/exe)"
aggregate=$(ctl objects $$ --json | jq -r .aggregate)
for words in "yes -s 192.0.2.9" "no -s 192.0.2.8" "yes -s 192.0.2.0/24" "no -s 2001:db8::1" "no -s 2001:db8::/32" \
	"yes -d 192.0.2.1" "no -d 192.0.3.0/24" "no -d 2001:db8::1" "no -d 2001:db8::/32" \
	"yes -p tcp" "no -p udp" "yes -p 6" "no -p icmp" "no -p icmpv6" "no -p sctp" "no -p 253" \
	"yes --sport 999" "yes --sport 1:1024" "no --sport 1:998" "yes --dport 80" "no --dport 443" "yes --dport 1:65535" \
	"yes --sng-hash $(digest /proc/$$/exe)" "no --sng-hash $HEX" "yes --agg-hash $aggregate" "no --agg-hash $HEX" \
	"yes --object /proc/$$/exe" "no --object /usr/bin/curl" "no --anon-exec" "yes --set web" "- --script $HEX" "- --script tests/e2e/lib.sh" \
	"yes --uid 0" "no --uid 1000" "yes --uid 0:65534" "no --uid 1000:1999" "yes --gid 0" "no --gid 1000:1999" \
	"yes --comm $(<"/proc/$$/comm")" "no --comm nosuch" "no --cgroup /nosuch-$$" "no --container $HEX" "no --container ${HEX::12}" \
	"- --origin known" "- --origin kernel" "- --origin unknown" "- -n /proc/$$/ns/net" "- -n $(readlink /proc/$$/ns/net)"; do
	# shellcheck disable=SC2086 # they are words
	match $words
done
match yes --src-ip 192.0.2.9
match no --dst-ip 192.0.2.2
match yes --proto tcp
expect_ok ctl set rm web

step "what is not a match"
for words in "--note text" "--monitor" "--expires 2099-12-31T23:59:59Z" "--expires +24h"; do
	# shellcheck disable=SC2086
	expect_ok ctl -A -c INPUT -v DROP $words
	one_text INPUT
	expect_ok ctl -D 0 -c INPUT
done
expect_ok ctl -A -c INPUT -v DROP --note 'two "words" \ and a tab is none'
one_text INPUT
expect_ok ctl --append --chain INPUT --vrdct ACCEPT --not --src-ip 192.0.2.1
expect_line "-v ACCEPT -! -s 192.0.2.1/32" ctl --delete 1 --chain INPUT
expect_ok ctl --insert 0 -c INPUT -v DROP
expect_ok ctl --list

step "commands that read, for people and for programs"
expect_line "$(digest curl)" ctl -H /usr/bin/curl -H /usr/bin/wget
cp "$TMP/out" "$TMP/hashes"
expect_line "$(digest wget)" ctl --print-hash /usr/bin/wget /usr/bin/curl
diff "$TMP/hashes" "$TMP/out" || fail "another order, another answer (above)"
expect_ok ctl status
expect_ok ctl stats
expect_line "$(readlink /proc/$$/exe)" ctl objects $$
expect_line verdict ctl explain --pid $$ -d 192.0.2.1 -p tcp --dport 80
expect_line verdict ctl explain --pid $$
expect_ok ctl save
expect_ok ctl save "$TMP/saved"
expect_ok ctl set add web /usr/bin/curl
expect_line /usr/bin/curl ctl set list
json -L
json -L -c INPUT
json -H /usr/bin/curl
json status
json stats
json objects $$
json explain --pid $$ -d 192.0.2.1 -p tcp --dport 80
json save
json set list
json set list web

step "commands that change"
expect_ok ctl set refresh
expect_ok ctl set refresh web --grace 0s
expect_ok ctl set rm web
for chain in $CHAINS; do
	expect_ok ctl policy "$chain" DROP
	expect_ok ctl policy "$chain" ACCEPT
done
expect_ok ctl mode monitor
expect_ok ctl mode enforce --confirm-within 60s
expect_ok ctl mode confirm
expect_ok ctl restore "$TMP/saved" --confirm-within 60s
expect_ok ctl mode confirm
expect_ok ctl mode enforce
expect_ok ctl restore "$TMP/saved"

step "commands of other parts: as they are typed, and what a line of their answer has"
# One more command is one more line. They run in this order.
while IFS='|' read -r words text; do
	# shellcheck disable=SC2086 # words of a command line
	expect_ok ctl $words
	[[ -z $text ]] || grep -qF -- "$text" "$TMP/out" || fail "no '$text' from: $words"
done <<'END'
events|
top --frames 1|app-fw
learn start|
learn suggest|app-fw rules 2
learn stop|
END

step "patches, signatures and hooks"
echo 'alert tcp any any -> any 80 (msg:"one of ours"; content:"nosuch"; sid:7000001;)' >"$TMP/own.rules"
expect_ok ctl patch add log4shell
expect_ok ctl patch add shellshock
expect_ok ctl patch add -d 192.0.2.1 -p tcp --dport 80 --note CVE-2099-0001 --expires +24h
expect_ok ctl patch add --cidr 192.0.2.0/24 --port 80:81 --proto tcp -c INPUT --note CVE-2099-0002
id=$(awk '{ print $NF }' "$TMP/out")
expect_line log4shell ctl patch list
expect_line CVE-2099-0001 ctl patch list
[[ $(explained) == DROP ]] || fail "a patch does not come before the rules"
expect_ok ctl patch rm log4shell
expect_ok ctl patch rm shellshock
expect_ok ctl patch rm CVE-2099-0001
expect_ok ctl patch rm "${id//[!0-9]/}"
[[ $(explained) == ACCEPT ]] || fail "a patch is in force after it was lifted"
expect_ok ctl sig load "$TMP/own.rules"
expect_line "one of ours" ctl sig list
json sig list
json patch list
expect_ok ctl sig test "$TMP/own.rules" --pcap tests/cli/request.pcap
expect_ok ctl sig rm 7000001
expect_no_line 7000001 ctl sig list
for chain in $CHAINS; do
	expect_ok on client "$BIN/ctl-fw" hook install -c "$chain"
	expect_ok on client "$BIN/ctl-fw" hook install -c "$chain" --only "-p tcp --dport 80" --fail closed
	[[ $(on client iptables -S "$chain" | grep -c 'app-fw-hook.*NFQUEUE') -eq 1 ]] || fail "no hook in $chain"
	expect_ok on client "$BIN/ctl-fw" hook remove -c "$chain"
	[[ $(on client iptables -S "$chain") == "-P $chain ACCEPT" ]] || fail "the hook has left something in $chain"
done
expect_status 1 ctl doctor # nothing is diverted here; 93-doctor.sh has the rest
grep -q '^fail .*not diverted' "$TMP/out" || fail "doctor does not say so"

step "exit status: refused, usage, no daemon"
expect_refused 1 99 ctl -D 99 -c OUTPUT
expect_refused 2 nosuch ctl nosuch
expect_refused 3 "$TMP/nosuch.sock" "$BIN/ctl-fw" --socket "$TMP/nosuch.sock" status
APP_FW_SOCKET=$TMP/nosuch.sock expect_refused 3 "$TMP/nosuch.sock" "$BIN/ctl-fw" status
expect_ok "$BIN/ctl-fw" --help
expect_ok "$BIN/app-fw" --help
expect_ok "$BIN/ctl-fw" --version
expect_ok "$BIN/app-fw" --version

step "the examples of the man page, one after the other"
make_examples
ran=0
while IFS= read -r line; do
	expect_ok ctl set add web /usr/bin/wget # one of them has removed it
	line=${line/--pid 4711/--pid $$} line=${line/objects 1/objects $$} line=${line/HEX/$HEX}
	expect_ok timeout 20 unshare --mount "$TMP/enter" bash -o pipefail -c "$line"
	ran=$((ran + 1))
done < <(examples docs/ctl-fw.8)
expect_that "$ran" -ge 30 "examples"
daemon_alive
