/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signature as regular expressions for vectorscan. Pure.
 *
 * Contents that follow each other by distance or within are one expression, "A.{d,}B": it matches
 * if any A is followed by any such B. All others are expressions of their own, which must all have
 * matched, in whatever order.
 */
#ifndef FW_SIG_EXPR_H
#define FW_SIG_EXPR_H

#include "sig_rule.h"

struct sig_expr {
	enum sig_buffer buffer;
	bool negated;
	char *text; /* with its flags inside; to be compiled with DOTALL */
	uint64_t min_end,
		max_end; /* where a match may end, in bytes of the buffer; max 0: anywhere */
	const struct sig_match *literal; /* the content that is all of it, of the rule's; or NULL */
};

/* At most one for each match of the rule. 0, -ENOTSUP as sig_rule_parse(), -ENOMEM. */
int sig_expr_make(const struct sig_rule *r, struct sig_expr out[SIG_MATCHES_MAX], size_t *n,
		  struct sig_error *err);
void sig_expr_clear(struct sig_expr *e, size_t n);

#endif
