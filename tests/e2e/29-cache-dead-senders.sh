#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: with the verdict cache, and while packets of dead processes pass in the kernel, what a dead process has left
# behind is sent only if it could be while it lived: not when it was denied, even if it has received since; not against
# a rule that has come since, nor with --kernel DROP; but when it was denied once and later allowed. A refusal's RST
# passes.
# timeout: 170
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# ADDR PORT N: N connections; at each line "I TEXT" of standard input writes TEXT into the I-th, or closes it; prints what
# it receives; ends with its input, at once.
cat >"$TMP/leave.py" <<-'END'
	import os, select, socket, sys
	socks = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for i in range(int(sys.argv[3]))]
	print("connected", flush=True)
	while True:
	    for f in select.select([0] + [s for s in socks if s.fileno() >= 0], [], [])[0]:
	        if f != 0:
	            print("got", f.recv(4096).decode(), flush=True)
	            continue
	        line = b""
	        while not line.endswith(b"\n"):
	            c = os.read(0, 1)
	            if not c:
	                os._exit(0)
	            line += c
	        i, text = line.split(b" ", 1)
	        if text == b"close\n":
	            socks[int(i)].close()
	        else:
	            socks[int(i)].send(text)
END

# PORT: prints what it receives, and says each line of standard input to all that are connected.
cat >"$TMP/tell.py" <<-'END'
	import select, socket, sys
	s = socket.create_server(("", int(sys.argv[1])))
	socks = []
	print("listening", flush=True)
	while True:
	    for f in select.select([0, s] + socks, [], [])[0]:
	        if f == 0:
	            line = sys.stdin.buffer.readline()
	            for c in socks:
	                c.send(line)
	        elif f == s:
	            socks.append(s.accept()[0])
	        else:
	            try:
	                got = f.recv(4096)
	            except OSError:
	                got = b""
	            if got:
	                print("got", got.decode(), flush=True)
	            else:
	                socks.remove(f)
END

# ADDR PORT: connections for ever, which it closes first.
cat >"$TMP/connect.py" <<-'END'
	import socket, sys, time
	while True:
	    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s:
	        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	        s.recv(4096)
	    time.sleep(0.005)
END

# leave NAME N: the program NAME has N connections; its words come by the descriptor $pipe.
leave() {
	rm -f "$TMP/$1.in" "$TMP/$1.log"
	mkfifo "$TMP/$1.in"
	nsenter --net="$(netns client)" "$TMP/$1" "$TMP/leave.py" $SERVER4 7002 "$2" <"$TMP/$1.in" >"$TMP/$1.log" 2>&1 &
	PIDS+=($!)
	LEAVER=$!
	exec {pipe}>"$TMP/$1.in"
	wait_for grep -q connected "$TMP/$1.log"
}

# It ends, at once.
end_leaver() {
	exec {pipe}>&-
	wait_for gone "$LEAVER"
}

told() {
	grep -q "^got .*$1" "$TMP/tell.log"
}

# say_on CMD...: says something by the second connection, from which the daemon learns what it tells the kernel. As CMD.
say_on() {
	echo "1 other" >&"$pipe"
	"$@"
}

# deafen, listen_again: whether what is sent to the server arrives, after it has left the client.
deafen() {
	on server iptables -w 5 -I INPUT -p tcp --dport 7002 -j DROP
}

listen_again() {
	on server iptables -w 5 -D INPUT -p tcp --dport 7002 -j DROP
}

lost_there() {
	on server iptables -w 5 -nvxL INPUT | awk '/dpt:7002/ { n += $1 } END { print n + 0 }'
}

lost_more() {
	[[ $(lost_there) -gt $1 ]]
}

# orphan_dropped: two packets more of a dead process, which are sent less and less often.
orphan_dropped() {
	local dropped
	dropped=$(counter dropped)
	WAIT_S=$((60 * SLOW)) wait_for counts_more dropped $((dropped + 1))
}

# warm: packets of dead processes pass in the kernel, by the rules of this moment.
warm() {
	local accepted
	accepted=$(counter cache_accepted)
	wait_for counts_more cache_accepted $((accepted + 200))
}

setup_net
serve_nginx server 8088
python=$(readlink -f "$(command -v python3)")
copy_program "$python" good
copy_program "$python" evil
mkfifo "$TMP/tell.in"
exec 4<>"$TMP/tell.in"
STDIN=$TMP/tell.in spawn server tell /usr/bin/python3 "$TMP/tell.py" 7002
wait_for grep -q listening "$TMP/tell.log"
start_daemon client
expect_ok ctl -A -c INPUT -v DROP -p tcp --sport 7002 --monitor # so that the daemon sees what is received, and lets it pass
hook client
spawn client connect "$TMP/good" "$TMP/connect.py" $SERVER4 8088
CONNECT=$SPAWNED

step "denied in the middle of its connection, it receives, writes, and exits: nothing of that arrives"
leave evil 1
echo "0 hello" >&"$pipe"
wait_for told hello
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
warm
dropped=$(counter dropped)
echo "0 evil-says" >&"$pipe"
wait_for counts_more dropped "$dropped"
echo "news" >&4
wait_for grep -q '^got news' "$TMP/evil.log"
end_leaver
orphan_dropped
warm
orphan_dropped
! told evil-says || fail "it has arrived"

step "not denied, it has written what is lost on the way, and exits: a rule that comes now is obeyed"
leave good 1
echo "0 hello-again" >&"$pipe"
wait_for told hello-again
warm
deafen
echo "0 good-says" >&"$pipe"
wait_for lost_more 0
end_leaver
expect_ok ctl -I 0 -c OUTPUT -v DROP -p tcp --dport 7002
listen_again
orphan_dropped
! told good-says || fail "it has arrived, against the rule"
expect_ok ctl -D 0 -c OUTPUT
wait_for told good-says

step "denied, then allowed by the kernel alone, with last words that are lost on the way: they arrive"
leave good 2
echo "0 first" >&"$pipe"
wait_for told first
expect_ok ctl -I 0 -c OUTPUT -v DROP --object "$TMP/good" -p tcp --dport 7002
dropped=$(counter dropped)
echo "0 second" >&"$pipe"
wait_for counts_more dropped $((dropped + 2)) # it is sent again and again, ever later
expect_ok ctl -D 0 -c OUTPUT
wait_for say_on told second
echo "0 third" >&"$pipe"
wait_for say_on told third
deafen
echo "0 good-too" >&"$pipe"
wait_for say_on lost_more 2
echo "0 close" >&"$pipe" # its FIN is its holder's still, as it would not be at the end of the process
wait_for say_on lost_more 4
end_leaver
halt "$CONNECT"
expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport 9 # other rules: now the daemon has to say it
listen_again
wait_for told good-too

step "--kernel DROP: nothing of a dead process passes, nor of a connection in TIME_WAIT; a refusal's RST does"
stop_daemon TERM
start_daemon client --kernel DROP
expect_ok ctl -A -c OUTPUT -v REJECT --object "$TMP/evil"
hook client
leave good 1
echo "0 hello-third" >&"$pipe"
wait_for told hello-third
deafen
echo "0 kernel-says" >&"$pipe"
wait_for lost_more 0
end_leaver
before=$(lost_there)
orphan_dropped
expect_that "$(lost_there)" -le $((before + 1)) "packets that left, but for the one on its way"
listen_again
orphan_dropped
! told kernel-says || fail "it has arrived"
expect_fail on client "$TMP/evil" "$TMP/leave.py" $SERVER4 7002 1
grep -q ConnectionRefusedError "$TMP/err" || fail "not refused at once"
