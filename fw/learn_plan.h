/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be suggested of what was learned, as rules and as text. Pure. */
#ifndef FW_LEARN_PLAN_H
#define FW_LEARN_PLAN_H

#include "learn_suggest.h"
#include "ruleset.h"

struct learn_plan {
	const struct learn *learn;
	const struct learn_party *parties; /* of `learn` */
	size_t n_parties;
	struct suggestion *rules; /* to be let pass */
	size_t n_rules;
	struct suggestion *others; /* what no rule can name: of unknown origin, or not all known */
	size_t n_others;
	/* By party: the set that is to have its programs, for parties of more than one; "": none.
	 */
	char (*sets)[SET_NAME_MAX + 1];
};

/* The names of new sets are not those of sets in `in_force`. `learn` outlives it. 0 or -ENOMEM. */
int learn_plan(const struct learn *learn, const struct learn_options *o,
	       const struct ruleset *in_force, struct learn_plan *out);
void learn_plan_free(struct learn_plan *plan);

/* The rule that a suggestion stands for; one of `others` is a rule without objects. */
void learn_plan_rule(const struct learn_plan *plan, const struct suggestion *s, struct rule *out);

/* What the programs of a party are called: "/bin/a", "/bin/a + /bin/b", "unknown origin". */
#define LEARN_NAME_LEN 256
void learn_plan_name(const struct learn_plan *plan, uint16_t party, char out[LEARN_NAME_LEN]);

/* What a rule lets pass that was not seen, in a few words. */
#define LEARN_EXCESS_LEN 160
void learn_plan_excess(const struct suggestion *s, char out[LEARN_EXCESS_LEN]);

/*
 * All of it in the form of store.h: policy DROP for each chain in which something was learned, the
 * others as they are; then what is in `in_force` (store_format() of it), then what was learned. For
 * the caller to free; NULL: no memory.
 */
char *learn_plan_text(const struct learn_plan *plan, const char *in_force);

#endif
