/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/pause.h"
#include "unit.h"

/* After a burst that comes right after the last one. */
static bool is_due(struct pause *p, uint32_t packets)
{
	return pause_is_due(p, packets, p->ended_ns + 1, p->ended_ns + 2);
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

/* One that comes so long after the last was judged, and is judged at once. */
static bool is_due_after(struct pause *p, uint32_t packets, uint64_t gap_ns)
{
	return pause_is_due(p, packets, p->ended_ns + gap_ns, p->ended_ns + gap_ns);
}

/* A packet that comes meanwhile would wait for whoever runs, who does not send any. */
static void not_where_they_are_far_apart(void)
{
	struct pause p = {0};

	CU_ASSERT_FALSE(is_due_after(&p, 1, PAUSE_APART_NS + 1));
	CU_ASSERT_TRUE(is_due_after(&p, 1, PAUSE_APART_NS));
	CU_ASSERT_FALSE(is_due_after(&p, PAUSE_BURST, PAUSE_APART_NS + 1));
	CU_ASSERT_TRUE(is_due_after(&p, 1, 1));
}

/* Nobody was idle while they were judged, however long that took. */
static void by_the_time_between_them(void)
{
	struct pause p = {0};

	for (int i = 0; i < 100; i++) {
		uint64_t began = p.ended_ns + 1;

		CU_ASSERT_TRUE(pause_is_due(&p, 1, began, began + 10 * PAUSE_APART_NS));
		CU_ASSERT_FALSE(pause_is_calm(&p));
	}
}

static void of_no_packets_nothing_is_learned(void)
{
	struct pause p = {0};

	for (int i = 0; i < 100; i++)
		CU_ASSERT_FALSE(is_due_after(&p, 0, PAUSE_APART_NS + 1));
	CU_ASSERT_EQUAL(p.ended_ns, 0);
	CU_ASSERT_FALSE(pause_is_calm(&p));
}

static void calm_where_several_are_far_apart(void)
{
	struct pause p = {0};

	for (int i = 0; i < PAUSE_CALM_BURSTS; i++) {
		CU_ASSERT_FALSE(pause_is_calm(&p));
		is_due_after(&p, 1, PAUSE_APART_NS + 1);
	}
	for (int i = 0; i < PAUSE_BUSY_BURSTS; i++) {
		CU_ASSERT_TRUE(pause_is_calm(&p));
		is_due_after(&p, PAUSE_BURST, 1);
	}
	CU_ASSERT_FALSE(pause_is_calm(&p));
}

/* What comes now and then, of either kind, changes nothing. */
static void calm_or_not_by_several_in_a_row(void)
{
	struct pause p = {0};

	for (int i = 0; i < 1000; i++) {
		is_due_after(&p, 1, i % PAUSE_CALM_BURSTS ? PAUSE_APART_NS + 1 : 1);
		CU_ASSERT_FALSE(pause_is_calm(&p));
	}
	p.calm = true;
	for (int i = 0; i < 1000; i++) {
		is_due_after(&p, 1, i % PAUSE_BUSY_BURSTS ? 1 : PAUSE_APART_NS + 1);
		CU_ASSERT_TRUE(pause_is_calm(&p));
	}
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
	{"by the time between them", by_the_time_between_them},
	{"of no packets nothing is learned", of_no_packets_nothing_is_learned},
	{"calm where several are far apart", calm_where_several_are_far_apart},
	{"calm or not by several in a row", calm_or_not_by_several_in_a_row},
	{"always while they are short", always_while_they_are_short},
	{"ever less while they are long", ever_less_while_they_are_long},
	{"large bursts do not count", large_bursts_do_not_count},
	{"short ones make up for long ones", short_ones_make_up_for_long_ones},
};
UNIT_SUITE("fw/pause", tests)
