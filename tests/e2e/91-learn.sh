#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: what nginx, curl, wget, apt-get, ping, nc and python3 do is learned in monitor mode; the rules that `learn
# suggest` prints, restored and enforced, drop nothing of it, and drop a program or a port that was not learned.
# timeout: 300
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

REPO=8080 HELLO=8088 WEB=8090 OTHER=8091 LOCAL=8099

# --- A repository, and apt-get without anything of this machine's own state ---------------------

make_repository() {
	local root=$TMP/package repo=$TMP/www/repo
	mkdir -p "$root/DEBIAN" "$repo"
	printf 'Package: afw-hello\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: nothing\n' \
		>"$root/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$root" "$repo/afw-hello.deb" >/dev/null
	{
		dpkg-deb -f "$repo/afw-hello.deb"
		echo "Filename: ./afw-hello.deb"
		echo "Size: $(stat -c %s "$repo/afw-hello.deb")"
		echo "SHA256: $(sha256sum "$repo/afw-hello.deb" | cut -d' ' -f1)"
		echo
	} >"$repo/Packages"
}

# serve_repository NS: nginx, as a master and a worker.
serve_repository() {
	cat >"$TMP/repo.conf" <<-END
		user root;
		worker_processes 1;
		pid $TMP/repo.pid;
		error_log $TMP/repo-error.log;
		events {}
		http {
			access_log off;
			client_body_temp_path $TMP/repo-nginx; proxy_temp_path $TMP/repo-nginx;
			fastcgi_temp_path $TMP/repo-nginx; uwsgi_temp_path $TMP/repo-nginx; scgi_temp_path $TMP/repo-nginx;
			server { listen 0.0.0.0:$REPO; listen [::]:$REPO; root $TMP/www; }
		}
	END
	spawn "$1" repo /usr/sbin/nginx -p "$TMP" -c "$TMP/repo.conf" -g 'daemon off;'
	wait_for listening "$1" "$REPO"
}

configure_apt() {
	mkdir -p "$TMP/apt/etc/conf" "$TMP/apt/cache/archives/partial" "$TMP/apt/state/lists/partial" "$TMP/apt/out"
	: >"$TMP/apt/status"
	echo "deb [trusted=yes] http://$SERVER4:$REPO/repo ./" >"$TMP/apt/etc/sources.list"
	cat >"$TMP/apt/apt.conf" <<-END
		Dir::Etc "$TMP/apt/etc";
		Dir::Etc::parts "$TMP/apt/etc/conf";
		Dir::Etc::main "$TMP/apt/etc/none";
		Dir::Etc::sourceparts "-";
		Dir::State "$TMP/apt/state";
		Dir::State::status "$TMP/apt/status";
		Dir::Cache "$TMP/apt/cache";
		Dir::Log "$TMP/apt";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::http::Proxy "DIRECT";
		Acquire::http::Timeout "5";
		Acquire::Retries "0";
	END
}

apt_get() {
	(cd "$TMP/apt/out" && APT_CONFIG=$TMP/apt/apt.conf on client /usr/bin/apt-get -q "$@")
}

# --- The workload -------------------------------------------------------------------------------

# ask_udp ADDR PORT: a question and its answer, as of a name server.
ask_udp() {
	on client /usr/bin/python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b'question\n')
assert s.recv(100) == b'ok\n'" "$1" "$2"
}

# share PORT: bash connects, python3 sends and receives on the same socket.
share() {
	# shellcheck disable=SC2016
	on client /usr/bin/bash -c '
exec 3<>"/dev/tcp/$1/$2"
/usr/bin/python3 -c "
import socket
s = socket.socket(fileno=3)
s.send(b\"shared\\n\")
assert s.recv(100) == b\"ok\\n\"
s.detach()"
:' share "$SERVER4" "$1"
}

# say WORD: by the connection that began before learning did.
say() {
	echo "$1" >"$TMP/keep"
	wait_for received "tcp 7000 $1"
}

# workload NAME
workload() {
	local a
	for a in $SERVER4 $SERVER6; do
		expect_passes "$1-$a" $WEB curl_get client "$a"
		expect_ok wget_get client "$a" $REPO /repo/Packages
		expect_ok ask_udp "$a" 53
		expect_ok on client ping -q -c 2 -i 0.1 -W 2 "$a"
	done
	for a in $CLIENT4 $CLIENT6; do
		expect_ok curl_get server "$a" $HELLO /
	done
	rm -rf "$TMP/apt/state/lists"
	expect_ok apt_get update
	expect_ok apt_get download afw-hello
	cmp "$TMP/www/repo/afw-hello.deb" "$TMP"/apt/out/afw-hello_1.0_all.deb || fail "apt-get got another package"
	rm "$TMP"/apt/out/*
	expect_ok share 7001
	say "$1"
	wait_for settled
}

# in_suggestion TEXT: a rule in $TMP/rules begins with it.
in_suggestion() {
	awk -v text="$1" 'index($0, text) == 1 { found = 1 } END { exit !found }' "$TMP/rules" ||
		fail "nothing suggested has '$1'"
}

learned() {
	ctl learn suggest --json | jq -e ".packets.$1"
}

setup_net
make_repository
configure_apt
serve_repository server
serve_http server $WEB
serve_http server $OTHER
receive server 53 7000 7001
divert client
start_daemon client --mode monitor --state "$TMP/state"
serve_nginx client $HELLO
serve_http client $LOCAL
mkfifo "$TMP/keep"
STDIN=$TMP/keep spawn client keep /usr/bin/nc $SERVER4 7000
say before-learning

step "what cannot be is refused"
expect_refused 1 "learn stop: nothing is being learned" ctl learn stop
expect_refused 1 "nothing was learned" ctl learn suggest
expect_refused 1 "nothing was learned before" ctl learn start --resume
expect_refused 2 "start, stop or suggest" ctl learn begin
expect_refused 2 "--wide 65537" ctl learn suggest --wide 65537
expect_refused 2 "--prefix4 33" ctl learn suggest --prefix4 33
expect_refused 2 "--prefix6 129" ctl learn suggest --prefix6 129
expect_refused 2 "--resume" ctl learn stop --resume
expect_refused 2 "/b" ctl learn suggest "$TMP/a" "$TMP/b"
expect_refused 2 "--wide" ctl learn start --wide 3

step "learn"
expect_line "learning: 0 packets" ctl learn start
expect_no_line "enforce" ctl learn start
expect_line "learning" ctl status
workload learned
workload learned-again
expect_line "stopped: " ctl learn stop
expect_no_line "learning" ctl status
seen=$(learned learned)
expect_ok wget_get client $SERVER4 $OTHER /not-learned
wait_for settled
expect_that "$(learned learned)" -eq "$seen" "packets learned after stop"

step "suggest"
expect_ok ctl learn suggest "$TMP/rules"
sed 's/^/  | /' "$TMP/rules"
ctl learn suggest | diff "$TMP/rules" - || fail "file and output differ (above)"
ctl learn suggest - --json | jq -j .text | diff "$TMP/rules" - || fail "JSON has another text (above)"
grep -qx "policy INPUT DROP" "$TMP/rules" || fail "no policy for INPUT"
grep -qx "policy OUTPUT DROP" "$TMP/rules" || fail "no policy for OUTPUT"
grep -qx "policy FORWARD ACCEPT" "$TMP/rules" || fail "another policy for FORWARD"
curl=$(digest curl)
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER4/32 -p tcp --dport $WEB --sng-hash $curl"
in_suggestion "-c INPUT -v ACCEPT -s $SERVER4/32 -p tcp --sport $WEB --sng-hash $curl"
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER6/128 -p tcp --dport $WEB --sng-hash $curl"
in_suggestion "-c INPUT -v ACCEPT -s $SERVER4/32 -p tcp --dport $HELLO --sng-hash $(digest nginx)"
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER4/32 -p tcp --sport $HELLO --sng-hash $(digest nginx)"
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER4/32 -p udp --dport 53 --sng-hash $(digest python3)"
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER4/32 -p tcp --dport 7000 --sng-hash $(digest nc)"
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER4/32 -p tcp --dport $REPO --sng-hash $(digest /usr/lib/apt/methods/http)"
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER4/32 -p icmp --sng-hash $(digest ping)"
in_suggestion "-c OUTPUT -v ACCEPT -d $SERVER4/32 -p tcp --dport 7001 --set learned-1"
! grep "^-.*port $OTHER " "$TMP/rules" || fail "suggested, and not learned (above)"
grep -v '^#' "$TMP/rules" | sed -n 's/.* --[sd]port \([0-9:]*\) .*/\1/p' | sort -u >"$TMP/ports"
while read -r port; do
	[[ " $REPO $HELLO $WEB 53 7000 7001 " == *" $port "* ]] || fail "port $port is no service's"
done <"$TMP/ports"
ctl learn suggest --prefix4 24 >"$TMP/wide"
grep -qF -- "-c OUTPUT -v ACCEPT -d 10.200.0.0/24 -p tcp --dport $WEB" "$TMP/wide" || fail "no prefix of 24"
grep -qF "256 addresses: 1 seen" "$TMP/wide" || fail "it is not told what else passes"
ctl learn suggest --wide 0 >"$TMP/wide"
! grep -E '^-.* -[sd] ' "$TMP/wide" || fail "an address (above)"
grep -q "any address: 2 seen" "$TMP/wide" || fail "it is not told that any address passes"

step "restored and enforced, nothing of it is dropped"
expect_ok ctl restore "$TMP/rules"
expect_ok ctl mode enforce
before=$(counter dropped)
workload enforced
workload enforced-again
grep '^DROP ' "$DAEMON_LOG" || true
expect_that "$(counter dropped)" -eq "$before" "packets dropped"
expect_that "$(counter rejected)" -eq 0 "packets rejected"

step "what was not learned is dropped: a program that differs by a byte, another program, another port"
cp /usr/bin/curl "$TMP/curl"
printf x >>"$TMP/curl"
other_curl() { on client "$TMP/curl" -q -sS --noproxy '*' --max-time 0.5 -o /dev/null "$(url "$1" "$2" "$3")"; }
expect_blocked other-curl $WEB other_curl $SERVER4
expect_blocked other-curl6 $WEB other_curl $SERVER6
expect_blocked other-program $WEB wget_get client $SERVER4
expect_blocked other-port $OTHER curl_get client $SERVER4
expect_blocked other-port6 $OTHER curl_get client $SERVER6
expect_blocked other-service $LOCAL curl_get server $CLIENT4
expect_passes still $WEB curl_get client $SERVER4

step "what a policy drops is not learned, what a rule decides neither; rules stay, and come first"
expect_line "the mode is enforce" ctl learn start
expect_blocked while-enforcing $OTHER curl_get client $SERVER4
expect_that "$(learned dropped)" -gt 0 "packets dropped while learning"
expect_that "$(learned ruled)" -eq 0 "packets that rules decided"
expect_passes ruled $WEB curl_get client $SERVER4
wait_for settled
expect_that "$(learned ruled)" -gt 0 "packets that rules decided"
expect_that "$(learned learned)" -eq 0 "packets learned"
expect_ok ctl mode monitor
expect_ok ctl -I 0 -c OUTPUT -v DROP -p tcp --dport $LOCAL
MAX_TIME=1 expect_fail wget_get client $SERVER4 $LOCAL /nobody-listens
expect_passes more $OTHER curl_get client $SERVER4
wait_for settled
ctl learn suggest "$TMP/more"
grep -v '^#' "$TMP/more" | grep '^-c' >"$TMP/more-rules"
ctl save | grep '^-c' >"$TMP/saved-rules"
head -n "$(wc -l <"$TMP/saved-rules")" "$TMP/more-rules" | diff "$TMP/saved-rules" - || fail "rules in force come first (above)"
tail -n +$(($(wc -l <"$TMP/saved-rules") + 1)) "$TMP/more-rules" >"$TMP/new-rules"
grep -qF -- "--dport $OTHER --sng-hash $curl" "$TMP/new-rules" || fail "not learned: $OTHER"
! grep "OUTPUT.*port $LOCAL " "$TMP/new-rules" || fail "learned although a rule denies it (above)"
expect_ok ctl restore "$TMP/more"
expect_ok ctl mode enforce
expect_passes more-enforced $OTHER curl_get client $SERVER4

step "--resume adds, another start clears, and a new daemon has learned nothing"
expect_ok ctl mode monitor
expect_ok ctl restore "$TMP/rules"
expect_ok ctl learn stop
seen=$(learned learned)
expect_that "$seen" -gt 0 "packets learned"
expect_line "learning: $seen packets" ctl learn start --resume
expect_line "learning: 0 packets" ctl learn start
stop_daemon TERM
start_daemon client --state "$TMP/state"
expect_refused 1 "nothing was learned" ctl learn suggest
