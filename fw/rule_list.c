/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rule_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rule_entry *rule_entry_new(const struct rule *rule, uint64_t order, struct rule_count *count)
{
	struct rule_entry *e = malloc(sizeof(*e));

	count = count ? count : calloc(1, sizeof(*count));
	if (!e || !count) {
		if (count && !count->refs)
			free(count);
		free(e);
		return NULL;
	}
	count->refs++;
	*e = (struct rule_entry){.refs = 1, .order = order, .count = count, .rule = *rule};
	return e;
}

void rule_entry_unref(struct rule_entry *e)
{
	if (!e || --e->refs > 0)
		return;
	if (--e->count->refs == 0)
		free(e->count);
	free(e);
}

static void leaf_unref(struct rule_leaf *leaf)
{
	if (--leaf->refs > 0)
		return;
	for (size_t i = 0; i < leaf->n; i++)
		rule_entry_unref(leaf->entries[i]);
	free(leaf);
}

/* Of some of the entries of another. */
static struct rule_leaf *leaf_new(const struct rule_leaf *from, size_t first, size_t n)
{
	struct rule_leaf *leaf = malloc(sizeof(*leaf));

	if (!leaf)
		return NULL;
	leaf->refs = 1;
	leaf->n = n;
	for (size_t i = 0; i < n; i++) {
		leaf->entries[i] = from->entries[first + i];
		leaf->entries[i]->refs++;
	}
	return leaf;
}

static void count_starts(struct rule_list *l)
{
	l->n = 0;
	for (size_t i = 0; i < l->n_leaves; i++) {
		l->starts[i] = l->n;
		l->n += l->leaves[i]->n;
	}
}

/* Room for one leaf more than there are. */
static int make_room(struct rule_list *l)
{
	const size_t room = l->n_leaves + 1;
	struct rule_leaf **leaves = reallocarray(l->leaves, room, sizeof(struct rule_leaf *));
	size_t *starts;

	if (!leaves)
		return -ENOMEM;
	l->leaves = leaves;
	starts = reallocarray(l->starts, room, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	l->starts = starts;
	return 0;
}

static void put_leaf(struct rule_list *l, size_t at, struct rule_leaf *leaf)
{
	memmove(l->leaves + at + 1, l->leaves + at,
		(l->n_leaves - at) * sizeof(struct rule_leaf *));
	l->leaves[at] = leaf;
	l->n_leaves++;
}

int rule_list_copy(const struct rule_list *from, struct rule_list *to)
{
	const size_t n = from->n_leaves;

	if (n == 0)
		return 0;
	to->leaves = malloc(n * sizeof(struct rule_leaf *));
	to->starts = malloc(n * sizeof(*to->starts));
	if (!to->leaves || !to->starts) {
		rule_list_clear(to);
		return -ENOMEM;
	}
	memcpy(to->leaves, from->leaves, n * sizeof(struct rule_leaf *));
	memcpy(to->starts, from->starts, n * sizeof(*to->starts));
	for (size_t i = 0; i < n; i++)
		to->leaves[i]->refs++;
	to->n = from->n;
	to->n_leaves = n;
	return 0;
}

void rule_list_clear(struct rule_list *l)
{
	for (size_t i = 0; i < l->n_leaves; i++)
		leaf_unref(l->leaves[i]);
	free(l->leaves);
	free(l->starts);
	*l = (struct rule_list){.n = 0};
}

/* The leaf that has that index; of n, the last one. */
static size_t leaf_of(const struct rule_list *l, size_t index)
{
	size_t low = 0, high = l->n_leaves;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (l->starts[middle] <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

struct rule_entry *rule_list_at(const struct rule_list *l, size_t index)
{
	size_t leaf = leaf_of(l, index);

	return l->leaves[leaf]->entries[index - l->starts[leaf]];
}

size_t rule_list_find(const struct rule_list *l, uint64_t order)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rule_list_at(l, middle)->order < order)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The leaf is this list's alone from here on. */
static int own_leaf(struct rule_list *l, size_t at)
{
	struct rule_leaf *old = l->leaves[at], *own;

	if (old->refs == 1)
		return 0;
	own = leaf_new(old, 0, old->n);
	if (!own)
		return -ENOMEM;
	old->refs--;
	l->leaves[at] = own;
	return 0;
}

/*
 * A full leaf becomes two: its halves, or, where a rule is appended, itself and an empty one, so
 * that lists that grow at their end have full leaves.
 */
static int split_leaf(struct rule_list *l, size_t at, size_t first)
{
	struct rule_leaf *old = l->leaves[at], *second;

	if (make_room(l))
		return -ENOMEM;
	second = leaf_new(old, first, old->n - first);
	if (!second)
		return -ENOMEM;
	for (size_t i = first; i < old->n; i++)
		rule_entry_unref(old->entries[i]);
	old->n = first;
	put_leaf(l, at + 1, second);
	return 0;
}

static int first_leaf(struct rule_list *l)
{
	struct rule_leaf *leaf = malloc(sizeof(*leaf));

	if (!leaf || make_room(l)) {
		free(leaf);
		return -ENOMEM;
	}
	leaf->refs = 1;
	leaf->n = 0;
	put_leaf(l, 0, leaf);
	l->starts[0] = 0;
	return 0;
}

/* The leaf where a rule is to be put at that index, with room for it, and the place in it. */
static int open_leaf(struct rule_list *l, size_t index, size_t *leaf, size_t *place)
{
	int r = l->n_leaves ? 0 : first_leaf(l);

	if (r)
		return r;
	*leaf = leaf_of(l, index);
	*place = index - l->starts[*leaf];
	r = own_leaf(l, *leaf);
	if (r || l->leaves[*leaf]->n < RULE_LEAF)
		return r;
	r = split_leaf(l, *leaf, *place == RULE_LEAF ? RULE_LEAF : RULE_LEAF / 2);
	if (r)
		return r;
	if (*place > l->leaves[*leaf]->n || *place == RULE_LEAF) {
		*place -= l->leaves[*leaf]->n;
		++*leaf;
	}
	return 0;
}

int rule_list_insert(struct rule_list *l, size_t index, struct rule_entry *e)
{
	struct rule_leaf *leaf;
	size_t at, place;
	int r = open_leaf(l, index, &at, &place);

	if (r)
		return r;
	leaf = l->leaves[at];
	memmove(leaf->entries + place + 1, leaf->entries + place,
		(leaf->n - place) * sizeof(struct rule_entry *));
	leaf->entries[place] = e;
	leaf->n++;
	count_starts(l);
	return 0;
}

int rule_list_replace(struct rule_list *l, size_t index, struct rule_entry *e)
{
	size_t at = leaf_of(l, index);
	struct rule_entry **place;

	if (own_leaf(l, at))
		return -ENOMEM;
	place = &l->leaves[at]->entries[index - l->starts[at]];
	rule_entry_unref(*place);
	*place = e;
	return 0;
}

int rule_list_remove(struct rule_list *l, size_t index)
{
	size_t at = leaf_of(l, index), place = index - l->starts[at];
	struct rule_leaf *leaf;

	if (own_leaf(l, at))
		return -ENOMEM;
	leaf = l->leaves[at];
	rule_entry_unref(leaf->entries[place]);
	leaf->n--;
	memmove(leaf->entries + place, leaf->entries + place + 1,
		(leaf->n - place) * sizeof(struct rule_entry *));
	if (leaf->n == 0) {
		leaf_unref(leaf);
		l->n_leaves--;
		memmove(l->leaves + at, l->leaves + at + 1,
			(l->n_leaves - at) * sizeof(struct rule_leaf *));
	}
	count_starts(l);
	return 0;
}
