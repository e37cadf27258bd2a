/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "fw/ruleset.h"
#include "random.h"
#include "unit.h"

static const enum verdict mixed[CHAIN_COUNT] = {VERDICT_DROP, VERDICT_ACCEPT, VERDICT_DROP};
static const enum verdict drop[CHAIN_COUNT] = {VERDICT_DROP, VERDICT_DROP, VERDICT_DROP};
static const enum verdict accept[CHAIN_COUNT];

static struct rule_count *counts(const struct ruleset *rs, enum chain chain, size_t index)
{
	return rule_list_at(&rs->chains[chain].list, index)->count;
}

/* Rules are told apart by their source port. */
static struct rule tagged(enum chain chain, uint16_t tag)
{
	return (struct rule){.chain = chain,
			     .verdict = VERDICT_DROP,
			     .have = MATCH_BIT(MATCH_SPORT),
			     .sport = {tag, tag}};
}

static void starts_empty(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rs);
	CU_ASSERT_EQUAL(rs->epoch, 1);
	CU_ASSERT_EQUAL(rs->refs, 1);
	for (int c = 0; c < CHAIN_COUNT; c++) {
		CU_ASSERT_EQUAL(rs->chains[c].list.n, 0);
		CU_ASSERT_EQUAL(rs->chains[c].policy, mixed[c]);
		CU_ASSERT_EQUAL(rs->unknown[c], drop[c]);
		CU_ASSERT_EQUAL(rs->kernel[c], accept[c]);
	}
	ruleset_unref(rs);
	ruleset_unref(NULL);
}

/* Replaces *rs by the set that an edit made. */
static void step(struct ruleset **rs, struct ruleset *next)
{
	CU_ASSERT_EQUAL(next->epoch, (*rs)->epoch + 1);
	CU_ASSERT_EQUAL(next->refs, 1);
	ruleset_unref(*rs);
	*rs = next;
}

static void insert(struct ruleset **rs, enum chain chain, uint16_t tag, size_t index)
{
	struct rule r = tagged(chain, tag);
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL_FATAL(ruleset_insert(*rs, &r, index, &next), 0);
	step(rs, next);
}

static void delete (struct ruleset **rs, enum chain chain, size_t index)
{
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL_FATAL(ruleset_delete(*rs, chain, index, &next), 0);
	step(rs, next);
}

static bool holds(const struct ruleset *rs, enum chain chain, const uint16_t *tags, size_t n)
{
	const struct rule_chain *c = &rs->chains[chain];

	if (c->list.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (rule_chain_at(c, i)->sport.first != tags[i] ||
		    rule_chain_at(c, i)->chain != chain)
			return false;
	return true;
}

static void edits(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept);

	insert(&rs, CHAIN_OUTPUT, 20, 0);
	insert(&rs, CHAIN_OUTPUT, 40, 1);
	insert(&rs, CHAIN_OUTPUT, 10, 0);
	insert(&rs, CHAIN_OUTPUT, 30, 2);
	insert(&rs, CHAIN_INPUT, 7, 0);
	CU_ASSERT_TRUE(holds(rs, CHAIN_OUTPUT, (uint16_t[]){10, 20, 30, 40}, 4));
	CU_ASSERT_TRUE(holds(rs, CHAIN_INPUT, (uint16_t[]){7}, 1));
	CU_ASSERT_TRUE(holds(rs, CHAIN_FORWARD, NULL, 0));
	delete (&rs, CHAIN_OUTPUT, 1);
	CU_ASSERT_TRUE(holds(rs, CHAIN_OUTPUT, (uint16_t[]){10, 30, 40}, 3));
	delete (&rs, CHAIN_OUTPUT, 2);
	delete (&rs, CHAIN_OUTPUT, 0);
	CU_ASSERT_TRUE(holds(rs, CHAIN_OUTPUT, (uint16_t[]){30}, 1));
	delete (&rs, CHAIN_OUTPUT, 0);
	CU_ASSERT_TRUE(holds(rs, CHAIN_OUTPUT, NULL, 0));
	CU_ASSERT_TRUE(holds(rs, CHAIN_INPUT, (uint16_t[]){7}, 1));
	CU_ASSERT_EQUAL(rs->epoch, 10);
	for (int c = 0; c < CHAIN_COUNT; c++) {
		CU_ASSERT_EQUAL(rs->chains[c].policy, mixed[c]);
		CU_ASSERT_EQUAL(rs->unknown[c], drop[c]);
		CU_ASSERT_EQUAL(rs->kernel[c], accept[c]);
	}
	ruleset_unref(rs);
}

static void past_the_end(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept);
	struct ruleset *const none = (struct ruleset *)&mixed;
	struct ruleset *next = none;
	struct rule r = tagged(CHAIN_OUTPUT, 1);

	CU_ASSERT_EQUAL(ruleset_insert(rs, &r, 1, &next), -ERANGE);
	CU_ASSERT_EQUAL(ruleset_delete(rs, CHAIN_OUTPUT, 0, &next), -ERANGE);
	insert(&rs, CHAIN_OUTPUT, 1, 0);
	CU_ASSERT_EQUAL(ruleset_insert(rs, &r, 2, &next), -ERANGE);
	CU_ASSERT_EQUAL(ruleset_insert(rs, &r, (size_t)-1, &next), -ERANGE);
	CU_ASSERT_EQUAL(ruleset_delete(rs, CHAIN_OUTPUT, 1, &next), -ERANGE);
	CU_ASSERT_EQUAL(ruleset_delete(rs, CHAIN_OUTPUT, (size_t)-1, &next), -ERANGE);
	CU_ASSERT_EQUAL(ruleset_delete(rs, CHAIN_INPUT, 0, &next), -ERANGE);
	CU_ASSERT_PTR_EQUAL(next, none);
	CU_ASSERT_TRUE(holds(rs, CHAIN_OUTPUT, (uint16_t[]){1}, 1));
	ruleset_unref(rs);
}

/* A set with only the number of its rules: that is all that may be looked at. */
static void too_many(void)
{
	struct ruleset rs = {.refs = 1, .epoch = 1};
	struct rule r = tagged(CHAIN_FORWARD, 1);
	struct ruleset *next = NULL;

	rs.chains[CHAIN_FORWARD].list.n = RULES_MAX;
	CU_ASSERT_EQUAL(ruleset_insert(&rs, &r, RULES_MAX, &next), -E2BIG);
	CU_ASSERT_EQUAL(ruleset_insert(&rs, &r, 0, &next), -E2BIG);
	CU_ASSERT_EQUAL(ruleset_insert(&rs, &r, RULES_MAX + 1, &next), -ERANGE);
	CU_ASSERT_PTR_NULL(next);
}

static void counts_follow(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept);
	struct ruleset *old;
	struct rule_count *count;

	insert(&rs, CHAIN_OUTPUT, 1, 0);
	count = counts(rs, CHAIN_OUTPUT, 0);
	CU_ASSERT_EQUAL(count->packets, 0);
	count->packets = 5;
	old = ruleset_ref(rs);
	insert(&rs, CHAIN_OUTPUT, 2, 0);
	CU_ASSERT_PTR_EQUAL(counts(rs, CHAIN_OUTPUT, 1), count);
	CU_ASSERT_PTR_NOT_EQUAL(counts(rs, CHAIN_OUTPUT, 0), count);
	CU_ASSERT_EQUAL(counts(rs, CHAIN_OUTPUT, 0)->packets, 0);

	/* A reader of the old set still counts for the rule in the new one. */
	counts(old, CHAIN_OUTPUT, 0)->packets++;
	CU_ASSERT_EQUAL(counts(rs, CHAIN_OUTPUT, 1)->packets, 6);

	/* And has its counter to itself when the rule is gone from the new one. */
	delete (&rs, CHAIN_OUTPUT, 1);
	counts(old, CHAIN_OUTPUT, 0)->bytes = 100;
	CU_ASSERT_EQUAL(count->refs, 1);
	ruleset_unref(rs);
	CU_ASSERT_EQUAL(counts(old, CHAIN_OUTPUT, 0)->packets, 6);
	ruleset_unref(old);
}

#define MODEL_MAX 64

struct model {
	struct ruleset *rs;
	uint16_t tags[CHAIN_COUNT][MODEL_MAX];
	size_t n[CHAIN_COUNT];
};

static void edit_model(struct model *m, struct rng *rng, uint16_t tag)
{
	const enum chain c = (enum chain)rng_below(rng, CHAIN_COUNT);
	const size_t n = m->n[c];
	size_t at = rng_below(rng, n + 1);
	uint16_t *tags = m->tags[c];

	if (n == MODEL_MAX || (at < n && rng_below(rng, 3) == 0)) {
		at = at < n ? at : n - 1;
		delete (&m->rs, c, at);
		memmove(tags + at, tags + at + 1, (n - at - 1) * sizeof(*tags));
		m->n[c]--;
	} else {
		insert(&m->rs, c, tag, at);
		memmove(tags + at + 1, tags + at, (n - at) * sizeof(*tags));
		tags[at] = tag;
		m->n[c]++;
		counts(m->rs, (enum chain)c, at)->packets = tag;
	}
}

static bool agrees(const struct model *m)
{
	for (int c = 0; c < CHAIN_COUNT; c++) {
		if (!holds(m->rs, (enum chain)c, m->tags[c], m->n[c]))
			return false;
		for (size_t i = 0; i < m->n[c]; i++)
			if (counts(m->rs, (enum chain)c, i)->packets != m->tags[c][i])
				return false;
	}
	return true;
}

/* Sets kept along the way must still be what they were at the end. */
static void old_sets_stay(void)
{
	static struct model kept[40];
	struct rng rng = rng_new();
	struct model m = {.rs = ruleset_new(mixed, drop, accept)};
	size_t n_kept = 0;

	for (uint16_t tag = 1; tag <= 2000; tag++) {
		edit_model(&m, &rng, tag);
		if (!expect(agrees(&m), "after edit %u", tag))
			break;
		if (tag % 50 == 0) {
			kept[n_kept] = m;
			ruleset_ref(kept[n_kept++].rs);
		}
	}
	ruleset_unref(m.rs);
	for (size_t i = 0; i < n_kept; i++) {
		expect(agrees(&kept[i]), "kept set %zu changed", i);
		ruleset_unref(kept[i].rs);
	}
}

static void appends_many(void)
{
	const struct rule rules[] = {tagged(CHAIN_OUTPUT, 2), tagged(CHAIN_INPUT, 7),
				     tagged(CHAIN_OUTPUT, 3)};
	const uint16_t output[] = {1, 2, 3}, input[] = {7};
	struct ruleset *rs = ruleset_new(accept, accept, accept), *next = NULL;

	insert(&rs, CHAIN_OUTPUT, 1, 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_append(rs, rules, 3, &next), 0);
	CU_ASSERT_EQUAL(rs->chains[CHAIN_OUTPUT].list.n, 1);
	step(&rs, next);
	CU_ASSERT(holds(rs, CHAIN_OUTPUT, output, 3));
	CU_ASSERT(holds(rs, CHAIN_INPUT, input, 1));
	CU_ASSERT_EQUAL(counts(rs, CHAIN_INPUT, 0)->refs, 1);
	CU_ASSERT_EQUAL_FATAL(ruleset_append(rs, NULL, 0, &next), 0);
	step(&rs, next);
	CU_ASSERT(holds(rs, CHAIN_OUTPUT, output, 3));
	ruleset_unref(rs);
}

static struct set *named(const char *name, uint8_t digest, uint64_t until_ns)
{
	const struct set_item items[] = {{"", "", "/a", {{digest}}, 0},
					 {"", "", "/a", {{(uint8_t)(digest + 1)}}, until_ns}};
	struct set *s = NULL;

	CU_ASSERT_EQUAL_FATAL(set_new(name, items, until_ns ? 2 : 1, &s), 0);
	return s;
}

/* Takes over the set. */
static void put(struct ruleset **rs, struct set *s)
{
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(*rs, s, &next), 0);
	set_unref(s);
	step(rs, next);
}

static struct rule naming(const char *name)
{
	struct rule r = {.chain = CHAIN_OUTPUT, .have = MATCH_BIT(MATCH_SET)};

	strcpy(r.set, name);
	return r;
}

static void rules_follow_their_set(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept), *old, *next = NULL;
	struct rule r = naming("web"), no = naming("we");
	size_t index = 7;

	put(&rs, named("web", 1, 0));
	put(&rs, named("abc", 10, 0));
	CU_ASSERT_EQUAL(ruleset_insert(rs, &no, 0, &next), -ENOENT);
	CU_ASSERT_EQUAL(ruleset_append(rs, &no, 1, &next), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(ruleset_insert(rs, &r, 0, &next), 0);
	step(&rs, next);
	CU_ASSERT_EQUAL_FATAL(ruleset_append(rs, &r, 1, &next), 0);
	step(&rs, next);
	old = ruleset_ref(rs);
	put(&rs, named("web", 3, 0));
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(
			rule_chain_at(&rs->chains[CHAIN_OUTPUT], i)->members->items[0].digest.b[0],
			3);
		CU_ASSERT_EQUAL(
			rule_chain_at(&old->chains[CHAIN_OUTPUT], i)->members->items[0].digest.b[0],
			1);
	}
	ruleset_unref(old);
	CU_ASSERT_EQUAL(ruleset_drop_set(rs, "we", &next), -ENOENT);
	CU_ASSERT_EQUAL(ruleset_drop_set(rs, "web", &next), -EBUSY);
	CU_ASSERT_PTR_EQUAL(ruleset_user(rs, "web", &index),
			    rule_chain_at(&rs->chains[CHAIN_OUTPUT], 0));
	CU_ASSERT_EQUAL(index, 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_drop_set(rs, "abc", &next), 0);
	step(&rs, next);
	CU_ASSERT_PTR_NULL(ruleset_set(rs, "abc"));
	CU_ASSERT_PTR_NOT_NULL(ruleset_set(rs, "web"));
	delete (&rs, CHAIN_OUTPUT, 0);
	delete (&rs, CHAIN_OUTPUT, 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_drop_set(rs, "web", &next), 0);
	step(&rs, next);
	CU_ASSERT_EQUAL(rs->n_sets, 0);
	ruleset_unref(rs);
}

static void no_more_sets_than(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept), *next = NULL;
	struct set *more = named("more", 1, 0);
	char name[16];

	for (int i = 0; i < SETS_MAX; i++) {
		sprintf(name, "s%d", i);
		put(&rs, named(name, 1, 0));
	}
	CU_ASSERT_EQUAL(ruleset_put_set(rs, more, &next), -E2BIG);
	put(&rs, named("s0", 5, 0));
	for (int i = 0; i < SETS_MAX; i++) {
		sprintf(name, "s%d", i);
		CU_ASSERT_PTR_NOT_NULL(ruleset_set(rs, name));
	}
	set_unref(more);
	ruleset_unref(rs);
}

static void dated_digests_leave(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept), *old, *next = NULL;
	struct rule r = naming("b");

	CU_ASSERT_EQUAL(ruleset_next_expiry(rs), 0);
	put(&rs, named("a", 1, 300));
	put(&rs, named("b", 1, 200));
	put(&rs, named("c", 1, 0));
	CU_ASSERT_EQUAL_FATAL(ruleset_insert(rs, &r, 0, &next), 0);
	step(&rs, next);
	CU_ASSERT_EQUAL(ruleset_next_expiry(rs), 200);
	CU_ASSERT_EQUAL(ruleset_expire(rs, 199, &next), -EALREADY);
	CU_ASSERT_EQUAL_FATAL(ruleset_expire(rs, 200, &next), 0);
	old = ruleset_ref(rs);
	step(&rs, next);
	CU_ASSERT_EQUAL(rule_chain_at(&rs->chains[CHAIN_OUTPUT], 0)->members->n_digests, 1);
	CU_ASSERT_EQUAL(rule_chain_at(&old->chains[CHAIN_OUTPUT], 0)->members->n_digests, 2);
	ruleset_unref(old);
	CU_ASSERT_EQUAL(ruleset_next_expiry(rs), 300);
	CU_ASSERT_EQUAL_FATAL(ruleset_expire(rs, 301, &next), 0);
	step(&rs, next);
	CU_ASSERT_EQUAL(ruleset_next_expiry(rs), 0);
	ruleset_unref(rs);
}

static void dated_rules_leave(void)
{
	static const struct {
		enum chain chain;
		uint64_t expires_s;
	} rows[] = {{CHAIN_OUTPUT, 300},
		    {CHAIN_OUTPUT, 0},
		    {CHAIN_OUTPUT, 200},
		    {CHAIN_INPUT, 200},
		    {CHAIN_INPUT, 201}};
	struct ruleset *rs = ruleset_new(mixed, drop, accept), *old, *next = NULL;
	struct rule_count *count;

	CU_ASSERT_EQUAL(ruleset_next_rule_expiry(rs), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rule r = tagged(rows[i].chain, (uint16_t)i);

		r.expires_s = rows[i].expires_s;
		CU_ASSERT_EQUAL_FATAL(
			ruleset_insert(rs, &r, rs->chains[rows[i].chain].list.n, &next), 0);
		step(&rs, next);
	}
	count = counts(rs, CHAIN_OUTPUT, 1);
	CU_ASSERT_EQUAL(ruleset_count(rs), 5);
	CU_ASSERT_EQUAL(ruleset_next_rule_expiry(rs), 200);
	CU_ASSERT_EQUAL(ruleset_expire_rules(rs, 199, &next), -EALREADY);
	CU_ASSERT_EQUAL_FATAL(ruleset_expire_rules(rs, 200, &next), 0);
	old = ruleset_ref(rs);
	step(&rs, next);
	CU_ASSERT_TRUE(holds(rs, CHAIN_OUTPUT, (uint16_t[]){0, 1}, 2));
	CU_ASSERT_TRUE(holds(rs, CHAIN_INPUT, (uint16_t[]){4}, 1));
	CU_ASSERT_PTR_EQUAL(counts(rs, CHAIN_OUTPUT, 1), count);
	CU_ASSERT_TRUE(holds(old, CHAIN_OUTPUT, (uint16_t[]){0, 1, 2}, 3));
	CU_ASSERT_EQUAL(ruleset_next_rule_expiry(rs), 201);
	ruleset_unref(old);
	CU_ASSERT_EQUAL_FATAL(ruleset_expire_rules(rs, 1000, &next), 0);
	step(&rs, next);
	CU_ASSERT_TRUE(holds(rs, CHAIN_OUTPUT, (uint16_t[]){1}, 1));
	CU_ASSERT_EQUAL(ruleset_count(rs), 1);
	CU_ASSERT_EQUAL(ruleset_next_rule_expiry(rs), 0);
	CU_ASSERT_EQUAL(ruleset_expire_rules(rs, UINT64_MAX, &next), -EALREADY);
	ruleset_unref(rs);
}

static void policies_are_stated(void)
{
	struct ruleset *rs = ruleset_new(mixed, drop, accept), *next = NULL;

	CU_ASSERT_FALSE(rs->chains[CHAIN_OUTPUT].policy_stated);
	CU_ASSERT_EQUAL_FATAL(
		ruleset_set_policy(rs, CHAIN_OUTPUT, VERDICT_DROP, VERDICT_ACCEPT, &next), 0);
	step(&rs, next);
	insert(&rs, CHAIN_OUTPUT, 1, 0);
	CU_ASSERT_EQUAL(rs->chains[CHAIN_OUTPUT].policy, VERDICT_DROP);
	CU_ASSERT_TRUE(rs->chains[CHAIN_OUTPUT].policy_stated);
	CU_ASSERT_EQUAL(rs->unknown[CHAIN_OUTPUT], VERDICT_ACCEPT);
	CU_ASSERT_EQUAL(rs->chains[CHAIN_INPUT].policy, VERDICT_DROP);
	CU_ASSERT_FALSE(rs->chains[CHAIN_INPUT].policy_stated);
	CU_ASSERT_EQUAL(rs->unknown[CHAIN_INPUT], VERDICT_DROP);
	ruleset_unref(rs);
}

static const struct unit_test tests[] = {
	{"a new set is empty and has its policies", starts_empty},
	{"insert and delete do so at their index, in their chain", edits},
	{"an index past the end is refused, the output untouched", past_the_end},
	{"many are appended at once, each to its chain, in order", appends_many},
	{"a full chain takes no more", too_many},
	{"rules have the set they name as it is in their rule set", rules_follow_their_set},
	{"as many sets as there may be, and no more", no_more_sets_than},
	{"dated digests leave when their time is over", dated_digests_leave},
	{"counters follow their rule through edits", counts_follow},
	{"random edits agree with a plain list; old sets stay as they were", old_sets_stay},
	{"dated rules leave when their time is over", dated_rules_leave},
	{"a policy is that of its chain, and stays stated", policies_are_stated},
};
UNIT_SUITE("fw/ruleset", tests)
