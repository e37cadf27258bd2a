/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "expect.h"
#include "fw/set.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct set_item file(const char *path, uint8_t digest)
{
	return (struct set_item){"", "", path, {{digest}}, 0};
}

static struct set_item of(const char *package, const char *path, uint8_t digest)
{
	return (struct set_item){package, "", path, {{digest}}, 0};
}

static struct set_item dated(const char *path, uint8_t digest, uint64_t until_ns)
{
	return (struct set_item){"", "", path, {{digest}}, until_ns};
}

/* Each digest that is in, in order, with its times: "1 2@500". */
static const char *shown(const struct set *s)
{
	static char text[512];
	int n = 0;

	*text = '\0';
	for (size_t i = 0; i < s->n; i++) {
		n += snprintf(text + n, sizeof(text) - n, "%s%u", n ? " " : "",
			      s->items[i].digest.b[0]);
		if (s->items[i].until_ns)
			n += snprintf(text + n, sizeof(text) - n, "@%llu",
				      (unsigned long long)s->items[i].until_ns);
	}
	return text;
}

static bool matches(const struct set *s, uint8_t digest)
{
	struct objset_item items[] = {{{{digest}}, "/x"}, {{{0xee}}, "/lib/other"}};
	struct objset *objects = objset_new(items, N(items), true);
	bool met = set_met(s, objects);

	objset_unref(objects);
	return met;
}

/* Replaces *s by what a change of it made, if it made something. Returns r. */
static int become(struct set **s, int r, struct set **next)
{
	if (!r) {
		set_unref(*s);
		*s = *next;
	}
	return r;
}

static struct set *made(const struct set_item *items, size_t n)
{
	struct set *s = NULL;

	CU_ASSERT_EQUAL_FATAL(set_new("web", items, n, &s), 0);
	return s;
}

static void keeps_each_once(void)
{
	char path[] = "/b", package[] = "curl";
	const struct set_item items[] = {
		of(package, path, 3), file("/b", 2),	   file("/a", 1),	file("/a", 1),
		dated("/c", 9, 500),  dated("/c", 9, 700), dated("/z", 1, 900),
	};
	struct set *s = made(items, N(items));

	memset(path, 'x', 2);
	memset(package, 'x', 4);
	expect_text("order", shown(s), "1 2 3 9@700");
	expect_text("name", s->name, "web");
	expect_text("copied", s->items[2].path, "/b");
	expect_text("copied", s->items[2].package, "curl");
	CU_ASSERT_EQUAL(s->n_current, 3);
	CU_ASSERT_EQUAL(s->n_digests, 4);
	CU_ASSERT(matches(s, 1) && matches(s, 3) && matches(s, 9));
	CU_ASSERT_FALSE(matches(s, 4));
	set_unref(s);
	set_unref(NULL);
}

static void has_bounds(void)
{
	_cleanup_free_ struct set_item *many = calloc(SET_ITEMS_MAX + 1, sizeof(*many));
	const struct set_item twice[] = {file("/a", 1), file("/a", 2)};
	const struct set_item old = dated("/a", 1, 5);
	static char paths[SET_ITEMS_MAX + 1][8];
	struct set *s = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(many);
	for (unsigned int i = 0; i <= SET_ITEMS_MAX; i++) {
		sprintf(paths[i], "/%u", i);
		many[i] = file(paths[i], 0);
		memcpy(many[i].digest.b, &i, sizeof(i));
	}
	CU_ASSERT_EQUAL(set_new("web", twice, 2, &s), -EEXIST);
	CU_ASSERT_EQUAL(set_new("web", NULL, 0, &s), -ENODATA);
	CU_ASSERT_EQUAL(set_new("web", &old, 1, &s), -ENODATA);
	CU_ASSERT_EQUAL(set_new("web", many, SET_MEMBERS_MAX + 1, &s), -E2BIG);
	for (size_t i = SET_MEMBERS_MAX; i <= SET_ITEMS_MAX; i++)
		many[i].until_ns = 1;
	CU_ASSERT_EQUAL(set_new("web", many, SET_ITEMS_MAX + 1, &s), -E2BIG);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL_FATAL(set_new("web", many, SET_ITEMS_MAX, &s), 0);
	CU_ASSERT_EQUAL(s->n_digests, SET_ITEMS_MAX);
	set_unref(s);
}

static void adds(void)
{
	const struct set_item first[] = {file("/a", 1)};
	const struct set_item more[] = {file("/a", 1), of("curl", "/a", 2)};
	const struct set_item other[] = {file("/a", 3)};
	const struct set_item expected[] = {{"curl", "", "/a", {{4}}, 100},
					    {"", "", "/a", {{1}}, 100}};
	struct set *s = made(first, 1), *next = NULL;

	CU_ASSERT_EQUAL(become(&s, set_add(s, more, 2, &next), &next), 0);
	expect_text("added", shown(s), "1 2");
	CU_ASSERT_EQUAL(set_add(s, more, 2, &next), -EALREADY);
	CU_ASSERT_EQUAL(set_add(s, other, 1, &next), -EEXIST);
	CU_ASSERT_EQUAL(become(&s, set_add(s, expected, 2, &next), &next), 0);
	expect_text("expected", shown(s), "1 2 4@100");
	CU_ASSERT_TRUE(matches(s, 4));
	CU_ASSERT_EQUAL(set_add(s, expected, 2, &next), -EALREADY);
	set_unref(s);
}

static void keeps_old_digests_for_a_time(void)
{
	const struct set_item v1[] = {file("/a", 1), file("/b", 2)};
	const struct set_item v2[] = {file("/a", 3), file("/b", 2)};
	const struct set_item v3[] = {file("/a", 4), file("/b", 5)};
	struct set *s = made(v1, 2), *next = NULL;

	CU_ASSERT_EQUAL(set_refresh(s, v1, 2, 100, &next), -EALREADY);
	CU_ASSERT_EQUAL(set_next_expiry(s), 0);
	CU_ASSERT_EQUAL(become(&s, set_refresh(s, v2, 2, 100, &next), &next), 0);
	expect_text("once", shown(s), "3 2 1@100");
	CU_ASSERT_EQUAL(set_refresh(s, v2, 2, 999, &next), -EALREADY);
	CU_ASSERT_EQUAL(become(&s, set_refresh(s, v3, 2, 200, &next), &next), 0);
	expect_text("twice", shown(s), "4 5 1@100 3@200 2@200");
	CU_ASSERT_EQUAL(set_next_expiry(s), 100);

	/* The clock that is passed in, and nothing else, makes them leave. */
	CU_ASSERT_EQUAL(set_expire(s, 99, &next), -EALREADY);
	CU_ASSERT_TRUE(matches(s, 1));
	CU_ASSERT_EQUAL(become(&s, set_expire(s, 100, &next), &next), 0);
	expect_text("after 100", shown(s), "4 5 3@200 2@200");
	CU_ASSERT_FALSE(matches(s, 1));
	CU_ASSERT_TRUE(matches(s, 2));
	CU_ASSERT_EQUAL(become(&s, set_expire(s, 1000, &next), &next), 0);
	expect_text("after all", shown(s), "4 5");
	CU_ASSERT_EQUAL(set_expire(s, UINT64_MAX, &next), -EALREADY);
	set_unref(s);
}

static void what_comes_back_is_current(void)
{
	const struct set_item v1[] = {file("/a", 1)}, v2[] = {file("/a", 2)};
	struct set *s = made(v1, 1), *next = NULL;

	CU_ASSERT_EQUAL(become(&s, set_refresh(s, v2, 1, 100, &next), &next), 0);
	CU_ASSERT_EQUAL(become(&s, set_refresh(s, v1, 1, 150, &next), &next), 0);
	expect_text("back", shown(s), "1 2@150");
	CU_ASSERT_EQUAL(become(&s, set_refresh(s, v2, 1, 0, &next), &next), 0);
	expect_text("without grace", shown(s), "2");
	set_unref(s);
}

static void a_package_may_list_other_files(void)
{
	const struct set_item v1[] = {of("curl", "/a", 1), of("curl", "/b", 2), file("/f", 7)};
	const struct set_item v2[] = {of("curl", "/c", 3), file("/f", 7)};
	const struct set_item other_root[] = {{"curl", "/r", "/r/a", {{1}}, 0}, file("/f", 7)};
	const struct set_item *const strangers[] = {
		(struct set_item[]){of("curl", "/a", 1), file("/g", 7)},
		(struct set_item[]){of("wget", "/a", 1), file("/f", 7)},
		(struct set_item[]){of("curl", "/a", 1), of("curl", "/b", 1)},
		(struct set_item[]){file("/a", 1), file("/f", 7)},
		other_root,
	};
	struct set *s = made(v1, 3), *next = NULL;

	for (size_t i = 0; i < N(strangers); i++)
		expect_int("strangers", set_refresh(s, strangers[i], 2, 100, &next), -ESTALE);
	CU_ASSERT_PTR_NULL(next);
	CU_ASSERT_EQUAL(become(&s, set_refresh(s, v2, 2, 100, &next), &next), 0);
	expect_text("listed anew", shown(s), "7 3 1@100 2@100");
	set_unref(s);
}

static const struct unit_test tests[] = {
	{"each digest is kept once, the current ones first", keeps_each_once},
	{"a set has members, and not too many", has_bounds},
	{"adding is a union", adds},
	{"a refresh keeps the old digests until their time is over", keeps_old_digests_for_a_time},
	{"a digest that comes back is current again", what_comes_back_is_current},
	{"a refresh is of the same files and packages", a_package_may_list_other_files},
};
UNIT_SUITE("fw/set", tests)
