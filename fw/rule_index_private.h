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
	uint64_t *filter; /* a bit for each key, that most keys which are not there do not meet */
	uint64_t filter_mask;
	struct lengths lengths[KEY_KINDS];
	uint32_t kinds;
	enum chain chain;
	struct run rest;	     /* filed nowhere */
	struct run doubtful[DOUBTS]; /* filed by that, and stop packets */
};

#endif
