// SPDX-License-Identifier: GPL-2.0-or-later
#include "verdicts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet_id.h"

struct entry {
	uint32_t id;
	struct ruling ruling; /* of a judged id */
};

/*
 * Ascending by id, at `start` of an array of twice the capacity: packets come and go at the ends,
 * so entries are moved only where a held packet is released out of order, and once every `capacity`
 * arrivals.
 */
struct list {
	struct entry *array;
	size_t start, n, size;
};

struct verdicts {
	size_t capacity;
	struct list judged, held;
};

static const struct entry *list_at(const struct list *l, size_t i)
{
	return &l->array[l->start + i];
}

/* How many entries are before id. */
static size_t list_rank(const struct list *l, uint32_t id)
{
	size_t low = 0, high = l->n;

	if (l->n && id_before(list_at(l, l->n - 1)->id, id))
		return l->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (id_before(list_at(l, middle)->id, id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void list_move(struct list *l, size_t to, size_t from, size_t n)
{
	memmove(&l->array[to], &l->array[from], n * sizeof(*l->array));
}

static void list_insert(struct list *l, uint32_t id, struct ruling ruling)
{
	size_t rank = list_rank(l, id);

	if (l->start + l->n == l->size) {
		list_move(l, 0, l->start, l->n);
		l->start = 0;
	}
	if (rank < l->n / 2 && l->start > 0) {
		list_move(l, l->start - 1, l->start, rank);
		l->start--;
	} else {
		list_move(l, l->start + rank + 1, l->start + rank, l->n - rank);
	}
	l->array[l->start + rank] = (struct entry){.id = id, .ruling = ruling};
	l->n++;
}

/* The n entries from rank on. */
static void list_remove(struct list *l, size_t rank, size_t n)
{
	if (rank < l->n / 2) {
		list_move(l, l->start + n, l->start, rank);
		l->start += n;
	} else {
		list_move(l, l->start + rank, l->start + rank + n, l->n - rank - n);
	}
	l->n -= n;
	if (!l->n)
		l->start = 0;
}

struct verdicts *verdicts_new(size_t capacity)
{
	struct verdicts *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->capacity = capacity;
	v->judged.size = v->held.size = 2 * capacity;
	v->judged.array = reallocarray(NULL, 2 * capacity, sizeof(struct entry));
	v->held.array = reallocarray(NULL, 2 * capacity, sizeof(struct entry));
	if (!v->judged.array || !v->held.array) {
		verdicts_free(v);
		errno = ENOMEM;
		return NULL;
	}
	return v;
}

void verdicts_free(struct verdicts *v)
{
	if (!v)
		return;
	free(v->judged.array);
	free(v->held.array);
	free(v);
}

size_t verdicts_room(const struct verdicts *v)
{
	return v->capacity - v->judged.n - v->held.n;
}

size_t verdicts_due(const struct verdicts *v)
{
	return v->judged.n;
}

void verdicts_judge(struct verdicts *v, uint32_t id, struct ruling ruling)
{
	list_insert(&v->judged, id, ruling);
}

void verdicts_hold(struct verdicts *v, uint32_t id)
{
	list_insert(&v->held, id, (struct ruling){.verdict = VERDICT_DROP});
}

bool verdicts_release(struct verdicts *v, uint32_t id, struct ruling ruling)
{
	size_t rank = list_rank(&v->held, id);

	if (rank == v->held.n || list_at(&v->held, rank)->id != id)
		return false;
	list_remove(&v->held, rank, 1);
	list_insert(&v->judged, id, ruling);
	return true;
}

bool verdicts_first_held(const struct verdicts *v, uint32_t *id)
{
	if (!v->held.n)
		return false;
	*id = list_at(&v->held, 0)->id;
	return true;
}

static bool alike(const struct ruling *a, const struct ruling *b)
{
	return a->verdict == b->verdict && a->mark == b->mark;
}

/* How many ids from rank on one batch verdict may settle. */
static size_t run_length(const struct verdicts *v, size_t rank, unsigned int most)
{
	const struct entry *first = list_at(&v->judged, rank);
	uint32_t held;
	bool any_held = verdicts_first_held(v, &held);
	size_t n = 1;

	while (n < most && rank + n < v->judged.n) {
		const struct entry *e = list_at(&v->judged, rank + n);

		if (!alike(&e->ruling, &first->ruling) || (any_held && id_before(held, e->id)))
			break;
		n++;
	}
	return n;
}

size_t verdicts_plan(const struct verdicts *v, unsigned int batch_count,
		     struct verdict_message *out, size_t max)
{
	size_t rank = 0, n_out = 0;

	while (rank < v->judged.n && n_out < max) {
		size_t n = run_length(v, rank, batch_count);
		const struct entry *last = list_at(&v->judged, rank + n - 1);

		out[n_out++] = (struct verdict_message){
			.batch = n > 1, .id = last->id, .n = (uint32_t)n, .ruling = last->ruling};
		rank += n;
	}
	return n_out;
}

void verdicts_sent(struct verdicts *v, const struct verdict_message *sent, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t last = list_rank(&v->judged, sent[i].id);

		list_remove(&v->judged, last + 1 - sent[i].n, sent[i].n);
	}
}
