/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What decide() said of the last packets: most that come are like one that came before. A decision
 * is found again only by all that decide() looks at, to the bit, and by the rule set's epoch; so it
 * cannot be stale. What depends on more (several holders, names, cgroups, scripts, rules that only
 * log) is decided each time. Pure; of one thread.
 */
#ifndef FW_DECISION_CACHE_H
#define FW_DECISION_CACHE_H

#include "decide.h"

struct decision_cache;

struct decision_cache *decision_cache_new(void);    /* NULL: no memory */
void decision_cache_free(struct decision_cache *c); /* NULL is fine */

/* As decide(). Rule sets of one epoch are the same one, with or without other indexes. */
enum verdict decision_cache_decide(struct decision_cache *c, const struct ruleset *rs,
				   enum chain chain, const struct packet *p,
				   const struct holders *holders, struct reason *why);

#endif
