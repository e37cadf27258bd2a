/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "expect.h"
#include "fw/holder.h"
#include "fw/objset.h"
#include "random.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A digest of 32 equal bytes. */
static struct sha256 fill(uint8_t byte)
{
	struct sha256 d;

	memset(d.b, byte, sizeof(d.b));
	return d;
}

static struct objset *build(const char *const *paths, const uint8_t *bytes, size_t n, bool complete)
{
	struct objset_item items[16];

	for (size_t i = 0; i < n; i++)
		items[i] = (struct objset_item){fill(bytes[i]), paths[i]};
	return objset_new(items, n, complete);
}

static void is_sorted_and_single(void)
{
	struct objset *s = build((const char *[]){"/d", "/b", "/a", "/c", "/e"},
				 (uint8_t[]){4, 1, 4, 3, 1}, 5, true);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL_FATAL(s->n, 3);
	CU_ASSERT_EQUAL(s->digests[0].b[0], 1);
	CU_ASSERT_EQUAL(s->digests[1].b[0], 3);
	CU_ASSERT_EQUAL(s->digests[2].b[0], 4);
	CU_ASSERT_TRUE(s->complete);
	objset_unref(s);
}

static void empty(void)
{
	struct objset *s = objset_new(NULL, 0, false);
	struct sha256 zero = fill(0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->n, 0);
	CU_ASSERT_FALSE(s->complete);
	CU_ASSERT_FALSE(s->has_aggregate);
	CU_ASSERT_FALSE(objset_has(s, &zero));
	objset_unref(s);
	objset_unref(NULL);
}

static void members(void)
{
	struct rng rng = rng_new();

	for (int round = 0; round < 200; round++) {
		static const char *const paths[16] = {"/a", "/b", "/c", "/d", "/e", "/f",
						      "/g", "/h", "/i", "/j", "/k", "/l",
						      "/m", "/n", "/o", "/p"};
		const size_t n = rng_below(&rng, 17);
		bool in[256] = {false};
		uint8_t bytes[16];
		struct objset *s;

		for (size_t i = 0; i < n; i++) {
			bytes[i] = (uint8_t)rng_below(&rng, 40);
			in[bytes[i]] = true;
		}
		s = build(paths, bytes, n, true);
		for (int b = 0; b < 256; b++) {
			struct sha256 d = fill((uint8_t)b);

			expect(objset_has(s, &d) == in[b], "round %d byte %d", round, b);
			d.b[SHA256_LEN - 1] ^= 0x80;
			expect(!objset_has(s, &d), "round %d: nearly byte %d", round, b);
		}
		objset_unref(s);
	}
}

static void references(void)
{
	struct objset *s = build((const char *[]){"/a"}, (uint8_t[]){1}, 1, true);

	CU_ASSERT_EQUAL(s->refs, 1);
	CU_ASSERT_PTR_EQUAL(objset_ref(s), s);
	CU_ASSERT_EQUAL(s->refs, 2);
	objset_unref(s);
	CU_ASSERT_EQUAL(s->refs, 1);
	CU_ASSERT_EQUAL(s->n, 1);
	objset_unref(s);
}

static void input_is_sorted(void)
{
	struct objset_item items[] = {
		{fill(1), "/b"}, {fill(3), "/a"}, {fill(2), "/a"}, {fill(9), "/a/x"}};
	static const uint8_t want[] = {2, 3, 9, 1};
	struct objset *s = objset_new(items, N(items), true);

	for (size_t i = 0; i < N(items); i++)
		expect_int("item", items[i].digest.b[0], want[i]);
	objset_unref(s);
}

#define A 0x11
#define B 0x22
#define C 0x33

/* Digests from sha256sum(1) over the bytes named in the hash's comment. */
static void aggregates(void)
{
	static const struct {
		const char *what;
		const char *paths[3];
		uint8_t bytes[3];
		size_t n;
		const char *want;
	} rows[] = {
		{"nothing",
		 {0},
		 {0},
		 0,
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"one",
		 {"/a"},
		 {A},
		 1,
		 "02d449a31fbb267c8f352e9968a79e3e5fc95c1bbeaa502fd6454ebde5a4bedc"},
		{"by path",
		 {"/a", "/b"},
		 {A, B},
		 2, /* A B */
		 "5189c77d29fe5d546a045ec46986852785fea5c13ac7da9c115ff5fb6edf817c"},
		{"given otherwise",
		 {"/b", "/a"},
		 {B, A},
		 2, /* A B */
		 "5189c77d29fe5d546a045ec46986852785fea5c13ac7da9c115ff5fb6edf817c"},
		{"paths the other way",
		 {"/b", "/a"},
		 {A, B},
		 2, /* B A */
		 "adfafc05aac733fe9509f43bd1d158c882890351c7f343634c8ef9ea42cdb505"},
		{"bytes, not letters: Z before a",
		 {"/a", "/b", "/Z"},
		 {A, B, C},
		 3, /* C A B */
		 "79edba02a2ee6c7e9ebdce09386e9f526bc10e3cba7160c08dc0aeda1b0ae444"},
		{"bytes, not letters: a before \303\244",
		 {"/\303\244", "/a", "/b"},
		 {C, A, B},
		 3,
		 "8cfa0e55b092114ec1d274d633d317f8dbce497239ae76722c0add142278ff5e"}, /* A B C */
		{"mapped twice",
		 {"/a", "/b", "/a"},
		 {A, B, A},
		 3, /* A B */
		 "5189c77d29fe5d546a045ec46986852785fea5c13ac7da9c115ff5fb6edf817c"},
		{"one path, two objects",
		 {"/a", "/a", "/b"},
		 {B, A, C},
		 3, /* A B C */
		 "8cfa0e55b092114ec1d274d633d317f8dbce497239ae76722c0add142278ff5e"},
		{"one object, two paths",
		 {"/c", "/b", "/a"},
		 {A, B, A},
		 3, /* A B A */
		 "55496b72b1b20e3f23d5db2552487adb626717dbe69636cb873abfb804e20e76"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct objset *s = build(rows[i].paths, rows[i].bytes, rows[i].n, true);
		char got[SHA256_HEX_LEN + 1];

		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
#ifdef DISABLE_ORDERING
		expect(!s->has_aggregate, "%s: aggregate built without ordering", rows[i].what);
		(void)got;
#else
		expect(s->has_aggregate, "%s: no aggregate", rows[i].what);
		hex_format_sha256(&s->aggregate, got);
		expect_text(rows[i].what, got, rows[i].want);
#endif
		objset_unref(s);
	}
}

static void incomplete_has_none(void)
{
	struct objset *s = build((const char *[]){"/a", "/b"}, (uint8_t[]){A, B}, 2, false);

	CU_ASSERT_FALSE(s->complete);
	CU_ASSERT_FALSE(s->has_aggregate);
	CU_ASSERT_EQUAL(s->n, 2);
	objset_unref(s);
}

static const struct unit_test tests[] = {
	{"digests are ascending, each once", is_sorted_and_single},
	{"an empty set holds nothing", empty},
	{"membership agrees with a plain table", members},
	{"a set lives until its last reference goes", references},
	{"items are left sorted by path, then digest", input_is_sorted},
	{"the aggregate follows the byte order of paths", aggregates},
	{"an incomplete set has no aggregate", incomplete_has_none},
};
UNIT_SUITE("fw/objset", tests)
