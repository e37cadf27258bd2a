/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is refused in one line, or is a configuration whose text is that configuration again. */
#include "fw/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fuzz.h"
#include "tests/unit/same_rule.h"

/* One change of the set at a time, as the daemon makes them. */
static int replace(struct ruleset **rs, int r, struct ruleset *next)
{
	if (r)
		return r;
	ruleset_unref(*rs);
	*rs = next;
	return 0;
}

static int take_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = ruleset_set_policy(*rs, chain, policy, policy, &next);

	return replace(rs, r, next);
}

static int take_set(void *cookie, struct set *set)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = ruleset_set(*rs, set->name) ? -EEXIST : ruleset_put_set(*rs, set, &next);

	return replace(rs, r, next);
}

static int take_next_patch(void *cookie, uint64_t id)
{
	struct ruleset **rs = cookie;

	ruleset_reserve_ids(*rs, id);
	return 0;
}

static int take_patch(void *cookie, const struct patch *patch)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = ruleset_add_patch(*rs, patch, &next);

	return replace(rs, r, next);
}

static int take_rule(void *cookie, const struct rule *rule)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = ruleset_append(*rs, rule, 1, &next);

	return replace(rs, r, next);
}

static int take_change(void *cookie, const struct store_change *c)
{
	struct ruleset **rs = cookie, *next = NULL;
	int r = c->kind == STORE_INSERT ? ruleset_insert(*rs, &c->rule, c->index, &next)
					: ruleset_delete(*rs, c->rule.chain, c->index, &next);

	return replace(rs, r, next);
}

/* What the text says, or NULL with err filled. */
static struct ruleset *parse(const char *text, size_t size, char err[STORE_ERROR_LEN])
{
	static const enum verdict accept[CHAIN_COUNT];
	struct ruleset *rs = ruleset_new(accept, accept, accept);
	const struct store_taker to = {.policy = take_policy,
				       .set = take_set,
				       .next_patch = take_next_patch,
				       .patch = take_patch,
				       .rule = take_rule,
				       .change = take_change,
				       .cookie = &rs};

	fuzz_expect(rs, "memory");
	if (store_parse(text, size, &to, err) == 0)
		return rs;
	ruleset_unref(rs);
	return NULL;
}

static bool same_set(const struct set *a, const struct set *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (set_item_cmp(&a->items[i], &b->items[i]) != 0 ||
		    sha256_cmp(&a->items[i].digest, &b->items[i].digest) != 0 ||
		    a->items[i].until_ns != b->items[i].until_ns)
			return false;
	return true;
}

static bool same_chain(const struct rule_chain *a, const struct rule_chain *b)
{
	if (a->policy != b->policy || a->list.n != b->list.n)
		return false;
	for (size_t i = 0; i < a->list.n; i++)
		if (!same_rule(rule_chain_at(a, i), rule_chain_at(b, i)))
			return false;
	return true;
}

static void expect_same(const struct ruleset *a, const struct ruleset *b, const char *text)
{
	fuzz_expect(a->n_sets == b->n_sets, "'%s' to have all sets", text);
	for (size_t i = 0; i < a->n_sets; i++)
		fuzz_expect(same_set(a->sets[i], b->sets[i]), "'%s': set %s", text,
			    a->sets[i]->name);
	for (int c = 0; c < CHAIN_COUNT; c++)
		fuzz_expect(same_chain(&a->chains[c], &b->chains[c]), "'%s': chain %s", text,
			    chain_name(c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *again = NULL;
	char err[STORE_ERROR_LEN] = "";
	struct ruleset *rs = parse((const char *)data, size, err), *back;

	if (!rs) {
		fuzz_expect_line(err);
		return 0;
	}
	text = store_format(rs);
	fuzz_expect(text, "a text");
	back = parse(text, strlen(text), err);
	fuzz_expect(back, "'%s' to be taken: %s", text, err);
	expect_same(rs, back, text);
	again = store_format(back);
	ruleset_unref(rs);
	ruleset_unref(back);
	fuzz_expect(again && strcmp(text, again) == 0, "'%s', not '%s'", text, again);
	return 0;
}
