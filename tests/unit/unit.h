/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit test file mirrors one source file: tests/unit/test_NAME.c tests NAME.c. It ends with
 *
 *   static const struct unit_test tests[] = {{"what must hold", fn}, ...};
 *   UNIT_SUITE("fw/name", tests)
 *
 * and is registered by that alone.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <stddef.h>

struct unit_test {
	const char *name;
	void (*fn)(void);
};

struct unit_suite {
	const char *name;
	const struct unit_test *tests;
	size_t n;
	struct unit_suite *next;
};

void unit_register(struct unit_suite *s);

#define UNIT_SUITE(suite_name, table)                                                         \
	static struct unit_suite suite_ = {                                                   \
		.name = suite_name, .tests = table, .n = sizeof(table) / sizeof((table)[0])}; \
	__attribute__((constructor)) static void register_suite_(void)                        \
	{                                                                                     \
		unit_register(&suite_);                                                       \
	}

#endif
