#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/cli/completion.sh CTL_FW APP_FW: bash, zsh and fish are asked what they would offer at the end of command
# lines. It is all commands and options that the programs have, none that they have not, each only where it is taken,
# and for values the words that the programs say they expect.
# shellcheck disable=SC2317 # test_that calls the functions
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

ctl=$1 app=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/files"
touch "$scratch/files/saved-rules"
export HOME=$scratch APP_FW_SOCKET=/nosuch/sock

# --- The shells -----------------------------------------------------------------------------------

# A daemon that has two sets answers the ctl-fw in this folder, if it is asked at the right socket.
mkdir "$scratch/fake"
cat >"$scratch/fake/ctl-fw" <<'END'
#!/bin/sh
[ "$*" = "set list --json --socket /fake" ] || exit 3
echo '{"sets":[{"set":"web","rules":1,"files":[{"path":"/a \"set\":\"no\"","sha256":"0"}]},{"set":"db.1","rules":0,"files":[]}]}'
END
chmod +x "$scratch/fake/ctl-fw"

# offer_SHELL LINE: the words that the shell offers at its end, one a line; for zsh, of many lines at once.
offer_bash() {
	local line=$1 COMPREPLY=() COMP_WORDS COMP_CWORD
	# shellcheck source=/dev/null
	. dist/completion/ctl-fw.bash && . dist/completion/app-fw.bash
	read -ra COMP_WORDS <<<"$line"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	"_${COMP_WORDS[0]/-/_}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
}

offer_fish() {
	# shellcheck disable=SC2016
	fish --no-config -c 'source dist/completion/ctl-fw.fish; source dist/completion/app-fw.fish; complete -C $argv[1]' "$1" | cut -f 1
}

# ask SHELL PATH LINE...: what it offers at the end of each line, into a file of its own.
ask() {
	local shell=$1 path=$2:$PATH line
	shift 2
	mkdir -p "$scratch/$shell"
	if [[ $shell == zsh ]]; then
		PATH=$path timeout 120 zsh -f tests/cli/offers.zsh "$scratch/zsh" "$@"
		return
	fi
	for line; do
		(PATH=$path; "offer_$shell" "$line" >"$scratch/$shell/${line//\//|}")
	done
}

# offered LINE: by $shell, sorted.
offered() {
	sort -u "$scratch/$shell/${1//\//|}"
}

# --- All that there is, and nothing else -----------------------------------------------------------

# Command lines that only lack options.
begun=("-A" "-I 0" "-D 0" "-L" "-H /x" "status" "stats" "doctor" "objects 1" "explain" "policy OUTPUT DROP" "set add web"
	"set rm web" "set list" "set refresh" "set expect /x" "save" "restore /x" "mode enforce"
	"events" "top" "learn start" "learn stop" "learn suggest"
	"patch add" "patch rm 1" "patch list" "sig load" "sig list" "sig rm" "sig test" "hook install -c INPUT" "hook refresh" "hook remove -c INPUT")

# The options that any line takes; they are offered first.
anywhere=$'--help\n--version'

offers_all() {
	local program=$1 line
	shift
	same "offered by $shell" "$(for line; do offered "$line"; done | grep -v '^MARK=' | sort -u)" "told of by --help" "$(words_of "$program")"
}

# minds OPTION CMD...: the program says that this is no place for the option.
minds() {
	local option=$1 err
	shift
	err=$("$@" 2>&1 </dev/null)
	[[ $err == "ctl-fw: "*": does not go with"* || $err == "ctl-fw: $option: expected an option"* ||
		$err == "ctl-fw: $option: a second command"* || $err == "ctl-fw: $option: "*"given twice"* ||
		$err == "ctl-fw: set "*" … $option: expected "* ]]
}

# is_taken BEGUN OPTION: neither with a value nor without is it in the wrong place.
is_taken() {
	local with=()
	[[ $1 != "set add"* || $2 != --root ]] || with=(--dpkg dpkg)
	# shellcheck disable=SC2086
	! minds "$2" "$ctl" $1 "$2" && ! minds "$2" "$ctl" $1 "$2" 1 "${with[@]}"
}

# What is taken does not depend on the shell.
mkdir "$scratch/taken"
for b in "${begun[@]}"; do
	for option in $(words_of "$ctl" | grep '^-'); do
		! is_taken "$b" "$option" || printf '%s\n' "$option"
	done >"$scratch/taken/${b//\//|}"
done

# offers_what_fits BEGUN: every option that it takes, and no other. Of a packet the daemon says what is one.
offers_what_fits() {
	local offered taken=$scratch/taken/${1//\//|}
	offered=$(offered "ctl-fw $1 -")
	if [[ $1 == explain ]]; then
		! grep -vxFf "$taken" <<<"$offered"
	else
		same "offered by $shell" "$offered" "taken" "$(grep -vxFe "$anywhere" "$taken" | sort)"
	fi
}

# --- Values ----------------------------------------------------------------------------------------

# Where a value stands, and the refusal that names what is expected there.
values=("ctl-fw -A -c " "ctl-fw -A -c OUTPUT -v " "ctl-fw -A --origin " "ctl-fw policy " "ctl-fw policy OUTPUT " "ctl-fw set "
	"ctl-fw mode " "ctl-fw learn " "ctl-fw patch " "ctl-fw sig " "ctl-fw hook " "ctl-fw hook install --fail " "ctl-fw -L -c " "ctl-fw -D 0 -c " "ctl-fw explain --pid 1 -c " "app-fw --pol-out " "app-fw --pol-in " "app-fw --pol-fwd "
	"app-fw --unknown " "app-fw --kernel " "app-fw --mode ")

# What is offered there besides options.
offered_values() {
	offered "$1" | grep -v '^-'
}

offers_values() {
	local program=$app wrong=(nosuch)
	[[ $1 != ctl-fw* ]] || program=$ctl
	[[ $1 != *policy* ]] || wrong=(nosuch nosuch) # it wants two words
	# shellcheck disable=SC2086
	same "offered by $shell" "$(offered_values "$1")" "expected" "$(expected_by "$program" ${1#* } "${wrong[@]}")"
}

offers_exactly() {
	same "offered by $shell" "$(offered_values "$1")" "expected" "$2"
}

# As the table of the grammar has them: the refusal names only some.
protocols() {
	sed -n '/^} protocols\[\] = {/,/^};/p' common/rule_proto.c | grep -o '"[a-z0-9-]*"' | tr -d '"' | sort
}

offers_the_file() {
	grep -q 'saved-rules$' <<<"$(offered "$1")" || { echo "offers: $(offered "$1")"; return 1; }
}

offers_no() {
	! offered "$1" | grep -xe "$2"
}

offers_matches_only() {
	! offered "$1" | grep -xe -c -e -v -e --note -e --monitor -e --expires -e -! && grep -qxe --sng-hash <<<"$(offered "$1")"
}

# --- Each shell ------------------------------------------------------------------------------------

ask_all() {
	local lines=("ctl-fw " "ctl-fw -" "app-fw -" "ctl-fw -A -p " "ctl-fw -A --set " "ctl-fw set rm " "ctl-fw -A -! -" "ctl-fw -L --json -"
		"ctl-fw restore $scratch/files/s" "ctl-fw -A --object $scratch/files/s" "ctl-fw set add web $scratch/files/s") b
	for b in "${begun[@]}"; do lines+=("ctl-fw $b -"); done
	ask "$shell" "$(dirname "$ctl")" "${lines[@]}" "${values[@]}"
	ask "$shell" "$scratch/fake" "ctl-fw -A --socket /fake --set " "ctl-fw --socket /fake set rm "
}

test_shell() {
	local lines=() b
	for b in "${begun[@]}"; do lines+=("ctl-fw $b -"); done
	test_that "$shell offers all of ctl-fw, and nothing else" offers_all "$ctl" "ctl-fw " "ctl-fw -" "${lines[@]}"
	test_that "$shell offers all of app-fw, and nothing else" offers_all "$app" "app-fw -"
	for b in "${begun[@]}"; do
		test_that "$shell offers what goes with ctl-fw $b" offers_what_fits "$b"
	done
	for b in "${values[@]}"; do
		test_that "$shell knows what comes after ${b% }" offers_values "$b"
	done
	test_that "$shell knows the protocols" offers_exactly "ctl-fw -A -p " "$(protocols)"
	test_that "$shell asks the daemon for its sets" offers_exactly "ctl-fw -A --socket /fake --set " $'db.1\nweb'
	test_that "$shell asks it where --socket says" offers_exactly "ctl-fw --socket /fake set rm " $'db.1\nweb'
	test_that "$shell does without a daemon" offers_exactly "ctl-fw -A --set " ""
	test_that "$shell finds a file to restore" offers_the_file "ctl-fw restore $scratch/files/s"
	test_that "$shell finds an object" offers_the_file "ctl-fw -A --object $scratch/files/s"
	test_that "$shell finds a file for a set" offers_the_file "ctl-fw set add web $scratch/files/s"
	[[ $shell == fish ]] || test_that "$shell offers --json once" offers_no "ctl-fw -L --json -" --json
}

for shell in bash zsh fish; do
	if ! command -v $shell >/dev/null; then
		if [[ ${CI:-} == true ]]; then test_that "$shell is here" false; else skip "completion: no $shell here"; fi
		continue
	fi
	for file in dist/completion/*; do
		case $shell:$file in
		bash:*.bash | fish:*.fish | zsh:*/_*) test_that "$file is $shell" $shell -n "$file" ;;
		esac
	done
	ask_all
	test_shell
	[[ $shell == fish ]] || test_that "$shell offers only matches after -!" offers_matches_only "ctl-fw -A -! -"
done
summary
