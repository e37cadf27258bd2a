/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures that come with the program, as files of them (fw/sig_file.h). */
#ifndef FW_SIG_BUILTIN_H
#define FW_SIG_BUILTIN_H

#define SIG_BUILTIN_NAMES                                                                  \
	"builtin:log4shell, builtin:shellshock, builtin:spring4shell, builtin:traversal, " \
	"builtin:all"

/* Their sids are from here on, below 9,001,000. */
#define SIG_BUILTIN_SID 9000000

/* The text of "builtin:NAME"; NULL: there is none of that name. */
const char *sig_builtin_text(const char *name);

#endif
