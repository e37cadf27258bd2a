// SPDX-License-Identifier: GPL-2.0-or-later
#include "rule_index.h"

#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "key_table.h"
#include "rule_finds.h"
#include "rule_key.h"

#define FEW_KEYS	64 /* a criterion with more is not counted key by key */
#define ITEMS_PER_RULE	40 /* on the average, at most, in all runs together */
#define ITEMS_MIN	(1u << 20)
#define FILTER_BITS_MIN 512
#define FILTER_PER_KEY	8
#define DOUBTS		(MATCH_NETNS + 1) /* criteria of which a packet may lack the value */

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

struct rule_index *rule_index_ref(struct rule_index *x)
{
	x->refs++;
	return x;
}

void rule_index_unref(struct rule_index *x)
{
	if (!x || --x->refs > 0)
		return;
	rule_list_clear(&x->list);
	key_table_clear(&x->table);
	free(x->entries);
	free(x->items);
	free(x->filter);
	free(x->rest.items);
	for (size_t i = 0; i < DOUBTS; i++)
		free(x->doubtful[i].items);
	free(x);
}

static void cleanup_index(struct rule_index **x)
{
	rule_index_unref(*x);
}

static int run_add(struct run *run, uint32_t item)
{
	if (run->n == run->room) {
		size_t room = run->room ? 2 * run->room : 16;
		uint32_t *more = reallocarray(run->items, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		run->items = more;
		run->room = room;
	}
	run->items[run->n++] = item;
	return 0;
}

/* What building needs, and the index does not. */
struct builder {
	struct rule_index *x;
	struct key_table counts; /* n: how many rules could be filed there */
	size_t n_items, items_max;
	uint8_t *filed_by; /* enum match of each rule; MATCH_COUNT: by none */
	struct rule_key keys[RULE_KEYS_MAX];
};

static void cleanup_builder(struct builder **b)
{
	if (!*b)
		return;
	rule_index_unref((*b)->x);
	key_table_clear(&(*b)->counts);
	free((*b)->filed_by);
	free(*b);
}

static uint32_t positive(const struct rule *r)
{
	return r->have & ~r->neg;
}

/* First time: how many rules have each key. */
static int count_keys(struct builder *b, const struct rule *r)
{
	for (uint32_t left = positive(r); left; left &= left - 1) {
		size_t n = rule_keys(r, (enum match)__builtin_ctz(left), b->keys);

		for (size_t i = 0; i < n && n <= FEW_KEYS; i++) {
			struct key_slot *slot = key_table_put(&b->counts, b->keys[i].key);

			if (!slot)
				return -ENOMEM;
			slot->n++;
		}
	}
	return 0;
}

/* How many rules a packet meets, at worst, that looks where the rule is filed by m. */
static size_t crowd(const struct builder *b, size_t n)
{
	size_t most = n;

	if (n > FEW_KEYS)
		return n * FEW_KEYS;
	for (size_t i = 0; i < n; i++) {
		const struct key_slot *slot = key_table_get(&b->counts, b->keys[i].key);

		if (slot && slot->n > most)
			most = slot->n;
	}
	return most;
}

static enum match choose(struct builder *b, const struct rule *r)
{
	enum match best = MATCH_COUNT;
	size_t least = 0, n_best = 0;

	for (uint32_t left = positive(r); left; left &= left - 1) {
		enum match m = (enum match)__builtin_ctz(left);
		size_t n = rule_keys(r, m, b->keys), many = crowd(b, n);

		if (n == 0 || b->n_items + n > b->items_max ||
		    (best != MATCH_COUNT && many >= least))
			continue;
		best = m;
		least = many;
		n_best = n;
	}
	b->n_items += n_best;
	return best;
}

static void note_kind(struct rule_index *x, const struct rule_key *key)
{
	x->kinds |= 1u << key->kind;
	x->lengths[key->kind].word[key->bits / 64] |= 1ull << key->bits % 64;
}

/* Second time: where each is filed, and how much room that takes. */
static int choose_all(struct builder *b)
{
	struct rule_index *x = b->x;

	for (size_t i = 0; i < x->list.n; i++) {
		const struct rule *r = &x->entries[i]->rule;
		enum match m = choose(b, r);
		size_t n = m == MATCH_COUNT ? 0 : rule_keys(r, m, b->keys);
		int e = m == MATCH_COUNT ? run_add(&x->rest, (uint32_t)i) : 0;

		if (!e && m < DOUBTS && !verdict_passes(r->verdict))
			e = run_add(&x->doubtful[m], (uint32_t)i);
		if (e)
			return e;
		b->filed_by[i] = (uint8_t)m;
		for (size_t k = 0; k < n; k++) {
			struct key_slot *slot = key_table_put(&x->table, b->keys[k].key);

			if (!slot)
				return -ENOMEM;
			slot->n++;
			note_kind(x, &b->keys[k]);
		}
	}
	return 0;
}

/* Gives each key its part of the items; n counts again from 0. */
static int make_room(struct builder *b)
{
	struct rule_index *x = b->x;
	uint64_t bits = FILTER_BITS_MIN;
	uint32_t first = 0;

	while (bits < FILTER_PER_KEY * x->table.n)
		bits *= 2;
	x->filter_mask = bits - 1;
	x->filter = calloc(bits / 64, sizeof(*x->filter));
	x->items = calloc(b->n_items + 1, sizeof(*x->items));
	if (!x->filter || !x->items)
		return -ENOMEM;
	for (size_t i = 0; i < x->table.n_slots; i++) {
		struct key_slot *slot = &x->table.slots[i];
		uint64_t bit = slot->key >> 32 & x->filter_mask;

		if (!slot->key)
			continue;
		x->filter[bit / 64] |= 1ull << bit % 64;
		slot->first = first;
		first += slot->n;
		slot->n = 0;
	}
	return 0;
}

/* Third time: in order, so each run is. */
static int fill(struct builder *b)
{
	struct rule_index *x = b->x;

	for (size_t i = 0; i < x->list.n; i++) {
		enum match m = (enum match)b->filed_by[i];
		size_t n = m == MATCH_COUNT ? 0 : rule_keys(&x->entries[i]->rule, m, b->keys);

		for (size_t k = 0; k < n; k++) {
			struct key_slot *slot = key_table_put(&x->table, b->keys[k].key);

			if (!slot)
				return -ENOMEM;
			x->items[slot->first + slot->n++] = (uint32_t)i;
		}
	}
	return 0;
}

static int build(struct builder *b, const struct rule_list *list)
{
	struct rule_index *x = b->x;
	int r = rule_list_copy(list, &x->list);

	x->entries = malloc((list->n + 1) * sizeof(struct rule_entry *));
	b->filed_by = malloc(list->n + 1);
	if (r || !x->entries || !b->filed_by)
		return -ENOMEM;
	b->items_max = ITEMS_MIN + ITEMS_PER_RULE * list->n;
	for (size_t i = 0; i < list->n; i++)
		x->entries[i] = rule_list_at(list, i);
	x->chain = list->n ? x->entries[0]->rule.chain : (enum chain)0;
	for (size_t i = 0; !r && i < list->n; i++)
		r = count_keys(b, &x->entries[i]->rule);
	r = r ? r : choose_all(b);
	r = r ? r : make_room(b);
	return r ? r : fill(b);
}

static uint64_t last_number;

struct rule_index *rule_index_new(const struct rule_list *list)
{
	_cleanup_(cleanup_builder) struct builder *b = calloc(1, sizeof(*b));
	_cleanup_(cleanup_index) struct rule_index *x = calloc(1, sizeof(*x));

	if (!b || !x)
		return NULL;
	x->refs = 2;
	x->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	b->x = x;
	return build(b, list) ? NULL : TAKE_PTR(x);
}

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
	const uint64_t bit = key >> 32 & x->filter_mask;

	return x->filter[bit / 64] >> bit % 64 & 1 ? key_table_get(&x->table, key) : NULL;
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
	struct rule_find *find = set->finds ? &set->finds->of[s->x->chain] : NULL;

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

/* The number of the first rule that comes after that place. */
static uint32_t first_after(const struct rule_index *x, uint64_t order)
{
	size_t low = 0, high = order == UINT64_MAX ? 0 : x->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (x->entries[middle]->order < order)
			low = middle + 1;
		else
			high = middle;
	}
	return order == UINT64_MAX ? UINT32_MAX : (uint32_t)low;
}

void rule_index_search(const struct rule_index *x, const struct packet *p,
		       const struct holders *holders, uint64_t before, rule_try_fn *try,
		       void *cookie)
{
	struct search s = {x, try, cookie, first_after(x, before)};

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
