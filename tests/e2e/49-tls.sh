#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: a connection on which both sides speak TLS is counted, looked into no more, and arrives byte for byte; one on
# which only one side seems to is looked into to its end.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

CLIENT_HELLO='\x16\x03\x01\x00\x64\x01' SERVER_HELLO='\x16\x03\x03\x00\x64\x02'
MB=64

# PORT CERT FILE: a web server over TLS that has one answer, the file.
# PORT TEXT: says TEXT to each that has said something, then prints what it hears.
cat >"$TMP/answer.py" <<-'END'
	import socketserver, ssl, sys
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	if len(sys.argv) > 3:
	    context.load_cert_chain(sys.argv[2])
	    body = open(sys.argv[3], "rb").read()
	else:
	    text = sys.argv[2].encode().decode("unicode_escape").encode("latin-1")
	class Web(socketserver.BaseRequestHandler):
	    def handle(self):
	        with context.wrap_socket(self.request, server_side=True) as s:
	            s.recv(65536) # a request, in one record
	            s.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
	            s.unwrap()
	class Text(socketserver.BaseRequestHandler):
	    def handle(self):
	        print("heard", self.request.recv(4096), flush=True)
	        self.request.sendall(text)
	        while (data := self.request.recv(4096)):
	            print("heard", data, flush=True)
	class Server(socketserver.ThreadingTCPServer):
	    allow_reuse_address = daemon_threads = True
	with Server(("", int(sys.argv[1])), Web if len(sys.argv) > 3 else Text) as server:
	    print("listening", flush=True)
	    server.serve_forever()
END

# ADDR PORT HELLO TEXT: says HELLO, waits for an answer, says TEXT, and ends if it is taken within a second.
cat >"$TMP/say.py" <<-'END'
	import socket, sys, time
	hello, text = (a.encode().decode("unicode_escape").encode("latin-1") for a in sys.argv[3:5])
	with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s:
	    s.sendall(hello)
	    s.recv(4096)
	    s.sendall(text)
	    end = time.monotonic() + 1
	    while s.getsockopt(socket.IPPROTO_TCP, 11, 104)[24:28] != bytes(4):
	        if time.monotonic() > end:
	            sys.exit("not taken")
END

# speaker PORT TEXT: a server that says TEXT.
speaker() {
	spawn server "speaker$1" python3 "$TMP/answer.py" "$1" "$2"
	wait_for grep -q listening "$TMP/speaker$1.log"
}

# say PORT HELLO TEXT
say() {
	on client python3 "$TMP/say.py" $SERVER4 "$@"
}

heard() {
	grep -q "^heard .*$2" "$TMP/speaker$1.log"
}

setup_net
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=server -keyout "$TMP/key" -out "$TMP/cert" 2>"$TMP/err" ||
	fail "no certificate: $(cat "$TMP/err")"
cat "$TMP/key" >>"$TMP/cert"
head -c $((MB << 20)) /dev/urandom >"$TMP/body"
spawn server https python3 "$TMP/answer.py" 8443 "$TMP/cert" "$TMP/body"
wait_for grep -q listening "$TMP/https.log"
speaker 8444 'plain words'
speaker 8445 "${SERVER_HELLO}and so on"
start_daemon client
echo 'drop tcp any any -> any any (content:"the needle"; sid:1;)' >"$TMP/rules"
expect_ok ctl sig load "$TMP/rules"

step "both sides speak TLS: it is counted, and not scanned"
divert client
expect_ok on client curl -q -sS --noproxy '*' --max-time 60 --cacert "$TMP/cert" --resolve "server:8443:$SERVER4" \
	-o "$TMP/got" -H 'X: the needle' https://server:8443/
cmp "$TMP/got" "$TMP/body" || fail "other bytes arrived"
expect_that "$(counter stream_tls)" -eq 1 "connections of TLS"

step "one side alone seems to: what follows is looked into all the same, and stopped"
expect_ok say 8444 "$CLIENT_HELLO" 'the noodle'
wait_for heard 8444 'the noodle'
expect_fail say 8444 "$CLIENT_HELLO" 'the needle'
! heard 8444 'the needle' || fail "it has arrived"
expect_ok say 8445 'GET / HTTP/1.1' 'the noodle'
wait_for heard 8445 'the noodle'
expect_fail say 8445 'GET / HTTP/1.1' 'the needle'
! heard 8445 'the needle' || fail "it has arrived"
expect_that "$(counter stream_tls)" -eq 1 "connections of TLS"

step "both say hello: that is what TLS is, and what follows cannot be looked into"
expect_ok say 8445 "$CLIENT_HELLO" 'the needle'
wait_for heard 8445 'the needle'
expect_that "$(counter stream_tls)" -eq 2 "connections of TLS"
daemon_alive
