/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "common/origin.h"
#include "expect.h"
#include "unit.h"

static void origins(void)
{
	static const char *const names[] = {"known", "kernel", "unknown"};

	CU_ASSERT_EQUAL(ORIGIN_COUNT, 3);
	for (int i = 0; i < ORIGIN_COUNT; i++) {
		enum origin o = ORIGIN_COUNT;

		expect_text("name", origin_name((enum origin)i), names[i]);
		expect_int(names[i], origin_parse(names[i], &o), 0);
		expect_int(names[i], o, i);
	}
	CU_ASSERT_PTR_NOT_NULL(origin_name(ORIGIN_COUNT));
}

static void others(void)
{
	static const char *const words[] = {"", "Known", "known ", "kern", "?"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		enum origin o = ORIGIN_KERNEL;

		expect_int(words[i], origin_parse(words[i], &o), -EINVAL);
		expect_int("untouched", o, ORIGIN_KERNEL);
	}
}

static const struct unit_test tests[] = {
	{"origins have their names", origins},
	{"other words are refused, the output untouched", others},
};
UNIT_SUITE("common/origin", tests)
