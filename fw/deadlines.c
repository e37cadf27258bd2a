// SPDX-License-Identifier: GPL-2.0-or-later
#include "deadlines.h"

#include <errno.h>
#include <stdlib.h>

int deadlines_reserve(struct deadlines *d, size_t n)
{
	struct deadline **heap;

	if (n <= d->room)
		return 0;
	heap = reallocarray(d->heap, n, sizeof(struct deadline *));
	if (!heap)
		return -ENOMEM;
	d->heap = heap;
	d->room = n;
	return 0;
}

void deadlines_free(struct deadlines *d)
{
	free(d->heap);
	*d = (struct deadlines){0};
}

/* Those at 2n and 2n + 1 are no earlier than the one at n. */
static struct deadline *at(const struct deadlines *d, size_t place)
{
	return d->heap[place - 1];
}

static void put(struct deadlines *d, size_t place, struct deadline *t)
{
	d->heap[place - 1] = t;
	t->place = place;
}

/* Puts t, which belongs at this place or above it. */
static void put_up(struct deadlines *d, size_t place, struct deadline *t)
{
	for (; place > 1 && at(d, place / 2)->at > t->at; place /= 2)
		put(d, place, at(d, place / 2));
	put(d, place, t);
}

static void put_down(struct deadlines *d, size_t place, struct deadline *t)
{
	for (;;) {
		size_t child = 2 * place;

		if (child < d->n && at(d, child + 1)->at < at(d, child)->at)
			child++;
		if (child > d->n || at(d, child)->at >= t->at)
			break;
		put(d, place, at(d, child));
		place = child;
	}
	put(d, place, t);
}

void deadlines_set(struct deadlines *d, struct deadline *t, uint64_t when)
{
	deadlines_unset(d, t);
	t->at = when;
	put_up(d, ++d->n, t);
}

void deadlines_unset(struct deadlines *d, struct deadline *t)
{
	size_t place = t->place;
	struct deadline *last;

	if (!place)
		return;
	t->place = 0;
	last = at(d, d->n--);
	if (last == t)
		return;
	if (place > 1 && at(d, place / 2)->at > last->at)
		put_up(d, place, last);
	else
		put_down(d, place, last);
}

struct deadline *deadlines_first(const struct deadlines *d)
{
	return d->n ? d->heap[0] : NULL;
}
