/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assertions that say which row of a table failed. */
#ifndef TESTS_EXPECT_H
#define TESTS_EXPECT_H

#include <CUnit/CUnit.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static inline bool expect(bool ok, const char *fmt, ...)
{
	va_list args;

	if (!ok) {
		va_start(args, fmt);
		printf("\n    failed: ");
		vprintf(fmt, args);
		va_end(args);
	}
	CU_ASSERT(ok);
	return ok;
}

static inline bool expect_text(const char *what, const char *got, const char *want)
{
	return expect(strcmp(got, want) == 0, "%s: got '%s', want '%s'", what, got, want);
}

static inline bool expect_int(const char *what, long long got, long long want)
{
	return expect(got == want, "%s: got %lld, want %lld", what, got, want);
}

#endif
