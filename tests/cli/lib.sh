# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts here share: what a program says of itself, and how a test is told of.
export LC_ALL=C.UTF-8

passed=0 failed=0 skipped=0

# test_that NAME CMD...: what the command prints says what is wrong, if it fails.
test_that() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "ok $name"
		((passed += 1))
	else
		echo "FAIL $name"
		[[ -z $out ]] || echo "    ${out//$'\n'/$'\n'    }"
		((failed += 1))
	fi
}

skip() {
	echo "skip: $1"
	((skipped += 1))
}

# The summary, with which a script ends.
summary() {
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0))
}

# commands_of PROGRAM: the first name of each command that its --help tells of.
commands_of() {
	"$1" --help | awk '/^[a-z]/ { in_commands = $0 == "commands" } in_commands && /^  / { sub(",", "", $1); print $1 }'
}

# words_of PROGRAM: all commands and options that its --help tells of, one a line, sorted. They are in the first
# column; where the second begins with an option, that is another first one.
words_of() {
	{
		commands_of "$1"
		"$1" --help | awk '/^  / {
			sub(/^ +/, "")
			n = split($0, column, /  +/)
			print column[1]
			if (column[2] ~ /^-/) print column[2]
		}' | tr -s ' ,' '\n' | sed 's/^\[//; s/]$//' | grep '^-'
	} | sort -u
}

# expected_by CMD...: the words of which one should have stood where the last one stands, as the refusal names them.
expected_by() {
	"$@" 2>&1 | sed -n 's/.*: expected //p' | sed 's/ or /, /; s/MARK=.*/MARK=/; s/, /\n/g' | sort
}

# same A B: two lists of lines, and what they are.
same() {
	diff --label "$1" --label "$3" <(echo "$2") <(echo "$4")
}
