#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: rules on user, group, name, cgroup, container, origin and any protocol decide what the peer sees, IPv4 and IPv6, in
# deny and in allow form; what a process changes of itself counts as it is when the packet is judged.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

n=0

# says CMD...: it sends a line of its own by UDP over both families, and whether it arrived: yes, no, mixed.
says() {
	local four six
	on client "$@" $SCRIPTS/refused.py udp $SERVER4 7001 "four-$n" >/dev/null
	on client "$@" $SCRIPTS/refused.py udp $SERVER6 7001 "six-$n" >/dev/null
	wait_for settled
	four=$(grep -c "udp 7001 four-$n\$" "$TMP/receive.log" || true)
	six=$(grep -c "udp 7001 six-$n\$" "$TMP/receive.log" || true)
	case $four$six in 11) echo yes ;; 00) echo no ;; *) echo mixed ;; esac
}

# expect_says yes|no CMD...
expect_says() {
	local want=$1 got
	shift
	n=$((n + 1))
	got=$(says "$@")
	echo "$*: $got (must be $want)"
	[[ $got == "$want" ]] || fail "arrived: $got instead of $want: $*"
}

# both_forms MATCH VALUE: of $yes and $no, commands that match and do not, the rule stops the right one.
both_forms() {
	local match=$1 value=$2
	step "$match $value"
	expect_ok ctl -A -c OUTPUT -v REJECT "$match" "$value"
	expect_says no "${yes[@]}"
	expect_says yes "${no[@]}"
	expect_ok ctl -D 0 -c OUTPUT
	expect_ok ctl -A -c OUTPUT -v REJECT -! "$match" "$value"
	expect_says yes "${yes[@]}"
	expect_says no "${no[@]}"
	expect_ok ctl -D 0 -c OUTPUT
	expect_ok ctl -A -c OUTPUT -v ACCEPT "$match" "$value"
	expect_ok ctl -A -c OUTPUT -v REJECT -p udp
	expect_says yes "${yes[@]}"
	expect_says no "${no[@]}"
	expect_ok ctl -D 0 -c OUTPUT
	expect_ok ctl -I 0 -c OUTPUT -v ACCEPT -! "$match" "$value"
	expect_says no "${yes[@]}"
	expect_says yes "${no[@]}"
	expect_ok ctl -D 0 -c OUTPUT
	expect_ok ctl -D 0 -c OUTPUT
}

setup_net
receive server 7001
divert client
python=$(readlink -f "$(command -v python3)")
cp "$python" "$TMP/some name"
cp "$python" "$TMP/other"
start_daemon client

yes=(setpriv --reuid 4321 --clear-groups "$python") no=(setpriv --reuid 4323 --clear-groups "$python")
both_forms --uid 4321
both_forms --uid 4300:4322
yes=(setpriv --regid 4321 --clear-groups "$python") no=("$python")
both_forms --gid 4321
yes=("$TMP/some name") no=("$TMP/other")
both_forms --comm "some name"

# A cgroup of our own, in the hierarchy of version 2 wherever that is mounted, with one below it that is
# named as systemd names a container's.
id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
mkdir "$TMP/cgroup"
mount -t cgroup2 none "$TMP/cgroup"
UNDO+=("umount $TMP/cgroup")
mkdir "$TMP/cgroup/afw-$$" "$TMP/cgroup/afw-$$/docker-$id.scope"
UNDO+=("rmdir $TMP/cgroup/afw-$$" "rmdir $TMP/cgroup/afw-$$/docker-$id.scope")
cat >"$TMP/inside" <<-END
	#!/bin/sh
	echo \$\$ >"$TMP/cgroup/afw-$$/docker-$id.scope/cgroup.procs" && exec "\$@"
END
chmod +x "$TMP/inside"
yes=("$TMP/inside" "$python") no=("$python")
both_forms --cgroup "/afw-$$"
both_forms --container $id
both_forms --container ${id:0:12}

step "a name that is changed counts from then on"
cat >"$TMP/rename.py" <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.connect((sys.argv[1], 7001))
	for line in ("before", "after"):
	    open("/proc/self/comm", "w").write("talks-" + line)
	    s.send(line.encode() + b"-rename\n")
	    try:
	        s.recv(64)
	    except OSError:
	        pass
END
expect_ok ctl -A -c OUTPUT -v REJECT --comm talks-after
expect_ok on client "$python" "$TMP/rename.py" $SERVER4
wait_for settled
received before-rename || fail "it did not arrive"
! received after-rename || fail "it arrived"
expect_ok ctl -D 0 -c OUTPUT

step "INPUT, where the packet carries no user: that of the holder"
expect_ok ctl -A -c INPUT -v REJECT --uid 4321
spawn client in-4321 setpriv --reuid 4321 --clear-groups "$python" $SCRIPTS/receive.py 7005
spawn client in-4323 setpriv --reuid 4323 --clear-groups "$python" $SCRIPTS/receive.py 7006
wait_for grep -q '^listening$' "$TMP/in-4321.log"
wait_for grep -q '^listening$' "$TMP/in-4323.log"
for addr in $CLIENT4 $CLIENT6; do
	expect_line ECONNREFUSED on server "$python" $SCRIPTS/refused.py udp "$addr" 7005 in
	expect_line ok on server "$python" $SCRIPTS/refused.py udp "$addr" 7006 in
done
! grep -q udp "$TMP/in-4321.log" || fail "it arrived"
expect_ok ctl -D 0 -c INPUT

step "--origin: what the kernel answers by itself, and what a process sends"
expect_ok ctl -A -c OUTPUT -v DROP --origin kernel -p icmp
expect_fail on server ping -q -c 1 -W 0.5 $CLIENT4
expect_ok on client ping -q -c 1 -W 10 $SERVER4
expect_ok ctl -D 0 -c OUTPUT
expect_ok ctl -A -c OUTPUT -v DROP --origin known -p icmp
expect_ok on server ping -q -c 1 -W 10 $CLIENT4
expect_fail on client ping -q -c 1 -W 0.5 $SERVER4
expect_ok ctl -D 0 -c OUTPUT

step "any protocol, by name and by number"
cat >"$TMP/raw.py" <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_RAW, int(sys.argv[2]))
	s.sendto(bytes(32), (sys.argv[1], 0))
END
for word in sctp:132 gre:47 esp:50 ospf:89 253:253; do
	name=${word%:*} number=${word#*:}
	count_rule server -p "$number" -m comment --comment "p-$name"
	for addr in $SERVER4 $SERVER6; do
		expect_ok on client "$python" "$TMP/raw.py" "$addr" "$number"
	done
	seen() {
		[[ $(seen_by_rule server "p-$name") -eq 2 ]]
	}
	wait_for seen
	expect_ok ctl -A -c OUTPUT -v DROP -p "$name"
	for addr in $SERVER4 $SERVER6; do
		expect_ok on client "$python" "$TMP/raw.py" "$addr" "$number"
	done
	wait_for settled
	seen || fail "protocol $name passed"
	expect_ok ctl -D 0 -c OUTPUT
done
daemon_alive
