// SPDX-License-Identifier: GPL-2.0-or-later
#include "rule_finds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rule_finds *rule_finds_new(void)
{
	return calloc(1, sizeof(struct rule_finds));
}

void rule_finds_free(struct rule_finds *f)
{
	for (size_t c = 0; f && c < RULE_FINDS_PLACES; c++)
		free(f->of[c].items);
	free(f);
}

static int ascending(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static size_t sort(uint32_t *items, size_t n)
{
	size_t kept = 0;

	qsort(items, n, sizeof(*items), ascending);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || items[i] != items[kept - 1])
			items[kept++] = items[i];
	return kept;
}

int rule_finds_put(struct rule_find *f, uint64_t index, uint32_t *items, size_t n)
{
	const size_t kept = n > RULE_FINDS_MAX ? 0 : sort(items, n);
	uint32_t *own = NULL;

	if (kept > 0) {
		own = malloc(kept * sizeof(*own));
		if (!own)
			return -ENOMEM;
		memcpy(own, items, kept * sizeof(*own));
	}
	free(f->items);
	*f = (struct rule_find){index, n > RULE_FINDS_MAX ? RULE_FINDS_MAX + 1 : (uint32_t)kept,
				own};
	return 0;
}
