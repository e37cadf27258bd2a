/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict cache in the kernel, as the daemon fills it: classes of packets that were judged, and
 * the count of those that passed, or were stopped, without coming here. Of the data thread alone.
 *
 * A class is only met again in the epoch that it was put in, and until its time is over; that its
 * holders are as they were is for the kernel side to see (probes/cache.h).
 */
#ifndef FW_CACHE_H
#define FW_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "cache_key.h"
#include "probe.h"
#include "rule_list.h"
#include "ruleset.h"
#include "stats.h"

struct cache;

/* NULL, with errno ENOMEM. On a kernel that has no cache, it is one that nothing is put into. */
struct cache *cache_new(struct probe *probe, struct stats *stats);

/* From here on nothing passes in the kernel. NULL is fine. */
void cache_free(struct cache *c);

/*
 * Another epoch: nothing that was judged before is met again. With NULL nothing is met at all, else
 * what is judged by these rules from now on. What passed under the former ones is counted first, so
 * they must still be there. also: enum cache_field that matter besides those of the rules.
 */
void cache_restart(struct cache *c, const struct ruleset *rules, uint8_t also);

/* Whether packets are asked for there, in the chain at all. */
bool cache_is_met(const struct cache *c, enum cache_hook hook);

/*
 * Packets of such holders (NULL and 0: of kernel origin) get the verdict from now on, until then
 * (CLOCK_MONOTONIC). cookie: of the socket. count: of the rule that says so; NULL: the policy does.
 */
void cache_put(struct cache *c, enum cache_hook hook, uint64_t netns, uint64_t cookie,
	       const struct packet *p, const struct note_holder *holders, size_t n,
	       enum cache_verdict v, struct rule_count *count, uint64_t until_ns);

/*
 * A packet of that socket was denied here: that others have passed before does not speak for it any
 * more. Sockets that share the place only cost each other a miss.
 */
void cache_deny(struct cache *c, enum cache_hook hook, uint64_t cookie);

/* Adds what has passed since the last time to the counts of rules, and to the stats. NULL is fine.
 */
void cache_fold(struct cache *c);

#endif
