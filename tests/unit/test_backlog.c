/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>

#include "expect.h"
#include "fw/backlog.h"
#include "unit.h"

struct step {
	const char *what;
	struct backlog_look look; /* now_ns, last_id, waiting, open_id */
	uint64_t judged_ns;	  /* after it */
};

static void look_all(const struct step *steps, size_t n)
{
	struct backlog b = {0};

	for (size_t i = 0; i < n; i++) {
		backlog_look(&b, &steps[i].look);
		expect(b.judged_ns == steps[i].judged_ns, "%s: %llu", steps[i].what,
		       (unsigned long long)b.judged_ns);
	}
}

#define LOOK_ALL(steps) look_all(steps, sizeof(steps) / sizeof((steps)[0]))

static void empty_is_judged_up_to_now(void)
{
	static const struct step steps[] = {
		{"nothing ever came", {10, 0, 0, 0}, 10},
		{"five came and went", {20, 5, 0, 6}, 20},
		{"one was lost on its way", {30, 6, 0, 6}, 30},
	};

	LOOK_ALL(steps);
}

static void what_waits_stays_open(void)
{
	static const struct step steps[] = {
		{"at first", {10, 5, 0, 6}, 10},
		{"one waits", {20, 6, 1, 6}, 10},
		{"the daemon was stopped", {900, 50, 45, 6}, 10},
		{"a part is read", {901, 50, 30, 21}, 20},
		{"up to the last but one", {902, 50, 1, 50}, 20},
		{"all", {903, 50, 0, 51}, 903},
	};

	LOOK_ALL(steps);
}

static void never_empty_goes_from_mark_to_mark(void)
{
	static const struct step steps[] = {
		{"a mark", {10, 100, 40, 61}, 0},
		{"not there yet", {20, 200, 40, 100}, 0},
		{"past it: the next", {30, 300, 40, 261}, 10},
		{"not past that", {40, 400, 120, 281}, 10},
		{"past it", {50, 500, 40, 461}, 30},
	};

	LOOK_ALL(steps);
}

static void ids_wrap(void)
{
	static const struct step steps[] = {
		{"a mark before", {10, UINT32_MAX, 5, UINT32_MAX - 4}, 0},
		{"not there yet", {20, 3, 5, UINT32_MAX}, 0},
		{"the mark is judged", {30, 4, 5, 0}, 10},
		{"the mark after", {40, 9, 3, 5}, 30},
	};

	LOOK_ALL(steps);
}

static void one_that_never_came_is_behind_the_next(void)
{
	static const struct step steps[] = {
		{"5 waits, 6 did not reach us", {10, 6, 1, 5}, 0},
		{"5 is judged and not yet told", {20, 6, 1, 6}, 0},
		{"7 has come", {30, 7, 1, 8}, 10},
	};

	LOOK_ALL(steps);
}

static const struct unit_test tests[] = {
	{"an empty queue is judged up to now", empty_is_judged_up_to_now},
	{"what waits stays open", what_waits_stays_open},
	{"one that is never empty goes from mark to mark", never_empty_goes_from_mark_to_mark},
	{"ids wrap", ids_wrap},
	{"one that never came is behind the next", one_that_never_came_is_behind_the_next},
};
UNIT_SUITE("fw/backlog", tests)
