/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "expect.h"

static const enum verdict accept_all[CHAIN_COUNT];

struct store_tail state_tail;

void state_dir_make(struct state_dir *p)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(p->top, sizeof(p->top), "%.40s/store.XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->top));
	snprintf(p->dir, sizeof(p->dir), "%s/state", p->top);
	snprintf(p->file, sizeof(p->file), "%s/rules", p->dir);
	snprintf(p->temporary, sizeof(p->temporary), "%s/rules.new", p->dir);
}

void state_dir_remove(struct state_dir *p)
{
	unlink(p->file);
	unlink(p->temporary);
	rmdir(p->temporary);
	rmdir(p->dir);
	CU_ASSERT_EQUAL(rmdir(p->top), 0);
}

int state_save(const struct state_dir *p, const struct ruleset *rs)
{
	return store_save(p->dir, rs, &state_tail);
}

struct ruleset *rules_none(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rs);
	return rs;
}

struct ruleset *rules_with(struct ruleset *rs, const char *text)
{
	struct ruleset *more = NULL;
	struct rule_error why;
	struct rule rule;

	CU_ASSERT_EQUAL_FATAL(rule_parse_text(text, &rule, &why), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_insert(rs, &rule, rs->chains[rule.chain].list.n, &more), 0);
	ruleset_unref(rs);
	return more;
}

struct ruleset *rules_with_set(struct ruleset *rs, const struct set_item *items, size_t n)
{
	struct ruleset *more = NULL;
	struct set *set = NULL;

	CU_ASSERT_EQUAL_FATAL(set_new("web", items, n, &set), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(rs, set, &more), 0);
	set_unref(set);
	ruleset_unref(rs);
	return more;
}

struct ruleset *rules_sample(void)
{
	struct ruleset *rs = rules_none();

	rs = rules_with(rs, "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"");
	rs = rules_with(rs, "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32");
	return rules_with(rs, "-c INPUT -v DROP");
}

const char rules_sample_text[] = "app-fw rules 2\n"
				 "-c INPUT -v DROP\n"
				 "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
				 "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n"
				 "end 3\n";

void write_file(const char *path, const char *text, size_t len)
{
	_cleanup_fclose_ FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, len, f), len);
}

void expect_file(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	char got[1024] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fread(got, 1, sizeof(got) - 1, f), strlen(text));
	CU_ASSERT_STRING_EQUAL(got, text);
}

static int take(void *cookie, const struct rule *rule)
{
	struct taken *t = cookie;
	char text[RULE_TEXT_MAX];

	if (t->most && t->n == t->most)
		return -E2BIG;
	rule_format(rule, text);
	t->length +=
		(size_t)snprintf(t->text + t->length, sizeof(t->text) - t->length, "%s\n", text);
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	t->n++;
	return 0;
}

static int take_set(void *cookie, struct set *set)
{
	struct taken *t = cookie;

	for (size_t i = 0; i < set->n; i++)
		t->length += (size_t)snprintf(
			t->text + t->length, sizeof(t->text) - t->length, "%s: %s %s %s %u%s\n",
			set->name, set->items[i].package, set->items[i].root, set->items[i].path,
			set->items[i].digest.b[0], set->items[i].until_ns ? " for a time" : "");
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	t->until_ns = set->items[set->n - 1].until_ns;
	return 0;
}

static int take_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct taken *t = cookie;

	t->length += (size_t)snprintf(t->text + t->length, sizeof(t->text) - t->length,
				      "policy %s %s\n", chain_name(chain), verdict_name(policy));
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	return 0;
}

static int take_change(void *cookie, const struct store_change *c)
{
	struct taken *t = cookie;
	char text[STORE_CHANGE_MAX];

	store_change_format(c, 0, text);
	t->n++;
	t->length += (size_t)snprintf(t->text + t->length, sizeof(t->text) - t->length, "%s\n",
				      text + strlen("change 0 12345678 "));
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	return 0;
}

struct store_taker state_taker(struct taken *into)
{
	return (struct store_taker){.policy = take_policy,
				    .set = take_set,
				    .rule = take,
				    .change = take_change,
				    .cookie = into};
}

int state_load(const struct state_dir *p, struct taken *into, char err[STORE_ERROR_LEN])
{
	const struct store_taker to = state_taker(into);

	return store_load(p->dir, &to, &state_tail, err);
}
