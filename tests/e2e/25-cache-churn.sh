#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Goal: with the verdict cache, nothing passes that the rules deny at the moment it is sent: under random forks, execs,
# dlopens, executable memory, descriptors passed and taken, alternating destinations and rule changes; while most of
# what is allowed passes in the kernel. SEED=N repeats a run.
# timeout: 170
# shellcheck source=tests/e2e/bpffs.sh
. "$(dirname "$0")/bpffs.sh"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

WORKERS=3
ROUNDS=60
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}

# What a worker calls to change the rules: CTL deny|allow TAG PORT. A rule for each, by its note.
cat >"$TMP/ctl" <<'END'
#!/bin/bash
set -e
ctl=("$CTL_FW" --socket "$APP_FW_SOCKET")
exec 9>"$CHURN_LOCK"
flock 9
if [[ $1 == deny ]]; then
	"${ctl[@]}" -I 0 -c OUTPUT -v DROP -p udp --dport "$3" --note "churn $2" >/dev/null
else
	index=$("${ctl[@]}" -L -c OUTPUT --json |
		jq --arg note "churn $2" '.chains[0].rules[] | select(.rule | contains($note)) | .index')
	"${ctl[@]}" -D "$index" -c OUTPUT >/dev/null
fi
END
chmod 755 "$TMP/ctl"
export CTL_FW=$PWD/$BIN/ctl-fw CHURN_LOCK=$TMP/churn.lock

# evil_came: the lines of those that must not.
evil_came() {
	grep -E "^udp [0-9]+ w[0-9]+ evil-" "$TMP/receive.log" || true
}

good_came() {
	grep -cE "^udp [0-9]+ w[0-9]+ good " "$TMP/receive.log" || true
}

echo "SEED=$SEED"
setup_net
receive server 7001 7002 7011 7012 7021 7022
copy_program "$HELPERS/churn" good
copy_program "$HELPERS/churn" evil
math=$(ldd /usr/bin/python3 | awk '/libm\./ { print $3 }')
copy_program "$math" evil.so
[[ -z ${UNCACHED:-} ]] || divert client
start_daemon client
[[ -n ${UNCACHED:-} ]] || hook client
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil.so"
expect_ok ctl -A -c OUTPUT -v DROP --anon-exec -p udp
for ((i = 0; i < WORKERS; i++)); do
	expect_ok ctl -A -c OUTPUT -v DROP -p udp --dport $((7002 + 10 * i))
done

workers=()
for ((i = 0; i < WORKERS; i++)); do
	on client "$TMP/good" $SERVER4 $((7001 + 10 * i)) w$i $((SEED + i)) $ROUNDS "$TMP/evil" "$TMP/evil.so" "$TMP/ctl" \
		>"$TMP/worker-$i.log" 2>&1 &
	workers+=($!)
done
for ((i = 0; i < WORKERS; i++)); do
	wait "${workers[i]}" || fail "worker $i: $(cat "$TMP/worker-$i.log")"
done

sent=$(awk '{ n += $2 } END { print n }' "$TMP"/worker-*.log)
bad=$(awk '{ n += $4 } END { print n }' "$TMP"/worker-*.log)
echo "sent: $sent good, $bad evil; in the kernel: $(counter cache_accepted) accepted, $(counter cache_dropped) dropped"
wait_for settled
[[ -z $(evil_came) ]] || fail "SEED=$SEED: $(evil_came)"
expect_that "$bad" -gt $((WORKERS * ROUNDS)) "evil lines that were sent"
expect_that "$(good_came)" -gt $((sent / 2)) "good lines that came"
expect_that "$(counter cache_accepted)" -gt $((sent / 2)) "packets that passed in the kernel"
for cause in epoch holders mappings; do
	expect_that "$(counter cache_revoked_$cause)" -gt 0 "verdicts revoked by $cause"
done
