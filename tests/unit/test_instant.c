/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "common/instant.h"
#include "expect.h"
#include "unit.h"

static const struct {
	const char *text;
	int error;
	uint64_t seconds;
	const char *again;
} rows[] = {
	{"1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00Z"},
	{"2026-11-21T06:00:00Z", 0, 1795240800, "2026-11-21T06:00:00Z"},
	{"2026-11-21T06:00:00+01:30", 0, 1795235400, "2026-11-21T04:30:00Z"},
	{"2026-12-31T23:59:59-00:01", 0, 1798761659, "2027-01-01T00:00:59Z"},
	{"2028-02-29T00:00:00Z", 0, 1835395200, "2028-02-29T00:00:00Z"},
	{"9999-12-31T23:59:59Z", 0, INSTANT_MAX, "9999-12-31T23:59:59Z"},
	{"9999-12-31T23:59:59-00:01", -EINVAL, 0, NULL},
	{"1970-01-01T00:00:00+00:01", -EINVAL, 0, NULL},
	{"1969-12-31T23:59:59Z", -EINVAL, 0, NULL},
	{"2026-02-29T00:00:00Z", -EINVAL, 0, NULL},
	{"2026-11-31T00:00:00Z", -EINVAL, 0, NULL},
	{"2026-00-10T00:00:00Z", -EINVAL, 0, NULL},
	{"2026-13-01T00:00:00Z", -EINVAL, 0, NULL},
	{"2026-11-00T00:00:00Z", -EINVAL, 0, NULL},
	{"2026-11-21T24:00:00Z", -EINVAL, 0, NULL},
	{"2026-11-21T00:60:00Z", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:60Z", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:00.5Z", -EINVAL, 0, NULL},
	{"2026-11-21 00:00:00Z", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:00", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:00z", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:00Zx", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:00+1:00", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:00+24:00", -EINVAL, 0, NULL},
	{"2026-11-21T00:00:00+00:60", -EINVAL, 0, NULL},
	{"2026-11-21", -EINVAL, 0, NULL},
	{"26-11-21T00:00:00Z", -EINVAL, 0, NULL},
	{"+1h", -EINVAL, 0, NULL},
	{"", -EINVAL, 0, NULL},
};

static void reads_and_writes(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[INSTANT_TEXT_LEN];
		uint64_t got = 77;

		expect_int(rows[i].text, instant_parse(rows[i].text, &got), rows[i].error);
		expect_int(rows[i].text, (long long)got,
			   rows[i].error ? 77 : (long long)rows[i].seconds);
		if (rows[i].error)
			continue;
		instant_format(got, text);
		expect_text(rows[i].text, text, rows[i].again);
	}
}

static const struct unit_test tests[] = {
	{"a second of RFC 3339, and nothing else", reads_and_writes},
};
UNIT_SUITE("common/instant", tests)
