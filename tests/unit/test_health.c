/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect.h"
#include "fw/health.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define SOON	 1000000000ull

/* One counter that has counted something. */
struct lost {
	enum health_counter whose;
	int which;
	uint64_t n;
};

static uint64_t count(void *cookie, enum health_counter whose, int which)
{
	const struct lost *l = cookie;

	return l->whose == whose && l->which == which ? l->n : 0;
}

static bool tells(const struct health *h, uint64_t now_ns, const char *text)
{
	json_t *list = health_report(h, now_ns);
	const char *only = json_string_value(json_array_get(list, 0));
	bool told = text ? json_array_size(list) == 1 && only && !strcmp(only, text)
			 : !json_array_size(list);

	json_decref(list);
	return told;
}

/* Whether this kind of loss is told, or none (-1), and nothing else. */
static bool lost_is(const struct health *h, uint64_t now_ns, int which)
{
	for (int i = 0; i <= HEALTH_LOSSES; i++)
		if (health_lost(h, (size_t)i, now_ns) != (i == which))
			return false;
	return true;
}

static void each_loss_is_told_and_mended(void)
{
	static const struct {
		struct lost lost;
		unsigned int needs;
		const char *text;
	} rows[] = {
		/* clang-format off */
		{{HEALTH_PROBES, PCOUNT_SOCKS_FULL, 7}, HEALTH_RESCAN,
		 "7 sockets did not fit the map: of unknown origin"},
		{{HEALTH_PROBES, PCOUNT_PROCS_FULL, 7}, HEALTH_RESCAN,
		 "7 processes did not fit the map: of unknown origin"},
		{{HEALTH_PROBES, PCOUNT_HINTS_LOST, 7}, 0,
		 "7 hints lost: programs were not hashed ahead"},
		{{HEALTH_KERNEL, 0, 7}, HEALTH_RESCAN | HEALTH_DISTRUST,
		 "7 runs of probes that the kernel left out"},
		{{HEALTH_DAEMON, COUNT_QUEUE_OVERFLOW, 7}, 0, "7 receive overflows"},
		{{HEALTH_DAEMON, COUNT_QUEUE_DROPPED, 7}, 0, "7 packets dropped by a full queue"},
		{{HEALTH_DAEMON, COUNT_QUEUE_USER_DROPPED, 7}, 0,
		 "7 packets that the kernel could not deliver"},
		{{HEALTH_DAEMON, COUNT_QUEUE_UNREAD, 7}, 0,
		 "7 looks at what the kernel says of a queue that failed"},
		{{HEALTH_DAEMON, COUNT_VERDICT_FAILED, 7}, 0, "7 verdicts that the kernel refused"},
		/* clang-format on */
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct lost lost = {.whose = rows[i].lost.whose, .which = rows[i].lost.which};
		struct health *h = health_new(count, &lost);

		expect(!health_check(h, SOON), "row %zu needs nothing yet", i);
		expect(tells(h, SOON, NULL), "row %zu is well at first", i);
		expect(lost_is(h, SOON, -1), "row %zu has lost nothing", i);
		lost.n = rows[i].lost.n;
		expect(tells(h, SOON, rows[i].text), "row %zu is told before the check", i);
		expect(lost_is(h, SOON, (int)i), "row %zu alone is lost", i);
		expect_text("in words", health_text(i), rows[i].text + strlen("7 "));
		expect(health_check(h, 2 * SOON) == rows[i].needs, "row %zu: its needs", i);
		expect(tells(h, 2 * SOON, rows[i].text), "row %zu is told after it", i);
		expect(!health_check(h, 3 * SOON), "row %zu is mended once", i);
		health_free(h);
	}
}

static void a_loss_is_shown_for_its_time(void)
{
	struct lost lost = {HEALTH_KERNEL, 0, 1};
	struct health *h = health_new(count, &lost);

	health_check(h, SOON);
	expect(tells(h, SOON + HEALTH_SHOWN_NS - 1, "1 runs of probes that the kernel left out"),
	       "to the end of its time");
	expect(lost_is(h, SOON + HEALTH_SHOWN_NS - 1, 3), "by its kind, too");
	expect(lost_is(h, SOON + HEALTH_SHOWN_NS, -1), "and no longer");
	expect(tells(h, SOON + HEALTH_SHOWN_NS, NULL), "and no longer");
	lost.n = 2;
	expect(health_check(h, SOON + HEALTH_SHOWN_NS) != 0, "another one is a new loss");
	health_free(h);
}

static const struct unit_test tests[] = {
	{"each loss is told and mended", each_loss_is_told_and_mended},
	{"a loss is shown for its time", a_loss_is_shown_for_its_time},
};
UNIT_SUITE("fw/health", tests)
