#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: of a server that takes a connection for each request, packets are known to be its own or the kernel's, also
# those that go out while it is inside accept(2) or close(2): not one in 100,000 is unknown; no socket lacks a record.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

setup_net
serve_nginx client 8088
divert client
start_daemon client --no-state

for i in 1 2 3; do
	step "3 s of requests, run $i"
	expect_ok on server wrk -t 1 -c 8 -d 3s -H 'Connection: close' "$(url $CLIENT4 8088 /)"
done
expect_that "$(counter known)" -gt 1000 "known packets"
expect_that $(($(counter unknown) * 100000)) -lt "$(counter known)" "100,000 times the unknown packets"
expect_that "$(counter sockets_lost)" -eq 0 "sockets without a record"
