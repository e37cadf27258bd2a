# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of app-fw for bash. tests/cli/completion.sh holds it against what the program says of itself.

_app_fw_options='-e --ebpf-obj --queue-out --queue-in --queue-fwd --pin --pol-out --pol-in --pol-fwd -b --batch-count
	-B --batch-timeout -r --retain-maps -R --no-rescan -P --partial-read --mode --unknown --kernel --socket --state
	--no-state --metrics --events --events-size --events-keep --inspect-closed --sig-test --pcap --skip-unsupported --json -S -c -n -d -h --help -V --version'

_app_fw() {
	local cur=$2 previous=$3 words='' files=''

	COMPREPLY=()
	case $previous in
	--pol-out | --pol-in | --pol-fwd | --unknown | --kernel) words='ACCEPT DROP' ;;
	--mode) words='enforce monitor' ;;
	--inspect-closed) words='INPUT OUTPUT FORWARD' ;;
	-e | --ebpf-obj | --socket | --sig-test | --pcap) files=-f ;;
	--events) words='stdout journal' files=-f ;;
	--state) files=-d ;;
	--queue-out | --queue-in | --queue-fwd | --metrics | --events-size | --events-keep | -b | --batch-count | -B | --batch-timeout | -c | -n | -d) ;;
	*) words=$_app_fw_options ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	if [[ -n $files ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$files" -- "$cur")
	fi
}

complete -F _app_fw app-fw
