/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/pause.h"
#include "unit.h"

/* After a burst that comes right after the last one. */
static bool is_due(struct pause *p, uint32_t packets)
{
	return pause_is_due(p, packets, p->burst_ns + 1);
}

/* Turns of one packet until there is a pause again. */
static uint32_t turns_without(struct pause *p)
{
	uint32_t n = 0;

	while (!is_due(p, 1))
		n++;
	return n;
}

static void after_few_packets(void)
{
	struct pause p = {0};

	CU_ASSERT_FALSE(is_due(&p, 0));
	CU_ASSERT_TRUE(is_due(&p, 1));
	CU_ASSERT_TRUE(is_due(&p, PAUSE_BURST - 1));
	CU_ASSERT_FALSE(is_due(&p, PAUSE_BURST));
}

/* A packet that comes meanwhile would wait for whoever runs, who does not send any. */
static void not_where_they_are_far_apart(void)
{
	uint64_t now = 1000 * PAUSE_APART_NS;
	struct pause p = {0};

	CU_ASSERT_FALSE(pause_is_due(&p, 1, now));
	now += PAUSE_APART_NS;
	CU_ASSERT_TRUE(pause_is_due(&p, 1, now));
	CU_ASSERT_FALSE(pause_is_due(&p, 0, now + PAUSE_APART_NS));
	now += PAUSE_APART_NS + 1;
	CU_ASSERT_FALSE(pause_is_due(&p, 1, now));
	CU_ASSERT_FALSE(pause_is_due(&p, PAUSE_BURST, now + 1));
	CU_ASSERT_TRUE(pause_is_due(&p, 1, now + 2));
}

static void always_while_they_are_short(void)
{
	struct pause p = {0};

	for (int i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL(turns_without(&p), 0);
		pause_took(&p, PAUSE_LONG_NS);
	}
}

/* Where somebody computes, next to no packet waits for him. */
static void ever_less_while_they_are_long(void)
{
	uint32_t turns, expected = PAUSE_SKIP_MIN;
	struct pause p = {0};

	for (int i = 0; i < 30; i++) {
		CU_ASSERT_TRUE(is_due(&p, 1) || i);
		pause_took(&p, PAUSE_LONG_NS + 1);
		turns = turns_without(&p);
		CU_ASSERT_EQUAL(turns, expected);
		expected = expected * 2 < PAUSE_SKIP_MAX ? expected * 2 : PAUSE_SKIP_MAX;
	}
}

/* Turns of many packets are none of those without: nothing is known of the others by them. */
static void large_bursts_do_not_count(void)
{
	struct pause p = {0};

	pause_took(&p, PAUSE_LONG_NS + 1);
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_FALSE(is_due(&p, PAUSE_BURST));
	CU_ASSERT_EQUAL(turns_without(&p), PAUSE_SKIP_MIN);
}

/* He has gone: the next that is too long is the first again. */
static void short_ones_make_up_for_long_ones(void)
{
	struct pause p = {0};

	for (int i = 0; i < 30; i++)
		pause_took(&p, PAUSE_LONG_NS + 1);
	turns_without(&p);
	for (int i = 0; i < 100; i++)
		pause_took(&p, 1);
	pause_took(&p, PAUSE_LONG_NS + 1);
	CU_ASSERT_EQUAL(turns_without(&p), PAUSE_SKIP_MIN);
}

static const struct unit_test tests[] = {
	{"after few packets", after_few_packets},
	{"not where they are far apart", not_where_they_are_far_apart},
	{"always while they are short", always_while_they_are_short},
	{"ever less while they are long", ever_less_while_they_are_long},
	{"large bursts do not count", large_bursts_do_not_count},
	{"short ones make up for long ones", short_ones_make_up_for_long_ones},
};
UNIT_SUITE("fw/pause", tests)
