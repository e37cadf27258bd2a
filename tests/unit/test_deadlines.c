/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/deadlines.h"

#include <stdbool.h>
#include <stdlib.h>

#include "unit.h"

#define MANY  64
#define STEPS 20000

static void none_is_first_of_none(void)
{
	struct deadlines d = {0};
	struct deadline t = {0};

	CU_ASSERT_PTR_NULL(deadlines_first(&d));
	deadlines_unset(&d, &t);
	CU_ASSERT_EQUAL_FATAL(deadlines_reserve(&d, 1), 0);
	CU_ASSERT_PTR_NULL(deadlines_first(&d));
	deadlines_set(&d, &t, UINT64_MAX);
	CU_ASSERT_PTR_EQUAL(deadlines_first(&d), &t);
	deadlines_unset(&d, &t);
	CU_ASSERT_PTR_NULL(deadlines_first(&d));
	deadlines_free(&d);
	CU_ASSERT_PTR_NULL(deadlines_first(&d));
}

static void the_one_that_is_set_again_moves(void)
{
	struct deadlines d = {0};
	struct deadline a = {0}, b = {0};

	CU_ASSERT_EQUAL_FATAL(deadlines_reserve(&d, 2), 0);
	deadlines_set(&d, &a, 1);
	deadlines_set(&d, &b, 2);
	CU_ASSERT_PTR_EQUAL(deadlines_first(&d), &a);
	deadlines_set(&d, &a, 3);
	CU_ASSERT_PTR_EQUAL(deadlines_first(&d), &b);
	deadlines_set(&d, &b, 4);
	CU_ASSERT_PTR_EQUAL(deadlines_first(&d), &a);
	CU_ASSERT_EQUAL(a.at, 3);
	deadlines_free(&d);
}

/* The earliest of those that are set, found by looking at all. UINT64_MAX: none is. */
static uint64_t earliest(const uint64_t at[MANY])
{
	uint64_t first = UINT64_MAX;

	for (int i = 0; i < MANY; i++)
		if (at[i] < first)
			first = at[i];
	return first;
}

/* Few different times, so that many are equal. */
static void first_is_the_earliest_whatever_comes_and_goes(void)
{
	struct deadlines d = {0};
	struct deadline t[MANY] = {0};
	uint64_t at[MANY];
	bool right = true;

	srand(1);
	for (int i = 0; i < MANY; i++)
		at[i] = UINT64_MAX;
	CU_ASSERT_EQUAL_FATAL(deadlines_reserve(&d, MANY), 0);
	for (int step = 0; step < STEPS; step++) {
		int i = rand() % MANY;
		const struct deadline *first;

		if (rand() % 3) {
			at[i] = (uint64_t)rand() % 100;
			deadlines_set(&d, &t[i], at[i]);
		} else {
			at[i] = UINT64_MAX;
			deadlines_unset(&d, &t[i]);
		}
		first = deadlines_first(&d);
		right &= (first ? first->at : UINT64_MAX) == earliest(at);
	}
	CU_ASSERT_TRUE(right);
	while (deadlines_first(&d))
		deadlines_unset(&d, deadlines_first(&d));
	CU_ASSERT_EQUAL(d.n, 0);
	deadlines_free(&d);
}

static const struct unit_test tests[] = {
	{"of none, none is the first", none_is_first_of_none},
	{"one that is set again moves", the_one_that_is_set_again_moves},
	{"the first is the earliest, whatever comes and goes",
	 first_is_the_earliest_whatever_comes_and_goes},
};
UNIT_SUITE("fw/deadlines", tests)
