#!/usr/bin/zsh -f
# SPDX-License-Identifier: GPL-2.0-or-later
# offers.zsh FOLDER LINE...: types each line and a tab into a zsh on a terminal of its own, and puts what is offered
# there into FOLDER/LINE, one word a line ("|" stands for "/").
zmodload zsh/zpty
folder=$1
shift

# What that zsh runs first: the completion of this tree, and a compadd that tells what it would add.
setup=$folder/.setup
{
	print -r -- "fpath=(${(q)PWD}/dist/completion \$fpath)"
	print -r -- "out=${(q)folder}/.out done=${(q)folder}/.done"
	cat <<'END'
PS1= PS2= RPS1=
unset zle_bracketed_paste
autoload -Uz compinit && compinit -u -D
zstyle ':completion:*' verbose no
compadd() {
	local -a would
	# With these, it is asked by a function of completion and adds nothing.
	if [[ -n ${(M)@[1,(i)(-|--)]:#-[a-zA-Z0-9]#[AOD]*} ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A would "$@"
	((${#would})) && print -rl -- ${(Q)would} >>$out
	builtin compadd "$@"
}
tell() {
	print >$done
	compstate[insert]= compstate[list]=
}
offer() {
	comppostfuncs=(tell)
	_main_complete
}
bindkey -e
zle -C offer complete-word offer
bindkey '^I' offer
precmd_functions=(ready)
ready() { print >$done }
END
} >$setup

# Reads what it writes on its terminal meanwhile: a full one would stop it.
await() {
	local i junk
	for ((i = 0; i < 2000; i++)); do
		while zpty -r -t shell junk 2>/dev/null; do :; done
		[[ ! -e $folder/.done ]] || { rm -f $folder/.done; return 0 }
		zselect -t 1
	done
	print -u2 "zsh has not answered: $1"
	exit 1
}

zmodload zsh/zselect
zpty -b shell zsh -f -i
zpty -w shell "source ${(q)setup}"
await start
for line; do
	rm -f $folder/.out
	zpty -w -n shell "$line"$'\t'
	await $line
	touch $folder/.out
	sort -u $folder/.out >"$folder/${line//\//|}"
	zpty -w -n shell $'\x15' # kill-whole-line
done
zpty -d shell
