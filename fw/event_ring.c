// SPDX-License-Identifier: GPL-2.0-or-later
#include "event_ring.h"

#include <stdlib.h>

struct event_ring {
	size_t n;
	size_t head; /* events taken: written by who takes */
	size_t tail; /* events put: written by who puts */
	size_t kept; /* events written, put or not: who puts alone has this */
	struct event events[];
};

struct event_ring *event_ring_new(size_t n)
{
	struct event_ring *r = calloc(1, sizeof(*r) + n * sizeof(r->events[0]));

	if (r)
		r->n = n;
	return r;
}

void event_ring_free(struct event_ring *r)
{
	free(r);
}

struct event *event_ring_room(struct event_ring *r)
{
	if (r->kept - __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) == r->n)
		return NULL;
	return &r->events[r->kept & (r->n - 1)];
}

void event_ring_keep(struct event_ring *r)
{
	r->kept++;
}

struct event *event_ring_kept(struct event_ring *r)
{
	return r->tail == r->kept ? NULL : &r->events[r->tail & (r->n - 1)];
}

void event_ring_put(struct event_ring *r)
{
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
}

struct event *event_ring_first(struct event_ring *r)
{
	if (__atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == r->head)
		return NULL;
	return &r->events[r->head & (r->n - 1)];
}

void event_ring_drop(struct event_ring *r)
{
	__atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
}
