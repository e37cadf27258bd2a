#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: the commands of docs/steering.md, word for word, send what a flagged program asks through nginx with ModSecurity
# and the Core Rule Set, IPv4 and IPv6: an attack gets 403 and does not reach the backend, what is harmless does; others go
# straight, whatever they are called; nothing of the flagged program gets past it; and undone it is as before.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PAGE=docs/steering.md
BACKEND4=192.0.2.10 BACKEND6=2001:db8::10 # the page's
SCRIPT='q=%3Cscript%3Ealert(1)%3C/script%3E'
TRAVERSAL='file=../../../etc/passwd'

# A mount namespace in which /etc/nginx and what nginx writes are of this test; else it is this machine.
make_host() {
	mkdir "$TMP/host" "$TMP/host/"{log,lib,run}
	cp -a /etc/nginx "$TMP/host/etc"
	cat >"$TMP/enter" <<-END
		#!/bin/bash
		set -e
		mount --bind "$TMP/host/etc" /etc/nginx
		mount --bind "$TMP/host/log" /var/log/nginx
		mount --bind "$TMP/host/lib" /var/lib/nginx
		mount --bind "$TMP/host/run" /run
		PATH=$PWD/$BIN:\$PATH exec "\$@"
	END
	chmod 755 "$TMP/enter"
}

# type_in NAME: the block of that name, as the page has it.
type_in() {
	step "the page's block: $1"
	awk -v fence="\`\`\`sh $1" '/^```/ { inside = $0 == fence; next } inside' $PAGE >"$TMP/$1.sh"
	[[ -s $TMP/$1.sh ]] || fail "$PAGE has no block $1"
	expect_ok on client timeout $((30 * SLOW)) unshare --mount "$TMP/enter" bash -e "$TMP/$1.sh"
}

# What the page says is done by systemctl.
start_nginx() {
	spawn client nginx unshare --mount "$TMP/enter" /usr/sbin/nginx -g 'daemon off;'
	NGINX=$SPAWNED
	wait_for listening client 8080
}

firewall_rules() {
	{
		on client iptables-save
		on client ip6tables-save
	} | grep '^-A'
}

# gets ANSWER PROGRAM ADDR PATH: the status, and who passed it on if somebody did. SEEN=no: not by the backend.
gets() {
	local want=$1 program=$2 got
	got=$(on client "$program" -q -s -g --max-time 5 -o /dev/null -w '%{http_code} %header{via}' "$(url "$3" 80 "$4")" || true)
	echo "${program##*/} $3 $4: '${got% }' (must be '$want')"
	[[ ${got% } == "$want" ]] || fail "'${got% }' instead of '$want': $*"
	if http_saw 80 "$4"; then got=yes; else got=no; fi
	[[ $got == "${SEEN:-yes}" ]] || fail "seen by the backend: $got: $*"
}

blocked_by_waf() {
	SEEN=no gets "403 1.1 waf" "$@"
}

# dropped_last: packets that the last rule of the page has dropped, both families together.
dropped_last() {
	{
		on client iptables -w 5 -t mangle -nvxL POSTROUTING
		on client ip6tables -w 5 -t mangle -nvxL POSTROUTING
	} | awk '/DROP/ { n += $1 } END { print n + 0 }'
}

has_dropped_more() {
	[[ $(dropped_last) -gt $1 ]]
}

[[ -e /etc/nginx/modsecurity.conf && -d /usr/share/modsecurity-crs/rules ]] ||
	skip "no ModSecurity for nginx here (libnginx-mod-http-modsecurity, modsecurity-crs)"
make_host
setup_net
address server veth0 $BACKEND4/32 $BACKEND6/128
on client ip route add $BACKEND4 via $SERVER4
on client ip route add $BACKEND6 via $SERVER6
serve_http server 80
copy_program /usr/bin/curl other
mkdir "$TMP/renamed" "$TMP/named"
cp /usr/bin/curl "$TMP/renamed/fetch"
cp "$TMP/other" "$TMP/named/curl"
start_daemon client

type_in waf
start_nginx
type_in rules
step "no packet is diverted yet: curl's connections are straight; one is kept open that conntrack knows, one that it does not"
on client iptables -A INPUT -m conntrack --ctstate ESTABLISHED
gets 200 /usr/bin/curl $BACKEND4 "/before4?$SCRIPT"
gets 200 /usr/bin/curl $BACKEND6 "/before6?$SCRIPT"
# keep_open V ADDR: a connection of curl's; its pid in $SPAWNED. What comes into $TMP/go$V is sent.
keep_open() {
	mkfifo "$TMP/go$1"
	STDIN=$TMP/go$1 spawn client "open$1" /usr/bin/curl -q -s "telnet://$(url "$2" 80 "" | sed 's|.*//||')"
	wait_for connected "$2"
}
connected() {
	on client ss -Htn state established | grep -F "$1"
}
keep_open 4 $BACKEND4
OPEN4=$SPAWNED
keep_open 6 $BACKEND6
OPEN6=$SPAWNED
firewall_rules >"$TMP/rules-before" || true

type_in steer
type_in see
[[ $(head -n 3 "$TMP/out" | tr '\n' ' ') == "403 200 200 " ]] || fail "not what the page says: $(head -n 3 "$TMP/out")"

for to in 4:$BACKEND4 6:$BACKEND6; do
	v=${to%%:*} addr=${to#*:}
	step "IPv$v: the flagged program, whatever its name"
	for program in /usr/bin/curl "$TMP/renamed/fetch"; do
		blocked_by_waf "$program" "$addr" "/script$v-${program##*/}?$SCRIPT"
		blocked_by_waf "$program" "$addr" "/traversal$v-${program##*/}?$TRAVERSAL"
		gets "200 1.1 waf" "$program" "$addr" "/harmless$v-${program##*/}?q=hello"
	done
	step "IPv$v: others, whatever their name"
	for program in "$TMP/other" "$TMP/named/curl"; do
		gets 200 "$program" "$addr" "/script$v-straight-${program##*/}?$SCRIPT"
		gets 200 "$program" "$addr" "/traversal$v-straight-${program##*/}?$TRAVERSAL"
		gets 200 "$program" "$addr" "/harmless$v-straight-${program##*/}?q=hello"
	done
done
grep -q '/harmless6-fetch' "$TMP/host/log/waf.log" || fail "it is not in nginx's log"
! grep -q straight "$TMP/host/log/waf.log" || fail "what goes straight is in nginx's log"
for rules in 930-APPLICATION-ATTACK-LFI 941-APPLICATION-ATTACK-XSS 949-BLOCKING-EVALUATION; do
	grep -q "modsecurity-crs/rules/REQUEST-$rules" "$TMP/host/log/modsec_audit.log" || fail "not by the Core Rule Set: $rules"
done

step "connections of the flagged program that were open before: conntrack knows it, it is stopped; does not, it is reset"
expect_that "$(dropped_last)" -eq 0 "packets that were marked and not steered"
if ! connected $BACKEND4 || ! connected $BACKEND6; then
	fail "they are closed already"
fi
for v in 4 6; do # at once: a line alone may be the end of who reads them
	printf 'GET /open%s HTTP/1.0\r\n\r\n' $v >"$TMP/request"
	cat "$TMP/request" >"$TMP/go$v"
done
wait_for has_dropped_more 0
wait_for gone "$OPEN6"
step "what is left unsent when it is gone"
before=$(dropped_last)
halt "$OPEN4"
wait_for has_dropped_more "$before"
! http_saw 80 /open || fail "the backend saw it"

step "a socket that another program has made, and shares with it"
cat >"$TMP/share.py" <<-'END'
	import socket, subprocess, sys
	addr, program, path = sys.argv[1:]
	s = socket.create_connection((addr, 80))
	s.settimeout(1)
	other = subprocess.Popen([program, "-q", "-K", "-"], pass_fds=[s.fileno()], stdin=subprocess.PIPE)
	while "/libcurl" not in open(f"/proc/{other.pid}/maps").read():
	    pass # its program is mapped before the execve is over: until then it is what it was
	s.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
	try:
	    print(s.recv(12).decode())
	except TimeoutError:
	    print("nothing")
	other.kill()
END
for addr in $BACKEND4 $BACKEND6; do
	expect_line "HTTP/1.0 200" on client python3 "$TMP/share.py" "$addr" "$TMP/other" "/shared-other-$addr"
	http_saw 80 "/shared-other-$addr" || fail "the backend did not see it"
	expect_line nothing on client python3 "$TMP/share.py" "$addr" /usr/bin/curl "/shared-curl-$addr"
	! http_saw 80 "/shared-curl-$addr" || fail "the backend saw it"
done
wait_for settled
expect_that "$(counter marked)" -gt 0 "packets marked"

step "without nginx, the flagged program is refused, and others are not"
halt "$NGINX"
expect_status 7 curl_get client $BACKEND4 80 /no-nginx4
expect_status 7 curl_get client $BACKEND6 80 /no-nginx6
gets 200 "$TMP/other" $BACKEND4 /no-nginx4-straight
step "without app-fw, nothing gets there"
stop_daemon TERM
MAX_TIME=1 expect_fail wget_get client $BACKEND4 80 /no-daemon4
MAX_TIME=1 expect_fail wget_get client $BACKEND6 80 /no-daemon6
! http_saw 80 /no-daemon || fail "the backend saw it"

type_in undo
firewall_rules >"$TMP/rules-after" || true
diff "$TMP/rules-before" "$TMP/rules-after" || fail "iptables rules are not as before (above)"
gets 200 /usr/bin/curl $BACKEND4 "/after4?$SCRIPT"
gets 200 /usr/bin/curl $BACKEND6 "/after6?$SCRIPT"
