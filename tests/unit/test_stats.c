/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "expect.h"
#include "fw/stats.h"
#include "random.h"
#include "unit.h"

static void names(void)
{
	static const char *const stages[] = {"receive", "attribute", "hash", "decide", "verdict"};

	CU_ASSERT_EQUAL(STAGE_COUNT, sizeof(stages) / sizeof(stages[0]));
	for (int i = 0; i < STAGE_COUNT; i++)
		expect_text("stage", stage_name((enum stage)i), stages[i]);
	expect_text("first counter", counter_name(COUNT_QUEUED), "queued");
	expect_text("a counter of two words", counter_name(COUNT_NOTE_HIT), "note_hit");
	expect_text("last counter", counter_name(COUNT_CLIENT_REFUSED), "client_refused");
	for (int i = 0; i < COUNT_COUNT; i++) {
		const char *name = counter_name((enum counter)i);

		/* A counter added in the middle of the enum alone leaves a hole in the table. */
		if (!expect(name && counter_help((enum counter)i), "counter %d has no row", i))
			return;
		expect(*name && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name),
		       "counter %d is called '%s'", i, name);
		expect(*counter_help((enum counter)i), "%s has no help", name);
		for (int j = 0; j < i; j++)
			expect(strcmp(name, counter_name((enum counter)j)) != 0, "%s twice", name);
	}
	CU_ASSERT_PTR_NOT_NULL(stage_name(STAGE_COUNT));
	CU_ASSERT_PTR_NOT_NULL(counter_name(COUNT_COUNT));
	CU_ASSERT_PTR_NOT_NULL(counter_help(COUNT_COUNT));
}

static void empty(void)
{
	static struct histogram h;

	for (unsigned int p = 0; p <= 1000; p += 250)
		CU_ASSERT_EQUAL(histogram_permille(&h, p), 0);
	histogram_add(&h, 77, 0);
	CU_ASSERT_EQUAL(h.count, 0);
	CU_ASSERT_EQUAL(h.max, 0);
}

static void totals(void)
{
	static struct histogram h;

	histogram_add(&h, 10, 3);
	histogram_add(&h, 1000, 1);
	histogram_add(&h, 0, 2);
	CU_ASSERT_EQUAL(h.count, 6);
	CU_ASSERT_EQUAL(h.sum, 1030);
	CU_ASSERT_EQUAL(h.max, 1000);
	CU_ASSERT_EQUAL(h.bucket[0], 2);
	CU_ASSERT_EQUAL(h.bucket[10], 3);
}

/* A larger value beside it keeps max from hiding the bucket's own bound. */
static void one_value(uint64_t value)
{
	struct histogram h = {0};
	uint64_t p;

	histogram_add(&h, value, 1);
	CU_ASSERT_EQUAL(histogram_permille(&h, 500), value);
	histogram_add(&h, UINT64_MAX, 1);
	p = histogram_permille(&h, 500);
	expect(p >= value && p - value <= value / 16, "%llu is seen as %llu",
	       (unsigned long long)value, (unsigned long long)p);
	CU_ASSERT_EQUAL(histogram_permille(&h, 501), UINT64_MAX);
}

static void every_bucket_edge(void)
{
	for (uint64_t v = 0; v < 5000; v++)
		one_value(v);
	for (int shift = 5; shift < 64; shift++)
		for (uint64_t sub = 0; sub < 16; sub++) {
			uint64_t edge = (1ull << shift) + (sub << (shift - 4));

			one_value(edge - 1);
			one_value(edge);
			one_value(edge + 1);
		}
	one_value(UINT64_MAX);
}

static void ranks(void)
{
	static const struct {
		unsigned int permille;
		uint64_t want;
	} rows[] = {{0, 1},   {1, 1},	{100, 1},  {101, 2},  {500, 5},
		    {501, 6}, {900, 9}, {901, 10}, {999, 10}, {1000, 10}};
	static struct histogram h;

	for (uint64_t v = 1; v <= 10; v++)
		histogram_add(&h, v, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_int("permille", (long long)histogram_permille(&h, rows[i].permille),
			   (long long)rows[i].want);
}

static void large_counts(void)
{
	static struct histogram h;

	histogram_add(&h, 1, UINT64_MAX / 2);
	histogram_add(&h, 2, UINT64_MAX / 2);
	CU_ASSERT_EQUAL(histogram_permille(&h, 500), 1);
	CU_ASSERT_EQUAL(histogram_permille(&h, 501), 2);
	CU_ASSERT_EQUAL(histogram_permille(&h, 1000), 2);
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void agrees_with_sorting(void)
{
	struct rng rng = rng_new();

	for (int round = 0; round < 50; round++) {
		uint64_t values[777];
		const size_t n = 1 + rng_below(&rng, 777);
		struct histogram h = {0};

		for (size_t i = 0; i < n; i++) {
			values[i] = rng_next(&rng) >> rng_below(&rng, 64);
			histogram_add(&h, values[i], 1);
		}
		qsort(values, n, sizeof(values[0]), ascending);
		for (unsigned int p = 1; p <= 1000; p++) {
			uint64_t exact = values[(p * n + 999) / 1000 - 1];
			uint64_t got = histogram_permille(&h, p);

			if (!expect(got >= exact && got - exact <= exact / 16 && got <= h.max,
				    "%u permille of %zu: got %llu, exact %llu", p, n,
				    (unsigned long long)got, (unsigned long long)exact))
				return;
		}
	}
}

/* Never more than there are; all those that are at least 1/16 below; all of them from max on. */
static void at_most_agrees_with_counting(void)
{
	struct rng rng = rng_new();

	for (int round = 0; round < 50; round++) {
		const size_t n = rng_below(&rng, 300);
		struct histogram h = {0};
		uint64_t values[300];

		for (size_t i = 0; i < n; i++) {
			values[i] = rng_next(&rng) >> rng_below(&rng, 64);
			histogram_add(&h, values[i], 1);
		}
		CU_ASSERT_EQUAL(histogram_at_most(&h, h.max), n);
		CU_ASSERT_EQUAL(histogram_at_most(&h, UINT64_MAX), n);
		for (int ask = 0; ask < 500; ask++) {
			uint64_t v = rng_next(&rng) >> rng_below(&rng, 64), most = 0, least = 0;
			uint64_t got = histogram_at_most(&h, v);

			for (size_t i = 0; i < n; i++) {
				most += values[i] <= v;
				least += values[i] <= v - v / 16;
			}
			if (!expect(got >= least && got <= most, "at most %llu: %llu of %llu..%llu",
				    (unsigned long long)v, (unsigned long long)got,
				    (unsigned long long)least, (unsigned long long)most))
				return;
		}
	}
}

static const struct unit_test tests[] = {
	{"stages and counters have names of their own", names},
	{"an empty histogram says 0", empty},
	{"count, sum and max are exact", totals},
	{"a value is seen at most 1/16 too large, at every edge", every_bucket_edge},
	{"a rank is rounded up", ranks},
	{"counts near the end of 64 bits do not wrap", large_counts},
	{"percentiles agree with those of the sorted values", agrees_with_sorting},
	{"how many are at most so much agrees with counting", at_most_agrees_with_counting},
};
UNIT_SUITE("fw/stats", tests)
