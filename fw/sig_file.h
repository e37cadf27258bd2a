/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of signatures: one rule a line, which a backslash at its end continues; lines that begin
 * with # mean nothing. `var NAME VALUE` (ipvar and portvar are the same) defines what $NAME stands
 * for in the addresses and ports of the rules below it. `depth BYTES` is how much of each way of a
 * connection is inspected (0: all); the last such line of all files counts. Pure.
 */
#ifndef FW_SIG_FILE_H
#define FW_SIG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sig_rule.h"

#define SIG_RULES_MAX	  65536
#define SIG_VARS_MAX	  64
#define SIG_DEPTH_DEFAULT (1u << 20)
#define SIG_FILE_ERROR	  384

struct sig_file {
	struct sig_rule **rules; /* in order; each with a reference */
	size_t n, room;
	size_t *lines;	     /* where each began, from 1 on */
	size_t skipped;	     /* rules with what is not supported */
	char *first_skipped; /* why the first was; NULL: none */
	bool has_depth;
	uint64_t depth;
};

/*
 * limit: options that each rule gets besides its own, or NULL ("app_set:!backup;").
 * skip: a rule with what is not supported is counted instead of refused.
 * 0; -EINVAL or -ENOTSUP with "NAME, line N: WORD: …" in err; -EEXIST for a sid that is there
 * twice (the same err); -E2BIG; -ENOMEM. *out is then untouched, else for sig_file_clear().
 */
int sig_file_parse(const char *name, const char *text, const char *limit, bool skip,
		   struct sig_file *out, char err[SIG_FILE_ERROR]);
void sig_file_clear(struct sig_file *f);

/* The rules as a file that is the same set again, to be freed. NULL: no memory. */
char *sig_file_format(struct sig_rule *const *rules, size_t n, uint64_t depth);

#endif
