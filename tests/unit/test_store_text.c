/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/clock.h"
#include "stored.h"
#include "unit.h"

static void comments_and_empty_lines_mean_nothing(void)
{
	static const char text[] = "# what it is\n\n"
				   "app-fw rules 2\n"
				   " # -c INPUT -v DROP\n"
				   "policy OUTPUT  DROP \n"
				   "\t\n"
				   "-c OUTPUT -v ACCEPT --note \"# 1\"\n"
				   "#\n"
				   "end\n";
	struct taken got = {.n = 0};
	const struct store_taker to = state_taker(&got);
	char err[STORE_ERROR_LEN];

	expect(store_parse(text, strlen(text), &to, err) == 0, "%s", err);
	CU_ASSERT_STRING_EQUAL(got.text, "policy OUTPUT DROP\n"
					 "-c OUTPUT -v ACCEPT --note \"# 1\"\n");
}

static void text_names_its_bad_line(void)
{
	static const char *const bad[][2] = {
		{"", "line 1: expected \"app-fw rules 2\""},
		{"\n", "line 2: file cut short"},
		{"app-fw rules 2\n\n-c OUTPUT -v DROP --dport 65536\nend\n",
		 "line 3: --dport 65536: expected a port"},
		{"app-fw rules 2\nend", "line 2: file cut short"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct taken got = {.n = 0};
		const struct store_taker to = state_taker(&got);
		char err[STORE_ERROR_LEN];

		CU_ASSERT_EQUAL(store_parse(bad[i][0], strlen(bad[i][0]), &to, err), -EBADMSG);
		expect(strncmp(err, bad[i][1], strlen(bad[i][1])) == 0, "%s: %s", bad[i][1], err);
	}
}

/* A rule set that takes what it is given. */
struct built {
	struct ruleset *rs;
};

static void step(struct built *b, struct ruleset *next)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	ruleset_unref(b->rs);
	b->rs = next;
}

static int build_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL(ruleset_set_policy(b->rs, chain, policy, policy, &next), 0);
	step(b, next);
	return 0;
}

static int build_set(void *cookie, struct set *set)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL(ruleset_put_set(b->rs, set, &next), 0);
	step(b, next);
	return 0;
}

static int build_next_patch(void *cookie, uint64_t id)
{
	struct built *b = cookie;

	ruleset_reserve_ids(b->rs, id);
	return 0;
}

static int build_patch(void *cookie, const struct patch *patch)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;
	int r = ruleset_add_patch(b->rs, patch, &next);

	if (!r)
		step(b, next);
	return r;
}

static int build_rule(void *cookie, const struct rule *rule)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL(ruleset_insert(b->rs, rule, b->rs->chains[rule->chain].list.n, &next), 0);
	step(b, next);
	return 0;
}

static struct store_taker builder(struct built *b)
{
	return (struct store_taker){.policy = build_policy,
				    .set = build_set,
				    .next_patch = build_next_patch,
				    .patch = build_patch,
				    .rule = build_rule,
				    .cookie = b};
}

static struct ruleset *build(const char *text)
{
	struct built b = {rules_none()};
	const struct store_taker to = builder(&b);
	char err[STORE_ERROR_LEN];

	expect(store_parse(text, strlen(text), &to, err) == 0, "%s", err);
	return b.rs;
}

/* Each time is the clock's another one: no second of a digest's time may get lost or be won. */
static void text_comes_back_byte_for_byte(void)
{
	const uint64_t now = clock_monotonic_ns();
	struct set_item items[] = {
		{"", "", "/a b", {{1}}, 0},
		{"curl:amd64", "/root dir", "/root dir/c", {{3}}, 0},
		{"", "", "/older", {{5}}, now + 500 * SECOND},
	};

	for (unsigned int i = 0; i < 200; i++) {
		char *first, *second;
		struct ruleset *rs = rules_sample(), *again, *next = NULL;

		items[2].until_ns = now + 500 * SECOND + i * SECOND / 200;
		rs = rules_with_set(rs, items, 3);
		rs = rules_with(rs, "-c FORWARD -v ACCEPT --set web");
		CU_ASSERT_EQUAL_FATAL(
			ruleset_set_policy(rs, CHAIN_FORWARD, VERDICT_DROP, VERDICT_DROP, &next),
			0);
		first = store_format(next);
		again = build(first);
		second = store_format(again);
		CU_ASSERT_STRING_EQUAL(first, second);
		CU_ASSERT_PTR_NOT_NULL(strstr(first, "policy INPUT ACCEPT\n"
						     "policy OUTPUT ACCEPT\n"
						     "policy FORWARD DROP\n"));
		free(first);
		free(second);
		ruleset_unref(again);
		ruleset_unref(next);
		ruleset_unref(rs);
	}
}

static const char patched_text[] =
	"app-fw rules 3\n"
	"set\tweb\t-\t-\t-\t" HEX "\t/a\n"
	"patch 2 --cidr 10.0.0.0/8 --port 80 --set web --note \"a \\\"b\"\n"
	"patch 9 -c INPUT --file \"/x y\" --until-unmapped --sng-hash " HEX
	" --monitor --expires 2099-01-01T00:00:00Z --note \"c\"\n"
	"-c OUTPUT -v DROP --dport 25\n"
	"end 4\n";

/* A text says no more than what is in force; the state also which ids were given before. */
static void patches_come_back_byte_for_byte(void)
{
	char *text, err[STORE_ERROR_LEN];
	struct ruleset *rs;
	struct state_dir p;
	struct built b = {rules_none()};
	const struct store_taker to = builder(&b);
	struct store_tail saved;
	const char *rest = strchr(patched_text, '\n') + 1;

	rs = build(patched_text);
	text = store_format(rs);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "app-fw rules 3\n"));
	expect(strncmp(strstr(text, "set\t"), rest, strlen(rest) - strlen("end 4\n")) == 0, "%s",
	       text);
	CU_ASSERT_PTR_NULL(strstr(text, "next-patch"));
	free(text);
	ruleset_reserve_ids(rs, 31);
	state_dir_make(&p);
	CU_ASSERT_EQUAL(store_save(p.dir, rs, &saved), 0);
	expect(store_load(p.dir, &to, &saved, err) == 0, "%s", err);
	CU_ASSERT_EQUAL(b.rs->patches.n, 2);
	CU_ASSERT_EQUAL(b.rs->patches.next_id, 31);
	CU_ASSERT_EQUAL(b.rs->patches.entries[1]->patch.id, 9);
	state_dir_remove(&p);
	ruleset_unref(b.rs);
	ruleset_unref(rs);
}

static const struct unit_test tests[] = {
	{"comments and empty lines mean nothing", comments_and_empty_lines_mean_nothing},
	{"a text names its bad line", text_names_its_bad_line},
	{"a text comes back byte for byte", text_comes_back_byte_for_byte},
	{"patches come back byte for byte", patches_come_back_byte_for_byte},
};
UNIT_SUITE("fw/store_text", tests)
