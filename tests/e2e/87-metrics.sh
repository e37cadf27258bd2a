#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: --metrics tells, in OpenMetrics that a strict parser takes, exactly what ctl-fw tells; nobody who
# connects there, and nothing that becomes of its answers, holds up a scrape, a verdict or the daemon's end.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=9877
TYPE='content-type: application/openmetrics-text; version=1.0.0; charset=utf-8'

metrics() {
	/usr/bin/python3 $SCRIPTS/metrics.py "$@"
}

# scrape_from NS ADDR: to $TMP/metrics, headers to $TMP/headers.
scrape_from() {
	on "$1" /usr/bin/curl -q -sS -f --noproxy '*' --max-time "${MAX_TIME:-20}" -D "$TMP/headers" \
		-o "$TMP/metrics" "$(url "$2" $PORT /metrics)"
}

scrape() {
	scrape_from client 127.0.0.1
}

# status_of PATH CURL-OPTION...: the HTTP status.
status_of() {
	on client /usr/bin/curl -q -sS --noproxy '*' --max-time 5 -o /dev/null -w '%{http_code}' "${@:2}" \
		"$(url 127.0.0.1 $PORT "$1")"
}

expect_http() {
	local got
	got=$(status_of "${@:2}")
	[[ $got == "$1" ]] || fail "HTTP status $got instead of $1: ${*:2}"
}

sample() {
	metrics value "$TMP/metrics" "$@"
}

# told N SAMPLE [LABEL=VALUE]...: a new scrape tells it.
told() {
	scrape && [[ $(sample "${@:2}") == "$1" ]]
}

# agrees: counters and stages lie between what ctl-fw tells before and after, rules are as it lists them.
agrees() {
	ctl stats --json >"$TMP/stats" && scrape && ctl stats --json >"$TMP/stats-after" &&
		ctl -L --json >"$TMP/listed" &&
		metrics compare "$TMP/metrics" "$TMP/stats" "$TMP/listed" "$TMP/stats-after"
}

no_listener() {
	[[ -z $(on client ss -Hltn) ]] || fail "somebody listens in the client's namespace"
}

# Ten echo requests, and their replies.
ten_pings() {
	expect_ok on client ping -q -c 10 -i 0.01 -W 1 $SERVER4
}

another() {
	timeout 20 nsenter --net="$(netns client)" "$BIN/app-fw" --no-state --socket "$TMP/other/ctl.sock" \
		--queue-out 10 --queue-in 11 --queue-fwd 12 "$@"
}

setup_net
serve_http server 8080
on client iptables -w 5 -A OUTPUT ! -o lo -j NFQUEUE --queue-num 0
on client iptables -w 5 -A INPUT ! -i lo -j NFQUEUE --queue-num 1

step "nobody listens unless he is told to"
start_daemon client
no_listener
stop_daemon TERM

step "an address that comes after the daemon"
start_daemon client --metrics 10.77.0.9:$PORT
expect_fail scrape_from client 10.77.0.9
address client lo 10.77.0.9/32
expect_ok scrape_from client 10.77.0.9
stop_daemon TERM

step "bad words, and places that cannot be had"
for word in "" $PORT :$PORT localhost:$PORT 127.0.0.1 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:http 127.0.0.256:$PORT \
	::1:$PORT "[::1]" "[::1]:" "[::1:$PORT" "[127.0.0.1]:$PORT"; do
	expect_refused 2 "--metrics ${word:-\"\"}: expected ADDR:PORT" another --metrics "$word"
done
expect_refused 2 "--metrics: expected a value after it" another --metrics

start_daemon client --metrics 127.0.0.1:$PORT
expect_refused 1 "--metrics 127.0.0.1:$PORT: Address already in use" another --metrics 127.0.0.1:$PORT

step "a strict parser takes it"
expect_ok ctl -A -c OUTPUT -v ACCEPT -p icmp --note 'say "ping" \ grüße'
expect_ok ctl -A -c OUTPUT -v DROP -p tcp --dport 8080 --monitor
expect_ok ctl -A -c INPUT -v ACCEPT -p icmp
wait_for told 1 appfw_rules chain=INPUT
expect_that "$(sample appfw_rules chain=OUTPUT)" -eq 2 "rules of OUTPUT"
expect_that "$(sample appfw_rules_epoch)" -eq "$(ctl status --json | jq .epoch)" "epoch"
tr -d '\r' <"$TMP/headers" | grep -qix "$TYPE" || fail "another content type: $(cat "$TMP/headers")"
expect_ok sample appfw_uptime_seconds
expect_that "$(sample appfw_build_info "version=$("$BIN/app-fw" -V | cut -d' ' -f2)")" -eq 1 "version"
expect_that "$(sample appfw_daemon_info "pid=$DAEMON")" -eq 1 "pid"
expect_that "$(sample appfw_queue_info chain=OUTPUT queue=0 policy=ACCEPT fail=closed)" -eq 1 "queue"
expect_that "$(sample appfw_mode appfw_mode=enforce)" -eq 1 "mode"
expect_that "$(sample appfw_state appfw_state=ok)" -eq 1 "state"

step "counters grow by exactly what was sent"
scrape
queued=$(sample appfw_queued_total) accepted=$(sample appfw_accepted_total)
ten_pings
wait_for told $((queued + 20)) appfw_queued_total
expect_that "$(sample appfw_accepted_total)" -eq $((accepted + 20)) "accepted"
expect_that "$(sample appfw_rule_packets_total chain=OUTPUT index=0 'note=say "ping" \ grüße')" -eq 10 "packets of the rule"
expect_that "$(sample appfw_rule_bytes_total chain=OUTPUT index=0)" -eq 840 "bytes of the rule"
expect_that "$(sample appfw_rule_packets_total chain=INPUT index=0 note=)" -eq 10 "packets of the other"
expect_that "$(sample appfw_stage_duration_seconds_count stage=decide)" -ge 20 "decisions timed"
expect_passes monitored 8080 curl_get client $SERVER4
wait_for agrees
expect_ok metrics compare "$TMP/metrics" "$TMP/stats" "$TMP/listed" "$TMP/stats-after"

step "mode, and what waits to be confirmed"
expect_ok ctl mode monitor --confirm-within 60s
wait_for told 1 appfw_mode appfw_mode=monitor
expect_that "$(sample appfw_confirm appfw_confirm=mode)" -eq 1 "waits"
expect_that "$(sample appfw_confirm_left_seconds | cut -d. -f1)" -ge 30 "seconds left"
expect_ok ctl mode confirm
expect_ok ctl mode enforce
wait_for told 1 appfw_mode appfw_mode=enforce
expect_that "$(sample appfw_confirm_left_seconds)" -eq 0 "seconds left"

step "the dashboard asks for nothing that is not told"
expect_ok metrics names "$TMP/metrics" dist/grafana-dashboard.json

step "other paths, other methods, garbage"
expect_http 200 /metrics
expect_http 200 /metrics --head
expect_http 404 /
expect_http 404 /metrics/x
expect_http 405 /metrics -d x=1
expect_http 405 /metrics -X DELETE
head -c 100000 /dev/urandom | on client nc -N -w 2 127.0.0.1 $PORT >/dev/null || true
printf 'GET /metrics HTTP/1.1\r\n%*s' 50000 x | on client nc -N -w 2 127.0.0.1 $PORT >/dev/null || true
scrape

step "rules that are replaced all the time: each scrape is of one rule set"
for set in "few 3000" "many 20000"; do
	read -r name n <<<"$set"
	{
		echo 'app-fw rules 2'
		seq "$n" | sed "s/.*/-c FORWARD -v DROP -d 192.0.2.1 --note \"$name &\"/"
		echo end
	} >"$TMP/$name"
done
cat >"$TMP/swap.sh" <<-'END'
	while :; do
	    "$1" --socket "$2" restore "$3/few" && "$1" --socket "$2" restore "$3/many" || exit
	done
END
expect_ok ctl restore "$TMP/many"
wait_for told 20000 appfw_rules chain=FORWARD
spawn client swap bash "$TMP/swap.sh" "$BIN/ctl-fw" "$APP_FW_SOCKET" "$TMP"
new_epoch() {
	scrape && [[ $(sample appfw_rules_epoch) -gt $epoch ]]
}
for i in {1..5}; do
	epoch=$(sample appfw_rules_epoch)
	wait_for new_epoch
	expect_ok metrics whole "$TMP/metrics" FORWARD
done
! gone "$SPAWNED" || fail "a restore was refused"
halt "$SPAWNED"
daemon_alive

step "a hundred idle connections hold up neither scrapes nor verdicts"
spawn client idle /usr/bin/python3 $SCRIPTS/metrics.py idle 127.0.0.1 $PORT 100
wait_for grep -q '^open$' "$TMP/idle.log"
scrapes() {
	local i
	for i in {1..20}; do
		scrape || return
	done
}
expect_ok scrapes
before=$(counter queued)
ten_pings
expect_passes idle 8080 curl_get client $SERVER4
expect_that "$(counter queued)" -ge $((before + 20)) "packets queued meanwhile"

step "and not the daemon's end"
stop_daemon TERM
no_listener
halt "$SPAWNED"

step "answers that OUTPUT drops: the scrape fails, and nothing else"
on client ip6tables -w 5 -A OUTPUT ! -p ipv6-icmp -j NFQUEUE --queue-num 0
start_daemon client --metrics "[::]:$PORT" --pol-out DROP
for addr in $CLIENT4 $CLIENT6; do
	before=$(counter dropped)
	MAX_TIME=1 expect_fail scrape_from server "$addr"
	expect_that "$(counter dropped)" -gt "$before" "packets dropped"
done
daemon_alive
expect_blocked curl 8080 curl_get client $SERVER4
expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$BIN/app-fw" -p tcp --sport $PORT
for addr in $CLIENT4 $CLIENT6; do
	expect_ok scrape_from server "$addr"
	expect_ok sample appfw_dropped_total
done
expect_that "$(ctl -L --json | jq '.chains[] | select(.chain == "OUTPUT").rules[0].packets')" -gt 0 "packets of the rule"
expect_blocked curl-again 8080 curl_get client $SERVER4

step "the daemon ends while answers are dropped and connections are open"
spawn server idle-server /usr/bin/python3 $SCRIPTS/metrics.py idle $CLIENT4 $PORT 10
wait_for grep -q '^open$' "$TMP/idle-server.log"
expect_ok ctl -D 0 -c OUTPUT
before=$(counter dropped)
spawn server unanswered /usr/bin/curl -q -sS --noproxy '*' --max-time 60 "$(url $CLIENT4 $PORT /metrics)"
wait_for counts_more dropped "$before"
stop_daemon TERM
