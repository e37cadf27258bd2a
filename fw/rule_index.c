// SPDX-License-Identifier: GPL-2.0-or-later
#include "rule_index_private.h"

#include <errno.h>
#include <stdlib.h>

#include "cache_named.h"
#include "common/cleanup.h"

#define FEW_KEYS       64 /* a criterion with more is not counted key by key */
#define ITEMS_PER_RULE 40 /* on the average, at most, in all runs together */
#define ITEMS_MIN      (1u << 20)
#define KEYS_PER_WORD  4 /* of the filter */

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
	free(x->named);
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
	uint64_t words = 1;
	uint32_t first = 0;

	while (KEYS_PER_WORD * words < x->table.n)
		words *= 2;
	x->filter_mask = words - 1;
	x->filter = calloc(words, sizeof(*x->filter));
	x->items = calloc(b->n_items + 1, sizeof(*x->items));
	if (!x->filter || !x->items)
		return -ENOMEM;
	for (size_t i = 0; i < x->table.n_slots; i++) {
		struct key_slot *slot = &x->table.slots[i];

		if (!slot->key)
			continue;
		*filter_word(x, slot->key) |= filter_bits(slot->key);
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

/* A chain's rules and its patches have an index each. */
static size_t place_of(const struct rule_list *list)
{
	const struct rule *r = list->n ? &rule_list_at(list, 0)->rule : NULL;

	return r ? (size_t)r->chain + (r->patch ? CHAIN_COUNT : 0) : 0;
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
	x->place = place_of(list);
	for (size_t i = 0; !r && i < list->n; i++)
		r = count_keys(b, &x->entries[i]->rule);
	r = r ? r : choose_all(b);
	r = r ? r : make_room(b);
	return r ? r : fill(b);
}

static uint64_t last_number;

const struct cache_named *rule_index_named(const struct rule_index *x)
{
	return x->named;
}

static int note_names(struct rule_index *x, const struct rule_list *list)
{
	x->named = calloc(1, sizeof(*x->named));
	if (!x->named)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		cache_named_add(x->named, &rule_list_at(list, i)->rule);
	return 0;
}

struct rule_index *rule_index_new(const struct rule_list *list)
{
	_cleanup_(cleanup_builder) struct builder *b = calloc(1, sizeof(*b));
	_cleanup_(cleanup_index) struct rule_index *x = calloc(1, sizeof(*x));

	if (!b || !x)
		return NULL;
	x->refs = 2;
	x->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	b->x = x;
	return build(b, list) || note_names(x, list) ? NULL : TAKE_PTR(x);
}
