# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the scenarios with helpers/swap.c, after lib.sh: what it has mapped.

# code NAME NUMBER: a file whose first bytes are a function that returns it.
code() {
	{ printf '%b' "\\xb8\\x0$2\\0\\0\\0\\xc3" && head -c 4090 /dev/zero && echo "$1"; } >"$TMP/$1"
}
