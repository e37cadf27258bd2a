/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions on their way into vectorscan's databases. For sig_set.c. */
#ifndef FW_SIG_COMPILE_H
#define FW_SIG_COMPILE_H

#include "sig_expr.h"
#include "sig_set_private.h"

/* The arrays that hs_compile_ext_multi() wants. */
struct sig_compile_list {
	const char **text;
	unsigned int *flags, *ids;
	hs_expr_ext_t *ext;
	const hs_expr_ext_t **exts;
	struct sig_literal *literals; /* of each; n 0: it is none */
};

struct sig_compile {
	size_t n[SIG_PLACES];
	struct sig_compile_list list[SIG_PLACES];
	char **texts; /* what is to be freed */
	size_t n_texts;
};

/* Room for all parts of the rules. 0 or -ENOMEM. */
int sig_compile_begin(struct sig_compile *c, struct sig_rule *const *rules, size_t n);
void sig_compile_clear(struct sig_compile *c);

/* Takes the expression's text over. */
void sig_compile_add(struct sig_compile *c, const struct sig_rule *r, struct sig_expr *e,
		     unsigned int id);

/* Fills in the set's databases. *id: of the part at fault. As sig_set_new(). */
int sig_compile_run(struct sig_compile *c, struct sig_set *s, unsigned int *id,
		    struct sig_error *err);

/* As sig_set_check(). */
int sig_compile_check(const struct sig_rule *r, const struct sig_expr *e, size_t n,
		      struct sig_error *err);

#endif
