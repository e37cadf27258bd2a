/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rules of an index look for an object of a set, remembered with the set: it is found out
 * once for both, and not for each packet. Of the data thread alone.
 */
#ifndef FW_RULE_FINDS_H
#define FW_RULE_FINDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/chain.h"

#define RULE_FINDS_MAX 1024 /* of more than that nothing is remembered */

struct rule_find {
	uint64_t index;	 /* its number; 0: none yet */
	uint32_t n;	 /* > RULE_FINDS_MAX: too many */
	uint32_t *items; /* numbers of rules, ascending */
};

/* Of the rules of each chain, then of its patches. */
#define RULE_FINDS_PLACES (2 * CHAIN_COUNT)

struct rule_finds {
	struct rule_find of[RULE_FINDS_PLACES];
};

/* NULL: no memory. */
struct rule_finds *rule_finds_new(void);
void rule_finds_free(struct rule_finds *f); /* NULL is fine */

/* Sorts the items, and keeps them without what is there twice. 0; -ENOMEM: nothing has changed. */
int rule_finds_put(struct rule_find *f, uint64_t index, uint32_t *items, size_t n);

#endif
