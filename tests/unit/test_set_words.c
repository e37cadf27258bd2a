/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/set_words.h"
#include "expect.h"
#include "unit.h"

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A row ends with NULL. */
static void check(const char *(*fault)(const char *), const char *const good[],
		  const char *const bad[])
{
	for (size_t i = 0; good[i]; i++)
		expect(!fault(good[i]), "%s: %s", good[i], fault(good[i]));
	for (size_t i = 0; bad[i]; i++)
		expect(fault(bad[i]) != NULL, "'%s' is taken", bad[i]);
}

static void names(void)
{
	check(set_name_fault, (const char *const[]){"a", "Z", "7", "web-1.2_x", "set", A32, NULL},
	      (const char *const[]){"", "-a", ".a", "_a", "a b", "a\tb", "a\n", "a/b", "\xc3\xa4",
				    "a\"", "a:b", A32 "a", NULL});
}

static void packages(void)
{
	char longest[SET_PACKAGE_MAX + 2];

	check(set_package_fault,
	      (const char *const[]){"curl", "libstdc++6", "0ad", "libc6:amd64", "a.b-c:any-i386",
				    NULL},
	      (const char *const[]){"", "-curl", "--help", "Curl", "a_b", "a b", "a:", ":amd64",
				    "a:b:c", "a:-", "curl*", "a\n", "+a", NULL});
	memset(longest, 'a', sizeof(longest));
	longest[SET_PACKAGE_MAX + 1] = '\0';
	CU_ASSERT_PTR_NOT_NULL(set_package_fault(longest));
	longest[SET_PACKAGE_MAX] = '\0';
	CU_ASSERT_PTR_NULL(set_package_fault(longest));
}

static void paths(void)
{
	char longest[SET_PATH_MAX + 2];

	check(set_path_fault, (const char *const[]){"/", "/a b", "/\"", "/\xc3\xa4", "/-", NULL},
	      (const char *const[]){"", "a", "./a", "/a\tb", "/a\nb", "/\xff", "/\x7f", NULL});
	memset(longest, '/', sizeof(longest));
	longest[SET_PATH_MAX + 1] = '\0';
	CU_ASSERT_PTR_NOT_NULL(set_path_fault(longest));
	longest[SET_PATH_MAX] = '\0';
	CU_ASSERT_PTR_NULL(set_path_fault(longest));
}

static const struct unit_test tests[] = {
	{"names", names},
	{"packages", packages},
	{"paths", paths},
};
UNIT_SUITE("common/set_words", tests)
