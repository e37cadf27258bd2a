// SPDX-License-Identifier: GPL-2.0-or-later
#include "decision_cache.h"

#include <stdlib.h>
#include <string.h>

#define SETS 1024 /* a power of two */
#define WAYS 4

/* All that decide() looks at, where is_simple() holds. What no rule of the chain asks for is 0: so
 * the flows of one program are one question where rules name programs alone. */
struct question {
	uint64_t epoch;
	uint64_t kinds; /* chain, origin, number of holders, and what the packet has */
	uint64_t saddr[2], daddr[2];
	uint64_t ports; /* and protocol */
	uint64_t netns, ids, objects;
};

#define WORDS (sizeof(struct question) / sizeof(uint64_t))

struct decision {
	struct question question;
	const struct rule_entry *rule; /* the rule set's of that epoch */
	enum verdict verdict;
};

struct decision_cache {
	uint64_t epoch; /* of the rule set whose chains ask for this: */
	uint32_t asked[CHAIN_COUNT];
	struct decision ways[SETS][WAYS]; /* epoch 0: free */
	uint8_t next[SETS];
};

struct decision_cache *decision_cache_new(void)
{
	return calloc(1, sizeof(struct decision_cache));
}

void decision_cache_free(struct decision_cache *c)
{
	free(c);
}

/* What rules of the chain ask for, a bit for each enum match. */
static uint32_t asked_by(struct decision_cache *c, const struct ruleset *rs, enum chain chain)
{
	if (c->epoch == rs->epoch)
		return c->asked[chain];
	for (int i = 0; i < CHAIN_COUNT; i++) {
		c->asked[i] = 0;
		for (int m = 0; m < MATCH_COUNT; m++)
			if (ruleset_asks(rs, (enum chain)i, MATCH_BIT(m)))
				c->asked[i] |= MATCH_BIT(m);
	}
	c->epoch = rs->epoch;
	return c->asked[chain];
}

/* Whether struct question says it all. */
static bool is_simple(uint32_t asked, const struct holders *holders)
{
	const uint32_t of_holders =
		holders->has_uid ? RULE_FACT_MATCHES & ~RULE_ID_MATCHES : RULE_FACT_MATCHES;

	return holders->n <= 1 && !(asked & (of_holders | MATCH_BIT(MATCH_SCRIPT)));
}

static void ask(const struct ruleset *rs, uint32_t asked, enum chain chain, const struct packet *p,
		const struct holders *holders, struct question *q)
{
	*q = (struct question){.epoch = rs->epoch};
	q->kinds = (uint64_t)chain | (uint64_t)holders->origin << 8 | (uint64_t)holders->n << 16 |
		   (uint64_t)p->family << 24 | (uint64_t)p->has_proto << 32 |
		   (uint64_t)p->has_ports << 33 | (uint64_t)p->later_fragment << 34 |
		   (uint64_t)p->malformed << 35 | (uint64_t)holders->has_uid << 36;
	if (asked & MATCH_BIT(MATCH_SRC))
		memcpy(q->saddr, p->saddr, sizeof(q->saddr));
	if (asked & MATCH_BIT(MATCH_DST))
		memcpy(q->daddr, p->daddr, sizeof(q->daddr));
	q->ports = (uint64_t)p->proto << 32;
	q->ports |= (asked & MATCH_BIT(MATCH_SPORT)) ? (uint64_t)p->sport << 16 : 0;
	q->ports |= (asked & MATCH_BIT(MATCH_DPORT)) ? p->dport : 0;
	if (asked & MATCH_BIT(MATCH_NETNS))
		q->netns = holders->netns;
	if (holders->has_uid && (asked & RULE_ID_MATCHES))
		q->ids = (uint64_t)holders->uid << 32 | holders->gid;
	if (holders->n && (asked & RULE_OBJECT_MATCHES))
		q->objects = holders->h[0].objects->number;
}

static size_t place_of(const struct question *q)
{
	uint64_t words[WORDS], a = 0x9e3779b97f4a7c15ull, b = 0xc2b2ae3d27d4eb4full;

	memcpy(words, q, sizeof(words));
	for (size_t i = 0; i + 1 < WORDS; i += 2) {
		a = (a ^ words[i]) * 0xd6e8feb86659fd93ull;
		b = (b ^ words[i + 1]) * 0xff51afd7ed558ccdull;
	}
	a ^= b >> 29;
	return (a * 0x9e3779b97f4a7c15ull) >> 40 & (SETS - 1);
}

_Static_assert(WORDS % 2 == 0, "two words at a time");
_Static_assert(sizeof(((struct packet *)0)->saddr) == 16, "an address is two words");

enum verdict decision_cache_decide(struct decision_cache *c, const struct ruleset *rs,
				   enum chain chain, const struct packet *p,
				   const struct holders *holders, struct reason *why)
{
	struct decision *d;
	struct question q;
	enum verdict v;
	uint32_t asked;
	size_t place;

	asked = asked_by(c, rs, chain);
	if (!is_simple(asked, holders))
		return decide(rs, chain, p, holders, why);
	ask(rs, asked, chain, p, holders, &q);
	place = place_of(&q);
	for (d = c->ways[place]; d < c->ways[place] + WAYS; d++)
		if (memcmp(&d->question, &q, sizeof(q)) == 0) {
			why->origin = holders->origin;
			why->rule = d->rule;
			why->holder = 0;
			why->n_monitored = 0;
			return d->verdict;
		}
	v = decide(rs, chain, p, holders, why);
	if (!why->n_monitored)
		c->ways[place][c->next[place]++ % WAYS] = (struct decision){q, why->rule, v};
	return v;
}
