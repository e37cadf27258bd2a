/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ports and addresses the rules of a chain name (struct cache_named in common/cache_abi.h).
 * Pure.
 */
#ifndef FW_CACHE_NAMED_H
#define FW_CACHE_NAMED_H

#include "common/cache_abi.h"
#include "common/rule.h"

/* Marks what the rule names. */
void cache_named_add(struct cache_named *n, const struct rule *r);

/* Marks what `more` has. */
void cache_named_join(struct cache_named *n, const struct cache_named *more);

#endif
