/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table from keys (rule_key.h) to two numbers. */
#ifndef FW_KEY_TABLE_H
#define FW_KEY_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct key_slot {
	uint64_t key; /* 0: the slot is free */
	uint32_t first, n;
};

struct key_table {
	struct key_slot *slots;
	size_t n_slots; /* a power of two, or 0 */
	size_t n;
};

void key_table_clear(struct key_table *t);

/* The key's slot, all zeros but for the key if it is new; valid until the next call. NULL: no
 * memory. */
struct key_slot *key_table_put(struct key_table *t, uint64_t key);

/* NULL: it is not there. */
static inline const struct key_slot *key_table_get(const struct key_table *t, uint64_t key)
{
	const size_t mask = t->n_slots - 1;

	for (size_t at = key >> 1 & mask; t->n_slots; at = (at + 1) & mask) {
		const struct key_slot *slot = &t->slots[at];

		if (slot->key == key)
			return slot;
		if (slot->key == 0)
			break;
	}
	return NULL;
}

#endif
