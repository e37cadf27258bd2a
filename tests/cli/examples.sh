#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/cli/examples.sh CTL_FW APP_FW: each command of ctl-fw has an example in its manual page, and each option of
# both programs is in theirs.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

ctl=$1 app=$2

# The lines that are set as they are typed.
examples=$(awk '/^\.Bd -literal/ { inside = 1; next } /^\.Ed/ { inside = 0 } inside' docs/ctl-fw.8)

# has_example WORD...: a line that begins with ctl-fw and these, as whole words.
has_example() {
	grep -qE "^ctl-fw $*( |\$)" <<<"$examples" || { echo "docs/ctl-fw.8 has no line \"ctl-fw $* ...\" in a .Bd -literal"; return 1; }
}

# has_all PROGRAM PAGE: each of its words stands in the page as it is read.
has_all() {
	local word page bad=0
	page=$(mandoc -T utf8 "$2" | sed 's/.\x08//g')
	for word in $(words_of "$1"); do
		[[ $page =~ (^|[^-a-zA-Z])"$word"([^-a-zA-Z]|$) ]] || { echo "$2 does not tell of $word"; bad=1; }
	done
	return "$bad"
}

for command in $(commands_of "$ctl"); do
	test_that "an example of $command" has_example "$command"
done
for command in set mode learn patch sig hook; do
	for word in $(expected_by "$ctl" $command nosuch); do
		test_that "an example of $command $word" has_example "$command" "$word"
	done
done
test_that "docs/ctl-fw.8 tells of all options" has_all "$ctl" docs/ctl-fw.8
test_that "docs/app-fw.8 tells of all options" has_all "$app" docs/app-fw.8
summary
