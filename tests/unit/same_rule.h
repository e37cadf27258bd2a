/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two rules say the same: every field of them that is stated. */
#ifndef TESTS_SAME_RULE_H
#define TESTS_SAME_RULE_H

#include <stdbool.h>
#include <string.h>

#include "common/rule.h"

static inline bool same_match(const struct rule *a, const struct rule *b, enum match m)
{
	switch (m) {
	case MATCH_SRC:
		return memcmp(&a->src, &b->src, sizeof(a->src)) == 0;
	case MATCH_DST:
		return memcmp(&a->dst, &b->dst, sizeof(a->dst)) == 0;
	case MATCH_PROTO:
		return a->proto == b->proto;
	case MATCH_SPORT:
		return memcmp(&a->sport, &b->sport, sizeof(a->sport)) == 0;
	case MATCH_DPORT:
		return memcmp(&a->dport, &b->dport, sizeof(a->dport)) == 0;
	case MATCH_NETNS:
		return a->netns == b->netns;
	case MATCH_SNG_HASH:
		return sha256_cmp(&a->sng, &b->sng) == 0;
	case MATCH_AGG_HASH:
		return sha256_cmp(&a->agg, &b->agg) == 0;
	case MATCH_ANON_EXEC:
		return true;
	case MATCH_SET:
		return strcmp(a->set, b->set) == 0;
	case MATCH_SCRIPT:
		return sha256_cmp(&a->script, &b->script) == 0;
	case MATCH_ORIGIN:
		return a->origin == b->origin;
	case MATCH_UID:
		return memcmp(&a->uid, &b->uid, sizeof(a->uid)) == 0;
	case MATCH_GID:
		return memcmp(&a->gid, &b->gid, sizeof(a->gid)) == 0;
	case MATCH_COMM:
		return strcmp(a->comm, b->comm) == 0;
	case MATCH_CGROUP:
		return strcmp(a->cgroup, b->cgroup) == 0;
	case MATCH_CONTAINER:
		return strcmp(a->container, b->container) == 0;
	case MATCH_COUNT:
		break;
	}
	return false;
}

static inline bool same_rule(const struct rule *a, const struct rule *b)
{
	if (a->chain != b->chain || a->verdict != b->verdict || a->have != b->have ||
	    a->neg != b->neg || a->monitor != b->monitor || a->expires_s != b->expires_s ||
	    strcmp(a->note, b->note) != 0)
		return false;
	if (a->verdict == VERDICT_MARK && memcmp(&a->mark, &b->mark, sizeof(a->mark)) != 0)
		return false;
	for (int m = 0; m < MATCH_COUNT; m++)
		if (a->have & MATCH_BIT(m) && !same_match(a, b, (enum match)m))
			return false;
	return true;
}

#endif
