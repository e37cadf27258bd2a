/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/event_ring.h"

#include <pthread.h>
#include <sched.h>

#include "expect.h"
#include "unit.h"

#define ROUNDS 20000

static void put_one(struct event_ring *r)
{
	event_ring_keep(r);
	event_ring_put(r);
}

static void kept_until_put(void)
{
	struct event_ring *r = event_ring_new(4);
	struct event *e;

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NULL(event_ring_kept(r));
	for (uint64_t n = 0; (e = event_ring_room(r)); event_ring_keep(r))
		e->seq = ++n;
	CU_ASSERT_PTR_NULL(event_ring_first(r));
	for (uint64_t n = 1; n <= 4; n++) {
		CU_ASSERT_EQUAL_FATAL(event_ring_kept(r)->seq, n);
		event_ring_put(r);
		CU_ASSERT_EQUAL(event_ring_first(r)->seq, n);
		CU_ASSERT_PTR_NULL(event_ring_room(r));
		event_ring_drop(r);
		CU_ASSERT_PTR_NULL(event_ring_first(r));
		CU_ASSERT_PTR_NOT_NULL_FATAL(e = event_ring_room(r));
		e->seq = n + 4;
		event_ring_keep(r);
	}
	event_ring_free(r);
}

static void bounded_and_in_order(void)
{
	struct event_ring *r = event_ring_new(4);
	uint64_t put = 0, taken = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NULL(event_ring_first(r));
	for (int round = 0; round < 9; round++) {
		for (struct event *e; (e = event_ring_room(r)); put_one(r))
			e->seq = ++put;
		CU_ASSERT_EQUAL(put - taken, 4);
		for (int i = 0; i < 3; i++, event_ring_drop(r))
			CU_ASSERT_EQUAL(event_ring_first(r)->seq, ++taken);
	}
	event_ring_free(r);
}

static void *taker(void *ring)
{
	uint64_t last = 0;

	while (last < ROUNDS) {
		const struct event *e = event_ring_first(ring);

		if (!e) {
			sched_yield();
			continue;
		}
		/* Written before and after the rest of the record. */
		if (e->seq != last + 1 || e->n_objects != e->seq)
			return (void *)1;
		last = e->seq;
		event_ring_drop(ring);
	}
	return NULL;
}

static void whole_between_threads(void)
{
	struct event_ring *r = event_ring_new(8);
	void *broken = NULL;
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, taker, r), 0);
	for (uint64_t n = 1; n <= ROUNDS;) {
		struct event *e = event_ring_room(r);

		if (!e) {
			sched_yield();
			continue;
		}
		e->seq = n;
		e->n_objects = n++;
		put_one(r);
	}
	pthread_join(thread, &broken);
	CU_ASSERT_PTR_NULL(broken);
	event_ring_free(r);
}

static const struct unit_test tests[] = {
	{"a ring takes as many as it has room for, and gives them in order", bounded_and_in_order},
	{"what is kept is there for the other thread once it is put, and not before",
	 kept_until_put},
	{"two threads: no event is lost, torn or doubled", whole_between_threads},
};
UNIT_SUITE("fw/event_ring", tests)
