/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "common/duration.h"
#include "expect.h"
#include "unit.h"

#define DAY 86400

static const struct {
	const char *text;
	int error;
	uint64_t seconds;
} rows[] = {
	{"0s", 0, 0},	       {"60s", 0, 60},	      {"10m", 0, 600},
	{"24h", 0, DAY},       {"1d", 0, DAY},	      {"86400s", 0, DAY},
	{"2d", -ERANGE, 0},    {"25h", -ERANGE, 0},   {"18446744073709551615d", -ERANGE, 0},
	{"", -EINVAL, 0},      {"s", -EINVAL, 0},     {"60", -EINVAL, 0},
	{"+60s", -EINVAL, 0},  {"-1s", -EINVAL, 0},   {"1.5h", -EINVAL, 0},
	{"1h30m", -EINVAL, 0}, {"010s", -EINVAL, 0},  {"10 s", -EINVAL, 0},
	{"10S", -EINVAL, 0},   {"10sec", -EINVAL, 0},
};

static void reads(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t got = 77;

		expect_int(rows[i].text, duration_parse(rows[i].text, DAY, &got), rows[i].error);
		expect_int(rows[i].text, (long long)got,
			   rows[i].error ? 77 : (long long)rows[i].seconds);
	}
}

static const struct unit_test tests[] = {
	{"a number and its unit, up to a bound, and nothing else", reads},
};
UNIT_SUITE("common/duration", tests)
