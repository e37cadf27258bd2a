/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets are shared where all parts are alike, and nowhere else; and are what objset_new() makes. */
#include "fw/objset_pool.h"

#include <stdio.h>
#include <string.h>

#include "random.h"
#include "unit.h"

#define ITEMS 3

static struct sha256 fill(uint8_t byte)
{
	struct sha256 d;

	memset(d.b, byte, sizeof(d.b));
	return d;
}

/* Parts that own what they are made of: objset_new() sorts items. */
struct made {
	struct objset_item items[ITEMS], program;
	struct objset_parts parts;
};

static void make_parts(struct made *m)
{
	static const char *const paths[ITEMS] = {"/b", "/a", "/c"};

	for (uint8_t i = 0; i < ITEMS; i++)
		m->items[i] = (struct objset_item){fill(i + 1), paths[i]};
	m->program = m->items[0];
	m->parts = (struct objset_parts){
		.items = m->items, .n = ITEMS, .complete = true, .program = &m->program};
}

static void the_same_parts_are_one_set(void)
{
	struct objset_pool *pool = objset_pool_new();
	struct objset *a, *b, *alone;
	struct made m;

	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	make_parts(&m);
	a = objset_pool_get(pool, &m.parts);
	make_parts(&m);
	b = objset_pool_get(pool, &m.parts);
	make_parts(&m);
	alone = objset_new(m.items, ITEMS, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_PTR_NOT_NULL_FATAL(alone);
	CU_ASSERT_PTR_EQUAL(a, b);
	CU_ASSERT_EQUAL(a->n, alone->n);
	CU_ASSERT_EQUAL(memcmp(a->digests, alone->digests, a->n * sizeof(a->digests[0])), 0);
	CU_ASSERT_TRUE(a->complete && !a->anonymous && a->has_program);
	CU_ASSERT_EQUAL(a->has_aggregate, alone->has_aggregate);
	CU_ASSERT_EQUAL(sha256_cmp(&a->aggregate, &alone->aggregate), 0);
	CU_ASSERT_EQUAL(sha256_cmp(&a->program, &m.program.digest), 0);
	CU_ASSERT_STRING_EQUAL(a->program_path, "/b");
	objset_unref(a);
	objset_pool_free(pool);
	CU_ASSERT_STRING_EQUAL(b->program_path, "/b"); /* it lives on */
	objset_unref(b);
	objset_unref(alone);
}

/* One of the ways in which parts differ. */
static bool change(struct made *m, int way)
{
	switch (way) {
	case 0:
		m->parts.complete = false;
		return true;
	case 1:
		m->parts.anonymous = true;
		return true;
	case 2:
		m->parts.program = NULL;
		return true;
	case 3:
		m->program.path = NULL;
		return true;
	case 4:
		m->program.path = "";
		return true;
	case 5:
		m->program = m->items[1];
		return true;
	case 6:
		m->parts.n--;
		return true;
	case 7:
		m->items[2].path = "/d";
		return true;
	case 8:
		m->items[2].digest.b[31]++;
		return true;
	case 9: /* the program's name and the first one are other, and as long together */
		m->program.path = "/b/";
		m->items[0].path = "/";
		return true;
	default:
		return false;
	}
}

static void other_parts_are_another(void)
{
	struct objset_pool *pool = objset_pool_new();
	struct objset *sets[16];
	struct made m;
	int n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	make_parts(&m);
	do
		sets[n] = objset_pool_get(pool, &m.parts);
	while (sets[n] && (make_parts(&m), change(&m, n++)));
	CU_ASSERT_EQUAL(n, 11);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++) {
			CU_ASSERT_PTR_NOT_EQUAL(sets[i], sets[k]);
			CU_ASSERT_NOT_EQUAL(sets[i]->number, sets[k]->number);
		}
	for (int i = 0; i < n; i++)
		objset_unref(sets[i]);
	objset_pool_free(pool);
}

/* More sets than there are places, some too long to be kept: each is what was asked for. */
static void each_is_what_was_asked_for(void)
{
	static char longest[5000];
	struct objset_pool *pool = objset_pool_new();
	struct rng rng = rng_new();
	unsigned int wrong = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	memset(longest, 'x', sizeof(longest) - 1);
	for (int round = 0; round < 5000; round++) {
		struct sha256 d = {0};
		struct objset_item item = {d, rng_below(&rng, 9) ? "/p" : longest};
		struct objset_parts parts = {.items = &item, .n = 1, .program = &item};
		struct objset *s;

		item.digest.b[0] = (uint8_t)rng_below(&rng, 256);
		item.digest.b[31] = (uint8_t)rng_below(&rng, 8);
		parts.complete = rng_below(&rng, 2);
		parts.anonymous = rng_below(&rng, 2);
		s = objset_pool_get(pool, &parts);
		if (!s || s->n != 1 || sha256_cmp(&s->digests[0], &item.digest) ||
		    s->complete != parts.complete || s->anonymous != parts.anonymous ||
		    strcmp(s->program_path, item.path))
			wrong++;
		objset_unref(s);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	objset_pool_free(pool);
}

static const struct unit_test tests[] = {
	{"the same parts are one set", the_same_parts_are_one_set},
	{"other parts are another", other_parts_are_another},
	{"each is what was asked for", each_is_what_was_asked_for},
};

UNIT_SUITE("fw/objset_pool", tests)
