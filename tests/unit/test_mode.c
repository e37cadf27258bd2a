/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "common/mode.h"
#include "expect.h"
#include "unit.h"

static void names(void)
{
	static const char *const others[] = {"", "Enforce", "enforced", "confirm", "unknown"};
	enum mode got;

	for (int m = 0; m < MODE_COUNT; m++) {
		CU_ASSERT_EQUAL(mode_parse(mode_name(m), &got), 0);
		CU_ASSERT_EQUAL(got, (enum mode)m);
	}
	CU_ASSERT_STRING_EQUAL(mode_name(MODE_ENFORCE), "enforce");
	CU_ASSERT_STRING_EQUAL(mode_name(MODE_MONITOR), "monitor");
	CU_ASSERT_STRING_EQUAL(mode_name(MODE_COUNT), "unknown");
	got = MODE_COUNT;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CU_ASSERT_EQUAL(mode_parse(others[i], &got), -EINVAL);
	CU_ASSERT_EQUAL(got, MODE_COUNT);
}

static const struct unit_test tests[] = {
	{"each mode has its word, and no other word is one", names},
};
UNIT_SUITE("common/mode", tests)
