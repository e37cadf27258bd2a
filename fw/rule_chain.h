/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One chain of a rule set: its rules in order, and the index that packets go by. A change does not
 * make another index: the rules that came and went since are remembered beside it, a few of them,
 * until it is made anew. So a change costs the same whatever the number of rules.
 */
#ifndef FW_RULE_CHAIN_H
#define FW_RULE_CHAIN_H

#include "rule_index.h"
#include "rule_list.h"

#define RULES_MAX    200000 /* per chain */
#define CHANGES_MAX  32	    /* that an index outlives */
#define CHANGES_MANY 8	    /* rule_chain_wants_index() */
#define RULES_FEW    12	    /* so many are read one by one, without an index */

struct rule_chain {
	enum verdict policy; /* for packets of known origin that match no rule */
	bool policy_stated;  /* by a command, and not by the options of the daemon */
	struct rule_list list;
	struct rule_index *index; /* NULL: all rules are in `added` */
	size_t n_added, n_gone;
	const struct rule_entry *added[CHANGES_MAX]; /* not in the index; in order */
	const struct rule_entry *gone[CHANGES_MAX];  /* in the index, not in the list */
	uint32_t stating[MATCH_COUNT];		     /* how many rules state each criterion */
	uint64_t expires_s;			     /* when the first of them does; 0: none will */
};

/* *to, which is all zeros, becomes the same chain. 0 or -ENOMEM. */
int rule_chain_copy(const struct rule_chain *from, struct rule_chain *to);
void rule_chain_clear(struct rule_chain *c);

static inline const struct rule *rule_chain_at(const struct rule_chain *c, size_t index)
{
	return &rule_list_at(&c->list, index)->rule;
}

/* The index of a rule of the chain. */
size_t rule_chain_index(const struct rule_chain *c, const struct rule_entry *e);

/* Whether a rule states one of these criteria (MATCH_BITs). */
bool rule_chain_asks(const struct rule_chain *c, uint32_t matches);

/*
 * Of a chain that nobody else reads yet. index <= n and < RULES_MAX, or < n. After
 * rule_chain_append(), which is for many, comes rule_chain_make_index(). 0 or -ENOMEM: then the
 * chain is only good to be cleared.
 */
int rule_chain_insert(struct rule_chain *c, const struct rule *rule, size_t index);
int rule_chain_append(struct rule_chain *c, const struct rule *rule);
int rule_chain_append_counted(struct rule_chain *c, const struct rule *rule,
			      struct rule_count *count); /* counts there: takes a reference */
int rule_chain_remove(struct rule_chain *c, size_t index);
int rule_chain_make_index(struct rule_chain *c);

/* The rules that are chosen leave. */
int rule_chain_drop(struct rule_chain *c, bool (*chosen)(const struct rule *r, const void *cookie),
		    const void *cookie);

/* Each rule that states --set gets the members that it names from `find`. */
int rule_chain_resolve(struct rule_chain *c,
		       const struct set *(*find)(const void *cookie, const char *name),
		       const void *cookie);

/* Whether it is time for rule_chain_make_index(), before a change has to wait for it. */
bool rule_chain_wants_index(const struct rule_chain *c);

#endif
