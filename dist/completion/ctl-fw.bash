# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ctl-fw for bash. tests/cli/completion.sh holds it against what the program says of itself.

_ctl_fw_commands='-A --append -I --insert -D --delete -L --list -H --print-hash
	status stats objects explain policy set save restore mode
	events top learn hook patch sig doctor'
_ctl_fw_packet='-c -s -d -p --sport --dport'
_ctl_fw_matches='-s -d -p --sport --dport -n --sng-hash --agg-hash --anon-exec --object --set --script
	--origin --uid --gid --comm --cgroup --container'
_ctl_fw_patch_options='--cidr --port --sid --pattern --pcre --file --until-unmapped'
_ctl_fw_protocols='tcp udp icmp icmpv6 ipv6-icmp sctp dccp udplite esp ah gre igmp ipencap egp igp ipv6
	rsvp eigrp ospf ipip etherip pim ipcomp vrrp l2tp isis mpls-in-ip hip'

# The command among the words before the one at the cursor, and how many words after it.
_ctl_fw_find() {
	local i
	command='' place=0
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ -n $command ]]; then
			((place += 1))
		elif [[ " $_ctl_fw_commands " == *[[:space:]]"${COMP_WORDS[i]}"[[:space:]]* ]]; then
			command=${COMP_WORDS[i]}
		fi
	done
}

# The named sets of the daemon, if one answers at once.
_ctl_fw_sets() {
	local i where=()
	for ((i = 1; i + 1 < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != --socket ]] || where=(--socket "${COMP_WORDS[i + 1]}")
	done
	timeout 1 "${COMP_WORDS[0]}" set list --json "${where[@]}" 2>/dev/null | grep -o '"set":"[^"]*"' | cut -d '"' -f 4
}

_ctl_fw_pids() {
	printf '%s\n' /proc/[0-9]* | cut -d / -f 3
}

_ctl_fw_cgroups() {
	compgen -d -- "/sys/fs/cgroup$1" | sed 's|^/sys/fs/cgroup||'
}

# What may follow $1 as its value, or as the argument of a command. Fails where it is not a word that wants one.
_ctl_fw_value() {
	# After a command an option may come first; after an option its value comes, even if it begins with "-".
	[[ $cur != -* || ($1 == -* && $1 != -H && $1 != --print-hash) ]] || return 1
	case $1 in
	-c | --chain | policy) words='INPUT OUTPUT FORWARD' ;;
	-v | --vrdct) words='ACCEPT DROP REJECT KILL MARK=' ;;
	-p | --proto) words=$_ctl_fw_protocols ;;
	--origin) words='known kernel unknown' ;;
	--set) words=$(_ctl_fw_sets) ;;
	--pid | objects) words=$(_ctl_fw_pids) ;;
	--cgroup) words=$(_ctl_fw_cgroups "$cur") ;;
	--dpkg) words=$(dpkg-query -W -f '${Package}\n' 2>/dev/null) ;;
	--root) files=-d ;;
	-n | --object | --script | --file | --socket | --pcap | -H | --print-hash | save | restore) files=-f ;;
	mode) words='enforce monitor confirm' ;;
	set) words='add rm list refresh expect' ;;
	learn) words='start stop suggest' ;;
	hook) words='install refresh remove' ;;
	patch) words='add rm list' ;;
	sig) words='load list rm test' ;;
	--fail) words='open closed' ;;
	-I | --insert | -D | --delete | -s | --src-ip | -d | --dst-ip | --sport | --dport | --sng-hash | --agg-hash | --uid | \
		--gid | --comm | --container | --expires | --note | --grace | --confirm-within | --frames | --prefix4 | --prefix6 | --wide | --cidr | --port | --sid | --pattern | --pcre | --limit | --only) ;;
	*) return 1 ;;
	esac
}

# What else may follow the words of `set`: $1 is its verb, the next word is number $2 after `set`.
_ctl_fw_set() {
	case $1 in
	add)
		if (($2 == 1)); then words=$(_ctl_fw_sets); else files=-f; fi
		[[ $cur != -* ]] || words='--dpkg --root --json --socket'
		;;
	refresh)
		if (($2 == 1)) && [[ $cur != -* ]]; then words=$(_ctl_fw_sets); fi
		words+=' --grace --json --socket'
		;;
	expect)
		files=-f
		[[ $cur != -* ]] || words='--root --grace --json --socket'
		;;
	*)
		if (($2 == 1)) && [[ $cur != -* ]]; then words=$(_ctl_fw_sets); fi
		words+=' --json --socket'
		;;
	esac
}

# The same of `learn`.
_ctl_fw_learn() {
	case $1 in
	start) words='--resume --json --socket' ;;
	suggest)
		[[ $cur == -* ]] || files=-f
		words='--prefix4 --prefix6 --wide --json --socket'
		;;
	*) words='--json --socket' ;;
	esac
}

# The same of `patch`; the next word is number $2 after it.
_ctl_fw_patch() {
	words='--json --socket'
	[[ $1 == add ]] || return
	if [[ $cur != -* ]] && (($2 == 1)); then words+=' log4shell shellshock'; fi
	words+=" -c $_ctl_fw_matches $_ctl_fw_patch_options -! --monitor --expires --note"
}

# The same of `sig`; the next word is number $2 after it.
_ctl_fw_sig() {
	case $1 in
	load)
		if (($2 == 1)) && [[ $cur != -* ]]; then
			files=-f words='builtin:all builtin:log4shell builtin:shellshock builtin:spring4shell builtin:traversal'
		fi
		words+=' --skip-unsupported --limit --json --socket'
		;;
	test)
		[[ $cur == -* ]] || files=-f
		words='--skip-unsupported --pcap --json --socket'
		;;
	rm)
		words='--json --socket'
		(($2 != 1)) || words+=' all'
		;;
	*) words='--json --socket' ;;
	esac
}

# The options that go with the command.
_ctl_fw_options() {
	case $command in
	'') words="$_ctl_fw_commands --help --version --json --socket" ;;
	-A | --append | -I | --insert) words="-c -v $_ctl_fw_matches -! --monitor --expires --note --json --socket" ;;
	-D | --delete | -L | --list) words='-c --json --socket' ;;
	explain) words="--pid $_ctl_fw_packet --json --socket" ;;
	policy)
		words='--json --socket'
		((place != 1)) || words='ACCEPT DROP'
		;;
	set) _ctl_fw_set "${COMP_WORDS[COMP_CWORD - place]}" "$place" ;;
	-H | --print-hash)
		[[ $cur == -* ]] || files=-f
		words='-H --print-hash --json --socket'
		;;
	events) words='-f --follow --json --socket' ;;
	top) words='--frames --json --socket' ;;
	patch) _ctl_fw_patch "${COMP_WORDS[COMP_CWORD - place]}" "$place" ;;
	learn) _ctl_fw_learn "${COMP_WORDS[COMP_CWORD - place]}" ;;
	sig) _ctl_fw_sig "${COMP_WORDS[COMP_CWORD - place]}" "$place" ;;
	hook)
		words='-c --json --socket'
		[[ ${COMP_WORDS[COMP_CWORD - place]} != install ]] || words+=' --only --fail'
		;;
	restore | mode) words='--confirm-within --json --socket' ;;
	*) words='--json --socket' ;;
	esac
}

# Leaves out of the words the options that stand there already; -!, -H and --print-hash may come again.
_ctl_fw_new() {
	local word
	for word in $words; do
		[[ $word == -* && $word != -! && $word != -H && $word != --print-hash && " ${COMP_WORDS[*]:1:COMP_CWORD-1} " == *" $word "* ]] ||
			printf '%s\n' "$word"
	done
}

_ctl_fw() {
	local cur=$2 previous=$3 command place words='' files=''

	COMPREPLY=()
	_ctl_fw_find
	if [[ $previous == -! || $previous == --not ]]; then
		words=$_ctl_fw_matches
	elif [[ $previous == = ]] || ! _ctl_fw_value "$previous"; then
		_ctl_fw_options
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(_ctl_fw_new)" -- "$cur")
	if [[ -n $files ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$files" -- "$cur")
	fi
	[[ ${COMPREPLY[*]} != MARK= ]] || compopt -o nospace 2>/dev/null
}

complete -F _ctl_fw ctl-fw
