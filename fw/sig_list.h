/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of signatures by their sids, as it is changed and compiled. Pure. */
#ifndef FW_SIG_LIST_H
#define FW_SIG_LIST_H

#include "sig_file.h"
#include "sig_set.h"

struct sig_list {
	struct sig_rule **rules; /* ascending by sid, each once */
	size_t n;
	uint64_t depth;
};

void sig_list_clear(struct sig_list *l);

/*
 * Each rule by itself, as sig_set_check(): 0; with `skip`, what is not supported is taken out and
 * counted; else as there, with "NAME, line N: …" in err.
 */
int sig_file_check(struct sig_file *f, const char *name, bool skip, char err[SIG_FILE_ERROR]);

/* Those of `old` and of the file: of one sid, the file's. Each with a reference of its own. 0;
 * -E2BIG past SIG_RULES_MAX, -ENOMEM. */
int sig_list_merge(const struct sig_list *old, const struct sig_file *file, struct sig_list *out);

/* Without one; -ENOENT. */
int sig_list_remove(const struct sig_list *old, uint32_t sid, struct sig_list *out);

/* With `more` besides; *out is NULL if there are none at all. As sig_set_new(). */
int sig_list_compile(const struct sig_list *l, struct sig_rule *const *more, size_t n_more,
		     struct sig_set **out, uint32_t *bad_sid, struct sig_error *err);

#endif
