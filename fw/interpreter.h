/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file among its arguments an interpreter takes as its script: the command lines of shells,
 * Python, Perl and their like. Pure.
 */
#ifndef FW_INTERPRETER_H
#define FW_INTERPRETER_H

#include <stdbool.h>
#include <stddef.h>

enum command_kind {
	COMMAND_NO_SCRIPT, /* no interpreter, or its code is an argument or comes from its input */
	COMMAND_SCRIPT,	 /* path is its script, and nothing in the arguments brings in other code */
	COMMAND_UNCLEAR, /* path, unless NULL, is likely to be it; there may be other code */
};

/*
 * program: the last name of the file that runs; args: n bytes, each argument with its NUL, the
 * name that the program was called by first; cut: there are more than the n bytes. *path points
 * into args, to an argument or into one; NULL where there is none.
 */
enum command_kind interpreter_script(const char *program, const char *args, size_t n, bool cut,
				     const char **path);

#endif
