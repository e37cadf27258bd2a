/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a chain in their order. Lists share what they have in common: a copy costs a
 * reference for each leaf, a change a copy of one leaf, however many rules there are.
 *
 * All but reading is the control thread's: references are not counted atomically.
 */
#ifndef FW_RULE_LIST_H
#define FW_RULE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "common/rule.h"

#define RULE_LEAF 512

/* Counters outlive the set that a rule came in with: they follow the rule through every edit. The
 * data thread adds to them, atomically. */
struct rule_count {
	unsigned int refs;
	uint64_t packets, bytes;
	/* Of the data thread: where the kernel counts for the rule, in an epoch of the cache. */
	uint32_t tally;
	uint64_t tally_epoch;
};

/* A rule in its place. Immutable, and the same one in all lists that have it. */
struct rule_entry {
	unsigned int refs;
	uint64_t order; /* greater than that of the rule before it; > 0 */
	struct rule_count *count;
	struct rule rule; /* members is set where --set is stated */
};

struct rule_leaf {
	unsigned int refs;
	size_t n; /* >= 1 */
	struct rule_entry *entries[RULE_LEAF];
};

struct rule_list {
	size_t n;
	size_t n_leaves;
	struct rule_leaf **leaves;
	size_t *starts; /* index of each leaf's first rule */
};

/* With one reference; it takes one on the counters, or makes them for NULL. NULL: no memory. */
struct rule_entry *rule_entry_new(const struct rule *rule, uint64_t order,
				  struct rule_count *count);
void rule_entry_unref(struct rule_entry *e); /* NULL is fine */

/* *to, which has nothing, becomes the same list. 0 or -ENOMEM: then it still has nothing. */
int rule_list_copy(const struct rule_list *from, struct rule_list *to);

void rule_list_clear(struct rule_list *l);

/* index < n. */
struct rule_entry *rule_list_at(const struct rule_list *l, size_t index);

/* The index of the first rule whose order is not less; n: there is none. */
size_t rule_list_find(const struct rule_list *l, uint64_t order);

/* Of a list that nobody else reads yet. insert: index <= n, and it takes over the reference if it
 * succeeds; replace: the same, in the place of another. 0 or -ENOMEM: the list is as it was. */
int rule_list_insert(struct rule_list *l, size_t index, struct rule_entry *e);
int rule_list_replace(struct rule_list *l, size_t index, struct rule_entry *e);
int rule_list_remove(struct rule_list *l, size_t index);

#endif
