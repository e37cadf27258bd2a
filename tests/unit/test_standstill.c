/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>

#include "expect.h"
#include "fw/standstill.h"
#include "unit.h"

#define MS   1000000ull
#define LOOK (20 * MS)

static void run(struct standstill *s, uint64_t from, uint64_t to)
{
	for (uint64_t now = from; now <= to; now += LOOK)
		standstill_look(s, now);
}

static void what_is_waited_for_while_it_runs_counts(void)
{
	struct standstill s = {0};

	run(&s, 1000 * MS, 5000 * MS);
	expect_int("waited", (long long)standstill_waited(&s, 2000 * MS, 5000 * MS),
		   (long long)(3000 * MS));
	expect_int("at once", (long long)standstill_waited(&s, 5000 * MS, 5000 * MS), 0);
	expect_int("not then yet", (long long)standstill_waited(&s, 5001 * MS, 5000 * MS), 0);
}

static void a_standstill_does_not_count_nor_what_was_before(void)
{
	struct standstill s = {0};

	run(&s, 1000 * MS, 2000 * MS);
	run(&s, 9000 * MS, 10000 * MS);
	expect_int("waited", (long long)standstill_waited(&s, 1500 * MS, 10000 * MS),
		   (long long)(1000 * MS));
	expect_int("since after it", (long long)standstill_waited(&s, 9400 * MS, 10000 * MS),
		   (long long)(600 * MS));
}

static void a_slow_turn_is_no_standstill(void)
{
	struct standstill s = {0};

	run(&s, 1000 * MS, 2000 * MS);
	run(&s, 2000 * MS + STANDSTILL_NS, 3000 * MS);
	expect_int("waited", (long long)standstill_waited(&s, 1500 * MS, 3000 * MS),
		   (long long)(1500 * MS));
}

static const struct unit_test tests[] = {
	{"what is waited for while it runs counts", what_is_waited_for_while_it_runs_counts},
	{"a standstill does not count, nor what was before it",
	 a_standstill_does_not_count_nor_what_was_before},
	{"a slow turn is no standstill", a_slow_turn_is_no_standstill},
};
UNIT_SUITE("fw/standstill", tests)
