// SPDX-License-Identifier: GPL-2.0-or-later
#include "patch_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct patch_entry *entry_new(const struct patch *patch)
{
	struct patch_entry *e = malloc(sizeof(*e));
	struct rule_count *count = calloc(1, sizeof(*count));

	if (!e || !count) {
		free(e);
		free(count);
		return NULL;
	}
	count->refs = 1;
	*e = (struct patch_entry){.refs = 1, .count = count, .patch = *patch};
	return e;
}

static void entry_unref(struct patch_entry *e)
{
	if (--e->refs > 0)
		return;
	if (--e->count->refs == 0)
		free(e->count);
	free(e);
}

/* With room for one more. */
int patch_list_copy(const struct patch_list *from, struct patch_list *to)
{
	to->next_id = from->next_id;
	to->entries = malloc((from->n + 1) * sizeof(struct patch_entry *));
	if (!to->entries)
		return -ENOMEM;
	for (; to->n < from->n; to->n++) {
		to->entries[to->n] = from->entries[to->n];
		to->entries[to->n]->refs++;
	}
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		if (rule_chain_copy(&from->chains[c], &to->chains[c]))
			return -ENOMEM;
	return 0;
}

void patch_list_clear(struct patch_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_unref(l->entries[i]);
	free(l->entries);
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		rule_chain_clear(&l->chains[c]);
	*l = (struct patch_list){.n = 0};
}

/* The place of that id, or where it would come. */
static size_t place_of(const struct patch_list *l, uint64_t id)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->entries[middle]->patch.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t patch_list_find(const struct patch_list *l, uint64_t id)
{
	size_t at = place_of(l, id);

	return at < l->n && l->entries[at]->patch.id == id ? at : l->n;
}

int patch_list_add(struct patch_list *l, const struct patch *patch)
{
	const uint64_t id = patch->id ? patch->id : l->next_id;
	const size_t at = place_of(l, id);
	struct patch_entry **more, *e;

	if (l->n == PATCHES_MAX || id > PATCH_ID_LAST)
		return -E2BIG;
	if (at < l->n && l->entries[at]->patch.id == id)
		return -EEXIST;
	more = reallocarray(l->entries, l->n + 1, sizeof(struct patch_entry *));
	if (!more)
		return -ENOMEM;
	l->entries = more;
	e = entry_new(patch);
	if (!e)
		return -ENOMEM;
	e->patch.id = id;
	memmove(more + at + 1, more + at, (l->n - at) * sizeof(struct patch_entry *));
	more[at] = e;
	l->n++;
	if (id >= l->next_id)
		l->next_id = id + 1;
	return 0;
}

void patch_list_remove(struct patch_list *l, size_t index)
{
	entry_unref(l->entries[index]);
	l->n--;
	memmove(l->entries + index, l->entries + index + 1,
		(l->n - index) * sizeof(struct patch_entry *));
}

static int make_chain(struct patch_list *l, enum chain chain,
		      const struct set *(*find)(const void *cookie, const char *name),
		      const void *cookie)
{
	struct rule_chain *c = &l->chains[chain];
	struct rule rules[2];

	rule_chain_clear(c);
	for (size_t i = 0; i < l->n; i++) {
		size_t n = patch_rules(&l->entries[i]->patch, chain, rules);

		for (size_t k = 0; k < n; k++) {
			struct rule *r = &rules[k];

			r->members = r->have & MATCH_BIT(MATCH_SET) ? find(cookie, r->set) : NULL;
			if (r->have & MATCH_BIT(MATCH_SET) && !r->members)
				return -ENOENT;
			if (rule_chain_append_counted(c, r, l->entries[i]->count))
				return -ENOMEM;
		}
	}
	return rule_chain_make_index(c);
}

int patch_list_make_chains(struct patch_list *l,
			   const struct set *(*find)(const void *cookie, const char *name),
			   const void *cookie)
{
	int r = 0;

	for (int c = 0; !r && c < CHAIN_COUNT; c++)
		r = make_chain(l, (enum chain)c, find, cookie);
	return r;
}

uint64_t patch_list_next_expiry(const struct patch_list *l)
{
	uint64_t next = 0;

	for (size_t i = 0; i < l->n; i++) {
		uint64_t expiry = l->entries[i]->patch.rule.expires_s;

		if (expiry && (next == 0 || expiry < next))
			next = expiry;
	}
	return next;
}
