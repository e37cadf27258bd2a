/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual patches of a rule set, by their ids, and what they are in each chain: rules of a
 * chain of its own, which is asked before the chain's rules. Immutable once published, as the rule
 * set is; all but reading is the control thread's.
 */
#ifndef FW_PATCH_LIST_H
#define FW_PATCH_LIST_H

#include "common/patch.h"
#include "rule_chain.h"

#define PATCHES_MAX 1024

/* A patch with its counters, which all its rules share, in all rule sets that have it. */
struct patch_entry {
	unsigned int refs;
	struct rule_count *count;
	struct patch patch;
};

struct patch_list {
	size_t n;
	struct patch_entry **entries; /* by id */
	uint64_t next_id;	      /* > 0; above every id that there ever was */
	struct rule_chain chains[CHAIN_COUNT];
};

/* *to, which is all zeros, becomes the same list. 0 or -ENOMEM. */
int patch_list_copy(const struct patch_list *from, struct patch_list *to);
void patch_list_clear(struct patch_list *l);

/*
 * Of a list that nobody else reads yet. add: the patch gets the next id, unless it has one; remove:
 * index < n. After these comes patch_list_make_chains(). 0; -E2BIG past PATCHES_MAX or
 * PATCH_ID_LAST, -EEXIST for an id that is there, -ENOMEM: then the list is only good to be
 * cleared.
 */
int patch_list_add(struct patch_list *l, const struct patch *patch);
void patch_list_remove(struct patch_list *l, size_t index);

/* Makes the chains anew; a set that a patch names comes from `find`. 0; -ENOENT: there is none of
 * that name; -ENOMEM. */
int patch_list_make_chains(struct patch_list *l,
			   const struct set *(*find)(const void *cookie, const char *name),
			   const void *cookie);

/* The index of the patch of that id; n: there is none. */
size_t patch_list_find(const struct patch_list *l, uint64_t id);

/* When the first of them expires, in seconds since 1970; 0: none will. */
uint64_t patch_list_next_expiry(const struct patch_list *l);

#endif
