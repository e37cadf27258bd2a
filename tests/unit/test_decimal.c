/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/decimal.h"
#include "expect.h"
#include "unit.h"

static void accepts(void)
{
	static const struct {
		const char *text;
		uint64_t max, value;
	} rows[] = {
		{"0", 0, 0},
		{"7", 9, 7},
		{"255", 255, 255},
		{"1000", 65535, 1000},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v = 99;

		expect_int(rows[i].text,
			   decimal_parse(rows[i].text, strlen(rows[i].text), rows[i].max, &v), 0);
		expect(v == rows[i].value, "%s read as %llu", rows[i].text, (unsigned long long)v);
	}
}

static void refuses(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		int error;
	} rows[] = {
		{"", 9, -EINVAL},
		{"-1", 9, -EINVAL},
		{"+1", 9, -EINVAL},
		{" 1", 9, -EINVAL},
		{"1 ", 9, -EINVAL},
		{"00", 9, -EINVAL},
		{"01", 9, -EINVAL},
		{"0x1", 9, -EINVAL},
		{"1e1", 99, -EINVAL},
		{"/", 9, -EINVAL},
		{":", 9, -EINVAL},
		{"10", 9, -ERANGE},
		{"18446744073709551616", UINT64_MAX, -ERANGE},
		{"18446744073709551625", UINT64_MAX, -ERANGE},
		{"99999999999999999999999999999999999999999", UINT64_MAX, -ERANGE},
		{"99999999999999999999999999999999999999999x", UINT64_MAX, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v = 99;

		expect_int(rows[i].text,
			   decimal_parse(rows[i].text, strlen(rows[i].text), rows[i].max, &v),
			   rows[i].error);
		expect_int("untouched", (long long)v, 99);
	}
}

static void reads_len_only(void)
{
	uint64_t v = 0;

	CU_ASSERT_EQUAL(decimal_parse("123:456", 3, 999, &v), 0);
	CU_ASSERT_EQUAL(v, 123);
	CU_ASSERT_EQUAL(decimal_parse("12\0003", 4, 9999, &v), -EINVAL);
}

static const struct unit_test tests[] = {
	{"plain numbers up to max are read", accepts},
	{"anything else is refused, the output untouched", refuses},
	{"exactly the given characters are read", reads_len_only},
};
UNIT_SUITE("common/decimal", tests)
