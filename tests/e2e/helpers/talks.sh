# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For scenarios about who may talk from one moment to the next, after lib.sh: a copy of `talk` in $TMP, and a receiver on
# port 9000 of the server.

# talks PROGRAM TEXT: and it was heard, or it failed and was not.
talks() {
	on client "$TMP/$1" -w "${TALK_MS:-20000}" $SERVER4 9000 "$2" && received "$2"
}

silent() {
	! TALK_MS=500 talks "$@"
}

# falls_silent: to be asked again and again: a short standstill is no silence.
falls_silent() {
	! TALK_MS=5000 talks "$@"
}
