#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What: 10 minutes (SOAK_S=600) of new connections at full rate, with programs that come and go: memory, descriptors and maps stay flat
# timeout: 7200
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

SOAK_S=${SOAK_S:-600}
EVERY_S=$((SOAK_S >= 120 ? 5 : 1))

# kB of memory that the kernel holds for the maps that the daemon has descriptors of.
maps_kb() {
	{ cat "/proc/$DAEMON/fdinfo/"* 2>/dev/null || true; } |
		awk '/^memlock:/ { bytes = $2 } /^map_id:/ { of[$2] = bytes } END { for (id in of) n += of[id]; print int(n / 1024) }'
}

# One line: second, resident kB, descriptors, sockets and processes on record, kB of our maps, kB of slabs of the whole machine, packets.
observe() {
	ctl status --json >"$TMP/status"
	echo "$1 $(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status") $(find "/proc/$DAEMON/fd" -type l | wc -l)" \
		"$(jq '.sockets, .processes' "$TMP/status" | tr '\n' ' ')$(maps_kb)" \
		"$(awk '/^SUnreclaim/ { print $2 }' /proc/meminfo) $(counter queued)"
}

# Each observation takes the place of a pause: wrk runs for so long, and programs that were never seen send meanwhile.
load() {
	on client wrk -t 2 -c 16 -d "${EVERY_S}s" -H 'Connection: close' "$(url $SERVER4 8081 /)" </dev/null >"$TMP/wrk" &
	local wrk=$!
	copy_program "$BIN/bench/first" "soak.$1"
	on client "$BIN/bench/first" "$(netns server)" $SERVER4 7100 "$TMP/soak.$1" >>"$TMP/steps"
	rm "$TMP/soak.$1"
	wait "$wrk"
	requests_per_s <"$TMP/wrk" >>"$TMP/rate"
}

setup_net
on client sysctl -q -w net.ipv4.ip_local_port_range="1024 64999" net.ipv4.tcp_tw_reuse=1
serve_nginx server 8081
divert client
guard_with 1000

n=0 began=$SECONDS
while ((SECONDS - began < SOAK_S)); do
	load $n
	observe $((SECONDS - began)) >>"$TMP/seen"
	say "$(tail -n 1 "$TMP/seen"): $(tail -n 1 "$TMP/rate") connections/s"
	n=$((n + 1))
done
((n >= 8)) || fail "only $n observations"

# trend COLUMN WHAT UNIT SLACK: least, greatest and slope an hour (least squares) without the first fifth, in which tables fill. It is
# flat when the median of the last third is not above that of the first by more than 3 % and SLACK.
trend() {
	awk -v c="$1" -v what="$2" -v unit="$3" -v slack="$4" '
		function middle(from, to,   i, j, t, m, a) {
			for (i = from; i < to; i++) a[m++] = v[i]
			for (i = 1; i < m; i++) for (j = i; j > 0 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
			return a[int(m / 2)]
		}
		{ x[NR - 1] = $1; y[NR - 1] = $c }
		END {
			for (i = int(NR / 5); i < NR; i++) {
				v[n] = y[i]; s[n] = x[i]
				if (!n || v[n] < lo) lo = v[n]
				if (!n || v[n] > hi) hi = v[n]
				sx += s[n]; sy += v[n]; sxx += s[n] * s[n]; sxy += s[n] * v[n]; n++
			}
			d = n * sxx - sx * sx
			slope = d ? (n * sxy - sx * sy) / d * 3600 : 0
			a = middle(0, int(n / 3) + 1); b = middle(n - int(n / 3) - 1, n)
			printf "{\"what\": \"%s\", \"unit\": \"%s\", \"least\": %d, \"greatest\": %d, \"slope_per_hour\": %.1f, \"first_third\": %d, \"last_third\": %d, \"flat\": %s}\n",
				what, unit, lo, hi, slope, a, b, b <= a * 1.03 + slack ? "true" : "false"
		}' "$TMP/seen" >>"$ROWS"
}

trend 2 'resident memory' kB 256
trend 3 'descriptors' '' 2
trend 4 'sockets on record' '' 2000
trend 5 'processes on record' '' 20
trend 6 'memory of maps' kB 256
jq -rs '["what", "unit", "least", "greatest", "an hour", "first third", "last third", ""], (.[] | [.what, .unit, .least, .greatest,
	.slope_per_hour, .first_third, .last_third, if .flat then "flat" else "GROWS" end]) | @tsv' "$ROWS" | align 2
slab=$(awk 'NR == 1 { a = $7 } { b = $7 } END { printf "%d .. %d", a, b }' "$TMP/seen")
echo "  unreclaimable slabs of the whole machine: $slab kB; $(tail -n 1 "$TMP/seen" | cut -d' ' -f8) packets," \
	"median $(median "$TMP/rate") connections/s"
record ". + {seconds: $SOAK_S, packets: $(tail -n 1 "$TMP/seen" | cut -d' ' -f8), connections_per_s: $(median "$TMP/rate")}"
! grep -q '"flat": false' "$ROWS" || fail "not flat (above)"
