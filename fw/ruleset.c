/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ruleset.h"

static void count_unref(struct rule_count *c)
{
	if (--c->refs == 0)
		free(c);
}

struct ruleset *ruleset_ref(struct ruleset *rs)
{
	rs->refs++;
	return rs;
}

void ruleset_unref(struct ruleset *rs)
{
	if (!rs || --rs->refs > 0)
		return;
	for (size_t c = 0; c < CHAIN_COUNT; c++) {
		for (size_t i = 0; i < rs->chains[c].n; i++)
			count_unref(rs->chains[c].counts[i]);
		free(rs->chains[c].rules);
		free(rs->chains[c].counts);
	}
	free(rs);
}

static void cleanup_ruleset(struct ruleset **rs)
{
	ruleset_unref(*rs);
}

struct ruleset *ruleset_new(const enum verdict policy[CHAIN_COUNT],
			    const enum verdict unknown[CHAIN_COUNT],
			    const enum verdict kernel[CHAIN_COUNT])
{
	struct ruleset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->refs = 1;
	rs->epoch = 1;
	for (size_t c = 0; c < CHAIN_COUNT; c++) {
		rs->chains[c].policy = policy[c];
		rs->unknown[c] = unknown[c];
		rs->kernel[c] = kernel[c];
	}
	return rs;
}

/* n grows last: until then the copy owns no reference to a counter. */
static int copy_chain(const struct ruleset_chain *from, size_t room, struct ruleset_chain *to)
{
	size_t n = from->n;

	if (n + room == 0)
		return 0;
	to->rules = reallocarray(NULL, n + room, sizeof(*to->rules));
	to->counts = reallocarray(NULL, n + room, sizeof(struct rule_count *));
	if (!to->rules || !to->counts)
		return -ENOMEM;
	if (n > 0) {
		memcpy(to->rules, from->rules, n * sizeof(*to->rules));
		memcpy(to->counts, from->counts, n * sizeof(struct rule_count *));
	}
	for (size_t i = 0; i < n; i++)
		to->counts[i]->refs++;
	to->n = n;
	return 0;
}

/* The next set, as yet with the same rules, and with room for more of them. */
static struct ruleset *successor(const struct ruleset *rs, const size_t room[CHAIN_COUNT])
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	enum verdict policy[CHAIN_COUNT];

	for (size_t c = 0; c < CHAIN_COUNT; c++)
		policy[c] = rs->chains[c].policy;
	next = ruleset_new(policy, rs->unknown, rs->kernel);
	if (!next)
		return NULL;
	next->epoch = rs->epoch + 1;
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		if (copy_chain(&rs->chains[c], room[c], &next->chains[c]))
			return NULL;
	return TAKE_PTR(next);
}

int ruleset_insert(const struct ruleset *rs, const struct rule *rule, size_t index,
		   struct ruleset **out)
{
	const size_t n = rs->chains[rule->chain].n;
	size_t room[CHAIN_COUNT] = {0};
	struct ruleset_chain *c;
	struct rule_count *count;
	struct ruleset *next;

	if (index > n)
		return -ERANGE;
	if (n >= RULES_MAX)
		return -E2BIG;
	room[rule->chain] = 1;
	next = successor(rs, room);
	count = calloc(1, sizeof(*count));
	if (!next || !count) {
		ruleset_unref(next);
		free(count);
		return -ENOMEM;
	}
	count->refs = 1;
	c = &next->chains[rule->chain];
	memmove(c->rules + index + 1, c->rules + index, (n - index) * sizeof(*c->rules));
	memmove(c->counts + index + 1, c->counts + index, (n - index) * sizeof(*c->counts));
	c->rules[index] = *rule;
	c->counts[index] = count;
	c->n++;
	*out = next;
	return 0;
}

int ruleset_append(const struct ruleset *rs, const struct rule *rules, size_t n,
		   struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	size_t room[CHAIN_COUNT] = {0};

	for (size_t i = 0; i < n; i++)
		room[rules[i].chain]++;
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		if (rs->chains[c].n + room[c] > RULES_MAX)
			return -E2BIG;
	next = successor(rs, room);
	if (!next)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct ruleset_chain *c = &next->chains[rules[i].chain];
		struct rule_count *count = calloc(1, sizeof(*count));

		if (!count)
			return -ENOMEM;
		count->refs = 1;
		c->rules[c->n] = rules[i];
		c->counts[c->n++] = count;
	}
	*out = TAKE_PTR(next);
	return 0;
}

int ruleset_delete(const struct ruleset *rs, enum chain chain, size_t index, struct ruleset **out)
{
	const size_t n = rs->chains[chain].n, none[CHAIN_COUNT] = {0};
	struct ruleset_chain *c;
	struct ruleset *next;
	size_t after;

	if (index >= n)
		return -ERANGE;
	next = successor(rs, none);
	if (!next)
		return -ENOMEM;
	c = &next->chains[chain];
	after = n - index - 1;
	count_unref(c->counts[index]);
	memmove(c->rules + index, c->rules + index + 1, after * sizeof(*c->rules));
	memmove(c->counts + index, c->counts + index + 1, after * sizeof(*c->counts));
	c->n--;
	*out = next;
	return 0;
}
