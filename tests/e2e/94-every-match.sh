#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: every match on live traffic, plain and negated, in a rule that stops and in one that lets pass, by IPv4 and IPv6: what
# matches and what does not, the receiver says. User, group, name, cgroup, container: 81-matches.sh, by the same measure.
# timeout: 300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=7001 OTHER=7002 FROM=5001
n=0
cases=0

# What is sent by: ADDR TEXT. 0 when there was an answer.
by_port() { on client "$PYTHON" "$TMP/send.py" udp "$1" $PORT $FROM "$2"; }
by_other_port() { on client "$PYTHON" "$TMP/send.py" udp "$1" $OTHER $((FROM + 100)) "$2"; }
by_tcp() { on client "$TMP/good" -w 20000 "$1" $PORT "$2"; }
by_good() { on client "$TMP/good" -u -w 20000 "$1" $PORT "$2"; }
by_evil() { on client "$TMP/evil" -u -w 20000 "$1" $PORT "$2"; }
by_script() { on client "$PYTHON" "$TMP/send.py" udp "$1" $PORT 0 "$2"; }
by_other_script() { on client "$PYTHON" "$TMP/other.py" udp "$1" $PORT 0 "$2"; }
by_jit() { on client "$PYTHON" "$TMP/send.py" jit "$1" $PORT 0 "$2"; }
by_ping() { on client ping -q -c 1 -W "${PING_S:-20}" "$1"; }

# arrives yes|no SENDER ADDR: the receiver has it, and the sender an answer; or neither. Who is stopped is told so.
arrives() {
	local want=$1 sender=$2 addr=$3 text got=no
	n=$((n + 1))
	text=line-$n.
	[[ $sender != by_ping || $want == yes ]] || local PING_S=0.3
	! "$sender" "$addr" "$text" >/dev/null 2>&1 || got=yes
	[[ $got == "$want" ]] || fail "${RULE[*]}: $sender to $addr: answered: $got (must be $want)"
	[[ $sender != by_ping ]] || return 0
	wait_for settled
	[[ $want == no ]] || wait_for received "$text"
	[[ $want == yes ]] || ! received "$text" || fail "${RULE[*]}: $sender to $addr: it arrived"
}

# both YES NO MATCHES DO_NOT ADDR: who matches, and who does not; "-" is nobody.
both() {
	[[ $1 == - ]] || arrives "$3" "$1" "$5"
	[[ $2 == - ]] || arrives "$4" "$2" "$5"
}

# rule WORD...: as the first of OUTPUT.
rule() {
	RULE=("$@")
	expect_ok ctl -I 0 -c OUTPUT "$@" >/dev/null
}

# match ADDR YES NO WORDS...: $ABOUT narrows the rules to what is sent here, and not, say, to neighbour discovery.
match() {
	local addr=$1 yes=$2 no=$3
	shift 3
	rule -v REJECT "${ABOUT[@]}" "$@"
	both "$yes" "$no" no yes "$addr"
	expect_ok ctl -D 0 -c OUTPUT >/dev/null
	rule -v REJECT "${ABOUT[@]}" -! "$@"
	both "$yes" "$no" yes no "$addr"
	expect_ok ctl -D 0 -c OUTPUT >/dev/null
	rule -v REJECT "${ABOUT[@]}"
	rule -v ACCEPT "${ABOUT[@]}" "$@"
	both "$yes" "$no" yes no "$addr"
	expect_ok ctl -D 0 -c OUTPUT >/dev/null
	rule -v ACCEPT "${ABOUT[@]}" -! "$@"
	both "$yes" "$no" no yes "$addr"
	expect_ok ctl -D 0 -c OUTPUT >/dev/null
	expect_ok ctl -D 0 -c OUTPUT >/dev/null
	cases=$((cases + 1))
	echo "$*: as it must be, to $addr"
}

# in_both YES NO WORDS...
in_both() {
	match $SERVER4 "$@"
	match $SERVER6 "$@"
}

aggregate_of() {
	ctl objects "$1" --json | jq -er .aggregate
}

# keep_neighbours: so that a rule that refuses all of ICMPv6 does not refuse what finds the peer.
keep_neighbours() {
	local mac
	mac=$(on server ip -br link show veth0 | awk '{ print $3 }')
	on client ip neigh replace $SERVER4 dev veth0 nud permanent lladdr "$mac"
	on client ip neigh replace $SERVER6 dev veth0 nud permanent lladdr "$mac"
	mac=$(on client ip -br link show veth0 | awk '{ print $3 }')
	on server ip neigh replace $CLIENT4 dev veth0 nud permanent lladdr "$mac"
	on server ip neigh replace $CLIENT6 dev veth0 nud permanent lladdr "$mac"
}

setup_net
keep_neighbours
receive server $PORT $OTHER
PYTHON=$(readlink -f "$(command -v python3)")
copy_program "$HELPERS/talk" good
copy_program "$HELPERS/talk" evil
cat >"$TMP/send.py" <<-'END'
	import mmap, socket, sys
	kind, addr, port, source, text = sys.argv[1:]
	if kind == "jit":
	    code = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
	s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(20)
	s.bind(("", int(source)))
	s.connect((addr, int(port)))
	s.send(text.encode() + b"\n")
	s.recv(64)
END
cp "$TMP/send.py" "$TMP/other.py"
echo "# another" >>"$TMP/other.py"
divert client
start_daemon client

step "addresses"
ABOUT=(-p udp)
match $SERVER4 by_port - -d $SERVER4
match $SERVER4 by_port - -d 10.200.0.0/24
match $SERVER4 - by_port -d 10.200.0.3
match $SERVER4 - by_port -d 10.200.1.0/24
match $SERVER4 - by_port -d $SERVER6
match $SERVER4 by_port - -s $CLIENT4
match $SERVER4 - by_port -s $SERVER4
match $SERVER6 by_port - -d $SERVER6
match $SERVER6 by_port - -d fd00:200::/64
match $SERVER6 - by_port -d fd00:200::3
match $SERVER6 - by_port -d fd00:201::/64
match $SERVER6 - by_port -d $SERVER4
match $SERVER6 by_port - -s fd00::/16
match $SERVER6 - by_port -s $SERVER6

step "ports"
in_both by_port by_other_port --dport $PORT
in_both by_port by_other_port --dport 6990:$PORT
in_both by_port by_other_port --sport $FROM
in_both by_port by_other_port --sport 5000:$((FROM + 99))

step "protocols, by name and by number"
ABOUT=()
for word in udp 17; do in_both by_port by_tcp -p $word; done
for word in tcp 6; do in_both by_tcp by_port -p $word; done
for word in icmp 1; do match $SERVER4 by_ping by_port -p $word; done
for word in icmpv6 ipv6-icmp 58; do match $SERVER6 by_ping by_port -p $word; done

step "network namespace"
ABOUT=(-p udp)
in_both by_good - -n "$(netns client)"
in_both - by_good -n "$(netns server)"

step "digests: of one object, of all, of a set"
mkfifo "$TMP/hold"
STDIN=$TMP/hold spawn client held "$TMP/good" -u -k $SERVER4 $PORT
wait_for aggregate_of "$SPAWNED"
in_both by_good by_evil --sng-hash "$(digest "$TMP/good")"
in_both by_good by_evil --object "$TMP/good"
in_both by_good by_evil --agg-hash "$(aggregate_of "$SPAWNED")"
expect_ok ctl set add web "$TMP/good"
in_both by_good by_evil --set web

step "scripts, memory without a file, origin"
in_both by_script by_other_script --script "$TMP/send.py"
in_both by_jit by_script --anon-exec
in_both by_good - --origin known
in_both - by_good --origin kernel
in_both - by_good --origin unknown

wait_for settled
echo "$cases matches, each in four rules; $n packets or connections"
expect_that "$cases" -eq 57 "matches"
daemon_alive
