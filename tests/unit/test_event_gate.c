/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect.h"
#include "fw/event_gate.h"
#include "unit.h"

#define SECOND 1000000000ull

static void so_many_a_second(void)
{
	struct event_gate g = {.most = 3};

	for (uint64_t s = 5; s < 8; s++) {
		for (int i = 0; i < 3; i++)
			expect(event_gate_admits(&g, s * SECOND + 1000u * (unsigned int)i),
			       "second %d, event %d", (int)s, i);
		CU_ASSERT_FALSE(event_gate_admits(&g, s * SECOND + SECOND - 1));
	}
	CU_ASSERT_TRUE(event_gate_admits(&g, 100 * SECOND));
}

static void none_at_all(void)
{
	struct event_gate g = {.most = 0};

	CU_ASSERT_FALSE(event_gate_admits(&g, 0));
	CU_ASSERT_FALSE(event_gate_admits(&g, 7 * SECOND));
}

static const struct unit_test tests[] = {
	{"so many in each second, whatever came before", so_many_a_second},
	{"a gate that is shut", none_at_all},
};
UNIT_SUITE("fw/event_gate", tests)
