// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "rule_finds.h"
#include "rule_index_private.h"

struct search {
	const struct rule_index *x;
	rule_try_fn *try;
	void *cookie;
	uint32_t bound; /* rules from this number on are of no interest */
};

static void try_run(struct search *s, const uint32_t *items, size_t n)
{
	for (size_t i = 0; i < n && items[i] < s->bound; i++)
		if (!s->try(s->cookie, s->x->entries[items[i]])) {
			s->bound = items[i];
			return;
		}
}

/* The rules that are filed there; NULL: none. */
static const struct key_slot *find_slot(const struct rule_index *x, uint64_t key)
{
	return ~*filter_word(x, key) & filter_bits(key) ? NULL : key_table_get(&x->table, key);
}

static void look_up(struct search *s, uint64_t key)
{
	const struct key_slot *slot = find_slot(s->x, key);

	if (slot)
		try_run(s, s->x->items + slot->first, slot->n);
}

static bool has_kind(const struct search *s, enum key_kind kind)
{
	return s->x->kinds >> kind & 1;
}

/* Every block that the number is in; `width` bits, of which the high ones are in `high`. */
static void look_up_blocks(struct search *s, enum key_kind kind, unsigned int width, uint64_t high,
			   uint64_t low)
{
	const unsigned int in_low = width < 64 ? width : 64;

	for (unsigned int w = 0; w < 3; w++)
		for (uint64_t left = s->x->lengths[kind].word[w]; left; left &= left - 1) {
			unsigned int bits = 64 * w + (unsigned int)__builtin_ctzll(left);
			unsigned int host = width - bits; /* bits that are not fixed */
			uint64_t l = host >= in_low ? 0 : low >> host << host;
			uint64_t h = host <= 64	   ? high
				     : host >= 128 ? 0
						   : high >> (host - 64) << (host - 64);

			look_up(s, rule_key_of(kind, bits, h, l));
		}
}

static void look_up_doubtful(struct search *s, enum match m)
{
	try_run(s, s->x->doubtful[m].items, s->x->doubtful[m].n);
}

static void search_addresses(struct search *s, const struct packet *p)
{
	const enum key_kind src = p->family == 4 ? KEY_SRC4 : KEY_SRC6;
	const enum key_kind dst = p->family == 4 ? KEY_DST4 : KEY_DST6;
	const unsigned int width = p->family == 4 ? 32 : 128;
	uint64_t high, low;

	if (!p->family) {
		look_up_doubtful(s, MATCH_SRC);
		look_up_doubtful(s, MATCH_DST);
		return;
	}
	if (has_kind(s, src)) {
		rule_key_address(p->family, p->saddr, &high, &low);
		look_up_blocks(s, src, width, high, low);
	}
	if (has_kind(s, dst)) {
		rule_key_address(p->family, p->daddr, &high, &low);
		look_up_blocks(s, dst, width, high, low);
	}
}

static void search_protocol(struct search *s, const struct packet *p)
{
	if (!p->family || !p->has_proto)
		look_up_doubtful(s, MATCH_PROTO);
	else if (has_kind(s, KEY_PROTO))
		look_up(s, rule_key_of(KEY_PROTO, 0, 0, p->proto));
	if (p->has_ports) {
		look_up_blocks(s, KEY_SPORT, 16, 0, p->sport);
		look_up_blocks(s, KEY_DPORT, 16, 0, p->dport);
	} else if (packet_may_have_ports(p)) {
		look_up_doubtful(s, MATCH_SPORT);
		look_up_doubtful(s, MATCH_DPORT);
	}
}

static void search_facts(struct search *s, const struct holders *holders)
{
	if (holders->has_uid) {
		look_up_blocks(s, KEY_UID, 32, 0, holders->uid);
		look_up_blocks(s, KEY_GID, 32, 0, holders->gid);
	}
	if (!(s->x->kinds & (1u << KEY_UID | 1u << KEY_GID | 1u << KEY_COMM)))
		return;
	for (size_t i = 0; i < holders->n; i++) {
		const struct facts *f = &holders->h[i].facts;

		if (!f->known)
			continue;
		if (!holders->has_uid) {
			look_up_blocks(s, KEY_UID, 32, 0, f->uid);
			look_up_blocks(s, KEY_GID, 32, 0, f->gid);
		}
		if (has_kind(s, KEY_COMM))
			look_up(s, rule_key_of_comm(f->comm));
	}
}

static bool wants_objects(const struct rule_index *x)
{
	return x->kinds & (1u << KEY_OBJECT | 1u << KEY_AGGREGATE | 1u << KEY_ANONYMOUS);
}

/* What to do with the rules filed under a key of a set. */
typedef void slot_fn(void *cookie, const struct key_slot *slot);

static void each_slot(const struct rule_index *x, const struct objset *set, slot_fn *fn,
		      void *cookie)
{
	const struct key_slot *slot = NULL;

	for (size_t i = 0; i < set->n; i++) {
		slot = find_slot(x, rule_key_of_digest(KEY_OBJECT, &set->digests[i]));
		if (slot)
			fn(cookie, slot);
	}
	slot = set->has_aggregate ? find_slot(x, rule_key_of_digest(KEY_AGGREGATE, &set->aggregate))
				  : NULL;
	if (slot)
		fn(cookie, slot);
	slot = set->anonymous ? find_slot(x, rule_key_of(KEY_ANONYMOUS, 0, 0, 0)) : NULL;
	if (slot)
		fn(cookie, slot);
}

static void try_slot(void *cookie, const struct key_slot *slot)
{
	struct search *s = cookie;

	try_run(s, s->x->items + slot->first, slot->n);
}

struct gathering {
	const struct rule_index *x;
	uint32_t *items;
	size_t n;
};

static void gather(void *cookie, const struct key_slot *slot)
{
	struct gathering *g = cookie;

	for (uint32_t i = 0; i < slot->n && g->n <= RULE_FINDS_MAX; i++)
		g->items[g->n++] = g->x->items[slot->first + i];
}

/* False: it cannot be remembered. */
static bool remember(const struct rule_index *x, const struct objset *set, struct rule_find *find)
{
	uint32_t items[RULE_FINDS_MAX + 1];
	struct gathering g = {.x = x, .items = items};

	each_slot(x, set, gather, &g);
	return rule_finds_put(find, x->number, items, g.n) == 0;
}

static void search_objects(struct search *s, const struct objset *set)
{
	struct rule_find *find = set->finds ? &set->finds->of[s->x->place] : NULL;

	if (find && (find->index == s->x->number || remember(s->x, set, find)) &&
	    find->n <= RULE_FINDS_MAX)
		try_run(s, find->items, find->n);
	else
		each_slot(s->x, set, try_slot, s);
}

/* Holders that fork made have one set: it is looked up once. */
static void search_holders(struct search *s, const struct holders *holders)
{
	const struct objset *last = NULL;

	if (wants_objects(s->x))
		for (size_t i = 0; i < holders->n; i++)
			if (holders->h[i].objects != last) {
				last = holders->h[i].objects;
				search_objects(s, last);
			}
	if (!has_kind(s, KEY_SCRIPT))
		return;
	for (size_t i = 0; i < holders->n; i++) {
		const struct script *script = &holders->h[i].script;

		if (script->state == SCRIPT_KNOWN || script->state == SCRIPT_SEEN)
			look_up(s, rule_key_of_digest(KEY_SCRIPT, &script->digest));
	}
}

void rule_index_search(const struct rule_index *x, const struct packet *p,
		       const struct holders *holders, uint64_t before, rule_try_fn *try,
		       void *cookie)
{
	struct search s = {x, try, cookie, (uint32_t)x->list.n};

	if (before < UINT64_MAX) /* seldom */
		s.bound = (uint32_t)rule_list_find(&x->list, before);
	search_addresses(&s, p);
	search_protocol(&s, p);
	search_facts(&s, holders);
	search_holders(&s, holders);
	if (!holders->netns)
		look_up_doubtful(&s, MATCH_NETNS);
	else if (has_kind(&s, KEY_NETNS))
		look_up(&s, rule_key_of(KEY_NETNS, 0, 0, holders->netns));
	if (has_kind(&s, KEY_ORIGIN))
		look_up(&s, rule_key_of(KEY_ORIGIN, 0, 0, holders->origin));
	try_run(&s, x->rest.items, x->rest.n);
}
