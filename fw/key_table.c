// SPDX-License-Identifier: GPL-2.0-or-later
#include "key_table.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 64

void key_table_clear(struct key_table *t)
{
	free(t->slots);
	*t = (struct key_table){.n = 0};
}

/* Where the key is, or would come: there is a free slot. */
static struct key_slot *place(const struct key_table *t, uint64_t key)
{
	const size_t mask = t->n_slots - 1;
	size_t at = key >> 1 & mask;

	while (t->slots[at].key && t->slots[at].key != key)
		at = (at + 1) & mask;
	return &t->slots[at];
}

static int grow(struct key_table *t)
{
	struct key_table more = {.n_slots = t->n_slots ? 2 * t->n_slots : SLOTS_MIN, .n = t->n};

	more.slots = calloc(more.n_slots, sizeof(*more.slots));
	if (!more.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_slots; i++)
		if (t->slots[i].key)
			*place(&more, t->slots[i].key) = t->slots[i];
	free(t->slots);
	*t = more;
	return 0;
}

struct key_slot *key_table_put(struct key_table *t, uint64_t key)
{
	struct key_slot *slot;

	if (2 * (t->n + 1) > t->n_slots && grow(t))
		return NULL;
	slot = place(t, key);
	if (!slot->key) {
		slot->key = key;
		t->n++;
	}
	return slot;
}
