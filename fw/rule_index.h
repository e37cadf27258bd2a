/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a chain, filed so that a packet meets few of them: a rule is found under one of its
 * criteria, the one that it shares with the fewest others. Prefixes and ranges are looked up at
 * every length that some rule has, so none hides another. Immutable.
 *
 * A rule that none of its criteria files (all are negated, or there are none) meets every packet.
 * Where a packet lacks what rules are filed by (ports of a later fragment), it meets all of them
 * that stop packets: these match what is not known (decide.h).
 */
#ifndef FW_RULE_INDEX_H
#define FW_RULE_INDEX_H

#include <stdbool.h>

#include "holder.h"
#include "packet.h"
#include "rule_list.h"

struct rule_index;
struct cache_named;

/* Of the list as it is now, which it keeps references on. NULL: no memory. */
struct rule_index *rule_index_new(const struct rule_list *list);
struct rule_index *rule_index_ref(struct rule_index *x);
void rule_index_unref(struct rule_index *x); /* NULL is fine */

/* The ports and addresses that its rules name. */
const struct cache_named *rule_index_named(const struct rule_index *x);

/* A rule that may match. False: it decides, and none that comes after it in the list is of
 * interest. */
typedef bool rule_try_fn(void *cookie, const struct rule_entry *e);

/* Calls `try` for every rule that may match the packet and has a lower order than `before`, in
 * several runs of rising order; for some more than once. */
void rule_index_search(const struct rule_index *x, const struct packet *p,
		       const struct holders *holders, uint64_t before, rule_try_fn *try,
		       void *cookie);

#endif
