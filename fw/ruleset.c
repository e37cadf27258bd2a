/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
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
	for (size_t i = 0; i < rs->n_sets; i++)
		set_unref(rs->sets[i]);
	free(rs->sets);
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

/* With room for one more. */
static int copy_sets(const struct ruleset *from, struct ruleset *to)
{
	to->sets = calloc(from->n_sets + 1, sizeof(struct set *));
	if (!to->sets)
		return -ENOMEM;
	for (; to->n_sets < from->n_sets; to->n_sets++)
		to->sets[to->n_sets] = set_ref(from->sets[to->n_sets]);
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
	for (size_t c = 0; c < CHAIN_COUNT; c++) {
		next->chains[c].policy_stated = rs->chains[c].policy_stated;
		if (copy_chain(&rs->chains[c], room[c], &next->chains[c]))
			return NULL;
	}
	return copy_sets(rs, next) ? NULL : TAKE_PTR(next);
}

/* The place of the set of that name, or where it would come. */
static size_t set_place(const struct ruleset *rs, const char *name, bool *found)
{
	size_t i = 0;
	int order = 1;

	while (i < rs->n_sets && (order = strcmp(rs->sets[i]->name, name)) < 0)
		i++;
	*found = i < rs->n_sets && order == 0;
	return i;
}

struct set *ruleset_set(const struct ruleset *rs, const char *name)
{
	bool found;
	size_t i = set_place(rs, name, &found);

	return found ? rs->sets[i] : NULL;
}

/* A rule of rs as it is to be stored there: with the set that it names. */
static int resolve(const struct ruleset *rs, struct rule *rule)
{
	rule->members = NULL;
	if (!(rule->have & MATCH_BIT(MATCH_SET)))
		return 0;
	rule->members = ruleset_set(rs, rule->set);
	return rule->members ? 0 : -ENOENT;
}

/* The same for all rules, after a set has been replaced; those they name are there. */
static void resolve_all(struct ruleset *rs)
{
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		for (size_t i = 0; i < rs->chains[c].n; i++)
			resolve(rs, &rs->chains[c].rules[i]);
}

int ruleset_insert(const struct ruleset *rs, const struct rule *rule, size_t index,
		   struct ruleset **out)
{
	const size_t n = rs->chains[rule->chain].n;
	size_t room[CHAIN_COUNT] = {0};
	struct ruleset_chain *c;
	struct rule resolved = *rule;
	struct rule_count *count;
	struct ruleset *next;
	int r;

	if (index > n)
		return -ERANGE;
	if (n >= RULES_MAX)
		return -E2BIG;
	r = resolve(rs, &resolved);
	if (r)
		return r;
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
	c->rules[index] = resolved;
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
		struct rule_count *count;
		int r;

		c->rules[c->n] = rules[i];
		r = resolve(next, &c->rules[c->n]);
		if (r)
			return r;
		count = calloc(1, sizeof(*count));
		if (!count)
			return -ENOMEM;
		count->refs = 1;
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

int ruleset_put_set(const struct ruleset *rs, struct set *set, struct ruleset **out)
{
	const size_t none[CHAIN_COUNT] = {0};
	struct ruleset *next;
	bool found;
	size_t at = set_place(rs, set->name, &found);

	if (!found && rs->n_sets >= SETS_MAX)
		return -E2BIG;
	next = successor(rs, none);
	if (!next)
		return -ENOMEM;
	if (found) {
		set_unref(next->sets[at]);
	} else {
		memmove(next->sets + at + 1, next->sets + at,
			(next->n_sets - at) * sizeof(struct set *));
		next->n_sets++;
	}
	next->sets[at] = set_ref(set);
	resolve_all(next);
	*out = next;
	return 0;
}

int ruleset_set_policy(const struct ruleset *rs, enum chain chain, enum verdict policy,
		       enum verdict unknown, struct ruleset **out)
{
	const size_t none[CHAIN_COUNT] = {0};
	struct ruleset *next = successor(rs, none);

	if (!next)
		return -ENOMEM;
	next->chains[chain].policy = policy;
	next->chains[chain].policy_stated = true;
	next->unknown[chain] = unknown;
	*out = next;
	return 0;
}

const struct rule *ruleset_user(const struct ruleset *rs, const char *name, size_t *index)
{
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		for (size_t i = 0; i < rs->chains[c].n; i++) {
			const struct rule *r = &rs->chains[c].rules[i];

			if (!(r->have & MATCH_BIT(MATCH_SET)) || strcmp(r->set, name) != 0)
				continue;
			*index = i;
			return r;
		}
	return NULL;
}

int ruleset_drop_set(const struct ruleset *rs, const char *name, struct ruleset **out)
{
	const size_t none[CHAIN_COUNT] = {0};
	struct ruleset *next;
	bool found;
	size_t at = set_place(rs, name, &found), index;

	if (!found)
		return -ENOENT;
	if (ruleset_user(rs, name, &index))
		return -EBUSY;
	next = successor(rs, none);
	if (!next)
		return -ENOMEM;
	set_unref(next->sets[at]);
	next->n_sets--;
	memmove(next->sets + at, next->sets + at + 1, (next->n_sets - at) * sizeof(struct set *));
	*out = next;
	return 0;
}

uint64_t ruleset_next_expiry(const struct ruleset *rs)
{
	uint64_t next = 0;

	for (size_t i = 0; i < rs->n_sets; i++) {
		uint64_t expiry = set_next_expiry(rs->sets[i]);

		if (expiry && (next == 0 || expiry < next))
			next = expiry;
	}
	return next;
}

int ruleset_expire(const struct ruleset *rs, uint64_t now_ns, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	const size_t none[CHAIN_COUNT] = {0};
	uint64_t first = ruleset_next_expiry(rs);

	if (first == 0 || first > now_ns)
		return -EALREADY;
	next = successor(rs, none);
	if (!next)
		return -ENOMEM;
	for (size_t i = 0; i < next->n_sets; i++) {
		struct set *left;
		int r = set_expire(next->sets[i], now_ns, &left);

		if (r == -EALREADY)
			continue;
		if (r)
			return r;
		set_unref(next->sets[i]);
		next->sets[i] = left;
	}
	resolve_all(next);
	*out = TAKE_PTR(next);
	return 0;
}

size_t ruleset_count(const struct ruleset *rs)
{
	size_t n = 0;

	for (size_t c = 0; c < CHAIN_COUNT; c++)
		n += rs->chains[c].n;
	return n;
}

uint64_t ruleset_next_rule_expiry(const struct ruleset *rs)
{
	uint64_t next = 0;

	for (size_t c = 0; c < CHAIN_COUNT; c++)
		for (size_t i = 0; i < rs->chains[c].n; i++) {
			uint64_t expiry = rs->chains[c].rules[i].expires_s;

			if (expiry && (next == 0 || expiry < next))
				next = expiry;
		}
	return next;
}

static void drop_expired(struct ruleset_chain *c, uint64_t now_s)
{
	size_t left = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (c->rules[i].expires_s && c->rules[i].expires_s <= now_s) {
			count_unref(c->counts[i]);
			continue;
		}
		c->rules[left] = c->rules[i];
		c->counts[left++] = c->counts[i];
	}
	c->n = left;
}

int ruleset_expire_rules(const struct ruleset *rs, uint64_t now_s, struct ruleset **out)
{
	const size_t none[CHAIN_COUNT] = {0};
	uint64_t first = ruleset_next_rule_expiry(rs);
	struct ruleset *next;

	if (first == 0 || first > now_s)
		return -EALREADY;
	next = successor(rs, none);
	if (!next)
		return -ENOMEM;
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		drop_expired(&next->chains[c], now_s);
	*out = next;
	return 0;
}
