/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an index is made of: for rule_index.c, which makes it, and rule_search.c, which reads it. */
#ifndef FW_RULE_INDEX_PRIVATE_H
#define FW_RULE_INDEX_PRIVATE_H

#include "key_table.h"
#include "rule_index.h"
#include "rule_key.h"

#define DOUBTS (MATCH_NETNS + 1) /* criteria of which a packet may lack the value */

_Static_assert(MATCH_SRC < DOUBTS && MATCH_DST < DOUBTS && MATCH_PROTO < DOUBTS &&
		       MATCH_SPORT < DOUBTS && MATCH_DPORT < DOUBTS,
	       "what a packet may lack comes first");

/* Numbers of rules, ascending. */
struct run {
	uint32_t *items;
	size_t n, room;
};

/* Which lengths of blocks there are: a bit each. */
struct lengths {
	uint64_t word[3];
};

struct rule_index {
	unsigned int refs;
	uint64_t number;       /* > 0; no other has it */
	struct rule_list list; /* keeps the entries */
	const struct rule_entry **entries;
	struct key_table table; /* first and n: of items */
	uint32_t *items;
	uint64_t *filter; /* words, a power of two of them: see filter_bits() */
	uint64_t filter_mask;
	struct lengths lengths[KEY_KINDS];
	uint32_t kinds;
	size_t place;		     /* of what is remembered of it: in rule_finds.of */
	struct cache_named *named;   /* by its rules */
	struct run rest;	     /* filed nowhere */
	struct run doubtful[DOUBTS]; /* filed by that, and stop packets */
};

/*
 * A key that is in the table has its two bits set in its word; of those that are not, a few per
 * cent have them too. The table is large, and most of what is looked up is not there.
 */
static inline uint64_t *filter_word(const struct rule_index *x, uint64_t key)
{
	return &x->filter[key >> 32 & x->filter_mask];
}

static inline uint64_t filter_bits(uint64_t key)
{
	return 1ull << (key >> 58) | 1ull << (key >> 52 & 63);
}

#endif
