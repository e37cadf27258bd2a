# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a virtual machine was kept from: a measurement during which its processors were given to another one has
# measured that other one. Whether it was says the kernel (proc_stat(5): steal), whatever the measurement says; where it
# does not tell, as on a machine of one's own, nothing was stolen.
STOLEN_PERMILLE=${STOLEN_PERMILLE:-50} # of the time that its processors had work: more, and it counts as disturbed
STOLEN_AGAIN=${STOLEN_AGAIN:-40}       # measurements that are made again, of all, before they count as they are
STOLEN=0                               # measurements that counted although they were disturbed
WORKED=0                               # what the processors worked during the last one, in ticks

# What the processors worked so far, and what they would have worked meanwhile, in ticks.
work_and_steal() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $9 }' /proc/stat
}

# stolen BEFORE AFTER: the part of the work in between, in thousandths, that another machine kept them from.
stolen() {
	awk '{ work[NR] = $1; steal[NR] = $2 }
		END { w = work[2] - work[1]; s = steal[2] - steal[1]; print (w + s > 0 ? int(1000 * s / (w + s)) : 0) }' \
		<<<"$1"$'\n'"$2"
}

# undisturbed FILE CMD...: what CMD prints, into FILE, of the first time that nothing to speak of was stolen from it; what
# they worked meanwhile, all that ran on them, is in $WORKED.
undisturbed() {
	local file=$1 before after lost
	shift
	while true; do
		before=$(work_and_steal)
		"$@" >"$file"
		after=$(work_and_steal)
		lost=$(stolen "$before" "$after")
		# shellcheck disable=SC2034 # bench/lib.sh reads it
		WORKED=$((${after% *} - ${before% *}))
		((lost > STOLEN_PERMILLE)) || return 0
		echo "$*: another machine had $lost/1000 of its time" >&2
		((STOLEN_AGAIN > 0)) || break
		((STOLEN_AGAIN -= 1)) || true
	done
	((STOLEN += 1))
}
