/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/event_log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "expect.h"
#include "unit.h"

static void add(struct event_log *l, uint64_t from, uint64_t to)
{
	char json[32], line[32];

	for (uint64_t n = from; n <= to; n++) {
		CU_ASSERT_EQUAL(event_log_next(l), n);
		snprintf(json, sizeof(json), "{%03u}", (unsigned int)n);
		snprintf(line, sizeof(line), "line %03u", (unsigned int)n);
		CU_ASSERT_TRUE(event_log_add(l, json, line));
	}
}

/* The number of the event that is given after `after`; 0: none. */
static uint64_t get(struct event_log *l, uint64_t after)
{
	struct event_text t;
	char json[32], line[32];

	if (event_log_get(l, after, &t) != 1)
		return 0;
	snprintf(json, sizeof(json), "{%03u}", (unsigned int)t.seq);
	snprintf(line, sizeof(line), "line %03u", (unsigned int)t.seq);
	expect_text("json", t.json, json);
	expect_text("line", t.line, line);
	event_text_free(&t);
	return t.seq;
}

static void readers_go_their_own_way(void)
{
	struct event_log *l = event_log_new(4, 1000);

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_EQUAL(get(l, 0), 0);
	add(l, 1, 3);
	CU_ASSERT_EQUAL(get(l, 0), 1);
	CU_ASSERT_EQUAL(get(l, 1), 2);
	CU_ASSERT_EQUAL(get(l, 0), 1);
	CU_ASSERT_EQUAL(get(l, 3), 0);
	add(l, 4, 9);
	CU_ASSERT_EQUAL(get(l, 1), 6); /* what is gone is skipped */
	CU_ASSERT_EQUAL(get(l, 8), 9);
	CU_ASSERT_EQUAL(get(l, 9), 0);
	CU_ASSERT_EQUAL(get(l, 500), 6); /* a number of another daemon */
	event_log_free(l);
}

static void bounded_by_bytes(void)
{
	struct event_log *l = event_log_new(100, 3 * (sizeof("{001}") + sizeof("line 001")));
	char large[100];

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	add(l, 1, 10);
	CU_ASSERT_EQUAL(get(l, 0), 8);
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	CU_ASSERT_FALSE(event_log_add(l, large, ""));
	CU_ASSERT_EQUAL(get(l, 0), 8);
	CU_ASSERT_EQUAL(event_log_next(l), 11);
	event_log_free(l);
}

static void *waiter(void *log)
{
	return event_log_wait(log, 1) ? log : NULL;
}

static void waiting_ends(void)
{
	struct event_log *l = event_log_new(4, 1000);
	pthread_t thread;
	void *got;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, waiter, l), 0);
	add(l, 1, 2);
	pthread_join(thread, &got);
	CU_ASSERT_PTR_EQUAL(got, l);
	CU_ASSERT_FALSE(event_log_is_closed(l));
	event_log_close(l);
	CU_ASSERT_TRUE(event_log_is_closed(l));
	CU_ASSERT_TRUE(event_log_wait(l, 1)); /* what is there is still to be had */
	CU_ASSERT_FALSE(event_log_wait(l, 2));
	event_log_free(l);
}

static const struct unit_test tests[] = {
	{"each reader has his own place, and misses what is gone", readers_go_their_own_way},
	{"no more text than allowed", bounded_by_bytes},
	{"waiting ends with an event, or when the log is closed", waiting_ends},
};
UNIT_SUITE("fw/event_log", tests)
