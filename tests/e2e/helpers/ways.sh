# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the scenarios about attribution, after lib.sh: each way in helpers/ways.c is gone by an evil and
# a good copy of that program, under three forms of rules, and the receiver judges.
#
#   free   no rule: what arrives then is what the way sends; a way that sends nothing is a failure
#   deny   policy ACCEPT, a DROP rule on evil's digest
#   allow  policy DROP, an ACCEPT rule on good's digest alone
#
# A line is FORM/WAY.VARIANT.WHO….TAG. WHO is evil, good, or two of them, opener first; the TAG says
# which of them hold the socket (self, other, both). It must arrive when all of these are good.

GOOD_PORT=7001 EVIL_PORT=7002 # by who opens the socket
MARKS=0                       # how many datagrams have marked an end
UNKNOWN_BEFORE=0
WRONG=0                       # lines judged wrong, and ways that cost an unknown packet

# What cannot be shown is unknown: these ways may cost good its packets where all must be good, never let evil's pass.
MAY_BE_LOST='scm-in-flight|scm-in-flight-exit|scm-under-way|uring-fork'

# setup_ways: namespaces, receiver, programs.
setup_ways() {
	setup_net
	receive server $GOOD_PORT $EVIL_PORT
	: >"$TMP/sniff.log"
	copy_program "$HELPERS/ways" good
	copy_program "$HELPERS/ways" evil
	[[ -n ${ANSWERS:-} ]] || no_answers
	divert client
}

# no_answers: of the receiver, to datagrams. One that meets a socket just closed is no packet of the way.
no_answers() {
	local t
	for t in iptables ip6tables; do
		on client $t -w 5 -I INPUT -p udp --sport $GOOD_PORT:$EVIL_PORT -j DROP
	done
}

# form FORM: a daemon with the rules of that form.
form() {
	[[ -z $DAEMON ]] || stop_daemon
	step "form: $1"
	case $1 in
	free) start_daemon client ;;
	deny)
		start_daemon client
		expect_ok ctl -A -c OUTPUT -v DROP --object "$TMP/evil"
		;;
	allow)
		start_daemon client --pol-out DROP
		expect_ok ctl -A -c OUTPUT -v ACCEPT --object "$TMP/good"
		;;
	esac
	UNKNOWN_BEFORE=0
	"$TMP/evil" list none # so that the daemon has seen and hashed both
	wait_for warm
}

warm() {
	((MARKS += 1))
	on client "$TMP/good" socket udp4 $SERVER4 $GOOD_PORT "mark/$MARKS"
	poll 1 received "mark/$MARKS.self"
}

# arrived TEXT: lines with it.
arrived() {
	grep -acF -- "$1" "$TMP/receive.log" || true
}

# expect_lives FORM N: of those that `ways relay` was told to have live, so many good ones have sent and none else.
expect_lives() {
	mark
	expect_that "$(arrived "$1/life.udp4.good")" -eq "$2" "good ones arrived"
	expect_that "$(arrived "$1/life.udp4.evil")" -eq 0 "evil ones arrived"
	expect_that "$(counter unknown)" -eq 0 "packets of unknown origin"
}

# mark: returns when all that was sent before it has its verdict: behind it, on each queue.
mark() {
	local cpu
	for ((cpu = 0; cpu < QUEUES; cpu++)); do
		((MARKS += 1))
		if ((QUEUES > 1)); then
			on client taskset -c $cpu "$TMP/good" socket udp4 $SERVER4 $GOOD_PORT "mark/$MARKS"
		else
			on client "$TMP/good" socket udp4 $SERVER4 $GOOD_PORT "mark/$MARKS"
		fi
		wait_for received "mark/$MARKS.self"
	done
	wait_for settled
}

# command WHO WAY VARIANT FORM [ENV...]: one line of shell that goes the way.
command_of() {
	local who=$1 way=$2 variant=$3 text=$4/$2.$3.$1 wait=250 opens=4000 to=$SERVER4 port=$GOOD_PORT first=${1%%-*}
	shift 4
	[[ $variant != *6 ]] || to=$SERVER6
	[[ $first != evil ]] || port=$EVIL_PORT
	[[ $who == *evil* && $text != free/* && $* != *GATE=* ]] || wait=4000
	[[ $first != evil ]] || opens=$wait
	echo "WAIT_MS=$wait CONNECT_MS=$opens $* '$TMP/$first' $way $variant $to $port $text" \
		"$([[ $who != *-* ]] || echo "'$TMP/${who#*-}'") &"
}

# ways_of GROUP: those that match $ONLY_WAY and not $NOT_WAY, with their variants.
ways_of() {
	"$TMP/good" list "$1" | awk -v only="^(${ONLY_WAY:-.*})\$" -v but="^(${NOT_WAY:-})\$" '$1 ~ only && $1 !~ but'
}

# everybody GROUP: who goes the ways of that group.
everybody() {
	case $1 in
	pair) echo good-good good-evil evil-good ;;
	turns) echo good-evil evil-good ;;
	*) echo evil good ;;
	esac
}

# commands FORM GROUP WAY VARIANTS [ENV...]: of all who go that way.
commands() {
	local form=$1 group=$2 way=$3 variants=$4 variant who
	shift 4
	for variant in $variants; do
		for who in $(everybody "$group"); do
			command_of "$who" "$way" "$variant" "$form" "$@"
		done
	done
}

# unknown_since WAY: says so when packets of unknown origin were counted since the last call.
unknown_since() {
	local now
	now=$(counter unknown)
	[[ $now -eq $UNKNOWN_BEFORE || ${1#*/} =~ ^($MAY_BE_LOST)$ ]] || {
		echo "UNKNOWN $1: $((now - UNKNOWN_BEFORE)) packets"
		((WRONG += 1))
	}
	UNKNOWN_BEFORE=$now
}

# go FORM GROUP [ENV...]: every way of the group, one after the other.
go() {
	local form=$1 group=$2 way variants
	shift 2
	while read -r way variants; do
		commands "$form" "$group" "$way" "$variants" "$@" >"$TMP/batch"
		echo wait >>"$TMP/batch"
		# What is read to its end is the output of the last descendant.
		on client bash "$TMP/batch" 2>&1 </dev/null | sort -u | sed 's/^/  /'
		mark
		unknown_since "$form/$way"
	done < <(ways_of "$group")
	daemon_alive
}

# Every connection that its process left unfinished has been tried twice by the kernel alone.
tried_again() {
	local all
	all=$(on client ss -Hti state fin-wait-1 state last-ack)
	[[ -z $(awk '/cwnd:/ && !/backoff:([2-9]|[1-9][0-9])/' <<<"$all") ]]
}

# after_all: returns when what was blocked has been tried again by the kernel, without its process.
after_all() {
	wait_for tried_again
	mark
}

# judge FORM [kept]: compares what arrived with what must; "kept": connections are older than the rules.
judge() {
	cat "$TMP/receive.log" "$TMP/sniff.log" | grep -aoE '(free|deny|allow)/[^ ]+' | sort -u |
		awk -F/ -v form="$1" -v kept="${2:-}" -v lossy="^($MAY_BE_LOST)[.]" '
			$1 == "free" { sent[$2] }
			$1 == form { seen[$2] }
			function must_arrive(line,  f, n, who, i, tag) {
				n = split(line, f, ".")
				split(f[3], who, "-")
				for (i = 4; i <= n; i++)
					if (f[i] ~ /^(self|other|both)$/)
						tag = f[i]
				if (f[2] ~ /^tcp/ && who[1] != "good" && !kept)
					return 0
				return (tag == "other" || who[1] == "good") && (tag == "self" || who[2] == "good")
			}
			END {
				for (line in sent) {
					n++
					must = must_arrive(line)
					if (must && form == "allow" && line ~ lossy)
						continue
					if (must != (line in seen)) {
						print "WRONG " form "/" line (must ? ": did not arrive" : ": arrived")
						wrong++
					}
				}
				print form ": " n + 0 " lines judged, " wrong + 0 " wrong"
			}' | sort >"$TMP/judged"
	cat "$TMP/judged"
	((WRONG += $(grep -c '^WRONG' "$TMP/judged" || true))) || true
}

# all_sent GROUP: each way of the group had each of its lines through when there was no rule.
all_sent() {
	local way variants variant who
	while read -r way variants; do
		for variant in $variants; do
			for who in $(everybody "$1"); do
				grep -qaF "free/$way.$variant.$who." "$TMP/receive.log" "$TMP/sniff.log" ||
					{ echo "WRONG $way.$variant.$who: nothing arrives without a rule"; ((WRONG += 1)); }
			done
		done
	done < <(ways_of "$1")
}

# every_form GROUP [ENV...]
every_form() {
	local f
	for f in free deny allow; do
		form $f
		go $f "$@"
		[[ $f != free ]] || { all_sent "$1"; continue; }
		after_all
		judge $f
	done
}

none_wrong() {
	expect_that "$WRONG" -eq 0 "wrong"
}
