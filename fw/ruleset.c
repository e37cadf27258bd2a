/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ruleset.h"

struct ruleset *ruleset_ref(struct ruleset *rs)
{
	rs->refs++;
	return rs;
}

void ruleset_unref(struct ruleset *rs)
{
	if (!rs || --rs->refs > 0)
		return;
	patch_list_clear(&rs->patches);
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		rule_chain_clear(&rs->chains[c]);
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
	rs->patches.next_id = 1;
	for (size_t c = 0; c < CHAIN_COUNT; c++) {
		rs->chains[c].policy = policy[c];
		rs->unknown[c] = unknown[c];
		rs->kernel[c] = kernel[c];
	}
	return rs;
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

/* The next set, as yet with the same rules. */
static struct ruleset *successor(const struct ruleset *rs)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = calloc(1, sizeof(*next));

	if (!next)
		return NULL;
	next->refs = 1;
	next->epoch = rs->epoch + 1;
	memcpy(next->unknown, rs->unknown, sizeof(next->unknown));
	memcpy(next->kernel, rs->kernel, sizeof(next->kernel));
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		if (rule_chain_copy(&rs->chains[c], &next->chains[c]))
			return NULL;
	return patch_list_copy(&rs->patches, &next->patches) || copy_sets(rs, next)
		       ? NULL
		       : TAKE_PTR(next);
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

static const struct set *find_set(const void *rs, const char *name)
{
	return ruleset_set(rs, name);
}

/* The same for all rules, after a set has been replaced; those they name are there. */
static int resolve_all(struct ruleset *rs)
{
	int r = 0;

	for (size_t c = 0; !r && c < CHAIN_COUNT; c++) {
		r = rule_chain_resolve(&rs->patches.chains[c], find_set, rs);
		r = r ? r : rule_chain_resolve(&rs->chains[c], find_set, rs);
	}
	return r;
}

int ruleset_insert(const struct ruleset *rs, const struct rule *rule, size_t index,
		   struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	const size_t n = rs->chains[rule->chain].list.n;
	struct rule resolved = *rule;
	int r;

	if (index > n)
		return -ERANGE;
	if (n >= RULES_MAX)
		return -E2BIG;
	r = resolve(rs, &resolved);
	if (r)
		return r;
	next = successor(rs);
	if (!next || rule_chain_insert(&next->chains[rule->chain], &resolved, index))
		return -ENOMEM;
	*out = TAKE_PTR(next);
	return 0;
}

static int append(struct ruleset *next, const struct rule *rules, size_t n)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		struct rule rule = rules[i];

		r = resolve(next, &rule);
		r = r ? r : rule_chain_append(&next->chains[rule.chain], &rule);
	}
	for (size_t c = 0; !r && n && c < CHAIN_COUNT; c++)
		r = rule_chain_make_index(&next->chains[c]);
	return r;
}

int ruleset_append(const struct ruleset *rs, const struct rule *rules, size_t n,
		   struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	size_t room[CHAIN_COUNT] = {0};
	int r;

	for (size_t i = 0; i < n; i++)
		room[rules[i].chain]++;
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		if (rs->chains[c].list.n + room[c] > RULES_MAX)
			return -E2BIG;
	next = successor(rs);
	if (!next)
		return -ENOMEM;
	r = append(next, rules, n);
	if (r)
		return r;
	*out = TAKE_PTR(next);
	return 0;
}

int ruleset_delete(const struct ruleset *rs, enum chain chain, size_t index, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;

	if (index >= rs->chains[chain].list.n)
		return -ERANGE;
	next = successor(rs);
	if (!next || rule_chain_remove(&next->chains[chain], index))
		return -ENOMEM;
	*out = TAKE_PTR(next);
	return 0;
}

int ruleset_put_set(const struct ruleset *rs, struct set *set, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	bool found;
	size_t at = set_place(rs, set->name, &found);

	if (!found && rs->n_sets >= SETS_MAX)
		return -E2BIG;
	next = successor(rs);
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
	if (resolve_all(next))
		return -ENOMEM;
	*out = TAKE_PTR(next);
	return 0;
}

int ruleset_set_policy(const struct ruleset *rs, enum chain chain, enum verdict policy,
		       enum verdict unknown, struct ruleset **out)
{
	struct ruleset *next = successor(rs);

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
		for (size_t i = 0; i < rs->chains[c].list.n; i++) {
			const struct rule *r = rule_chain_at(&rs->chains[c], i);

			if (!(r->have & MATCH_BIT(MATCH_SET)) || strcmp(r->set, name) != 0)
				continue;
			*index = i;
			return r;
		}
	for (size_t i = 0; i < rs->patches.n; i++) {
		const struct rule *r = &rs->patches.entries[i]->patch.rule;

		if (!(r->have & MATCH_BIT(MATCH_SET)) || strcmp(r->set, name) != 0)
			continue;
		*index = i;
		return r;
	}
	return NULL;
}

int ruleset_drop_set(const struct ruleset *rs, const char *name, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	bool found;
	size_t at = set_place(rs, name, &found), index;

	if (!found)
		return -ENOENT;
	if (ruleset_user(rs, name, &index))
		return -EBUSY;
	next = successor(rs);
	if (!next)
		return -ENOMEM;
	set_unref(next->sets[at]);
	next->n_sets--;
	memmove(next->sets + at, next->sets + at + 1, (next->n_sets - at) * sizeof(struct set *));
	if (resolve_all(next))
		return -ENOMEM;
	*out = TAKE_PTR(next);
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
	uint64_t first = ruleset_next_expiry(rs);

	if (first == 0 || first > now_ns)
		return -EALREADY;
	next = successor(rs);
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
	if (resolve_all(next))
		return -ENOMEM;
	*out = TAKE_PTR(next);
	return 0;
}

size_t ruleset_count(const struct ruleset *rs)
{
	size_t n = 0;

	for (size_t c = 0; c < CHAIN_COUNT; c++)
		n += rs->chains[c].list.n;
	return n;
}

uint64_t ruleset_next_rule_expiry(const struct ruleset *rs)
{
	uint64_t next = patch_list_next_expiry(&rs->patches);

	for (size_t c = 0; c < CHAIN_COUNT; c++) {
		uint64_t expiry = rs->chains[c].expires_s;

		if (expiry && (next == 0 || expiry < next))
			next = expiry;
	}
	return next;
}

static bool is_over(const struct rule *r, const void *now_s)
{
	return r->expires_s && r->expires_s <= *(const uint64_t *)now_s;
}

static bool drop_patches(struct patch_list *l, uint64_t now_s)
{
	const size_t before = l->n;

	for (size_t i = l->n; i-- > 0;)
		if (is_over(&l->entries[i]->patch.rule, &now_s))
			patch_list_remove(l, i);
	return l->n < before;
}

int ruleset_expire_rules(const struct ruleset *rs, uint64_t now_s, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	uint64_t first = ruleset_next_rule_expiry(rs);
	int r = 0;

	if (first == 0 || first > now_s)
		return -EALREADY;
	next = successor(rs);
	if (!next)
		return -ENOMEM;
	for (size_t c = 0; !r && c < CHAIN_COUNT; c++)
		r = rule_chain_drop(&next->chains[c], is_over, &now_s);
	if (!r && drop_patches(&next->patches, now_s))
		r = patch_list_make_chains(&next->patches, find_set, next);
	if (r)
		return r;
	*out = TAKE_PTR(next);
	return 0;
}

int ruleset_add_patch(const struct ruleset *rs, const struct patch *patch, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = successor(rs);
	int r = next ? patch_list_add(&next->patches, patch) : -ENOMEM;

	r = r ? r : patch_list_make_chains(&next->patches, find_set, next);
	if (r)
		return r;
	*out = TAKE_PTR(next);
	return 0;
}

int ruleset_remove_patch(const struct ruleset *rs, uint64_t id, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	const size_t at = patch_list_find(&rs->patches, id);
	int r;

	if (at == rs->patches.n)
		return -ENOENT;
	next = successor(rs);
	if (!next)
		return -ENOMEM;
	patch_list_remove(&next->patches, at);
	r = patch_list_make_chains(&next->patches, find_set, next);
	if (r)
		return r;
	*out = TAKE_PTR(next);
	return 0;
}

int ruleset_load_patch(struct ruleset *rs, const struct patch *patch)
{
	if (patch->rule.have & MATCH_BIT(MATCH_SET) && !ruleset_set(rs, patch->rule.set))
		return -ENOENT;
	return patch_list_add(&rs->patches, patch);
}

int ruleset_load_patches(struct ruleset *rs)
{
	return patch_list_make_chains(&rs->patches, find_set, rs);
}

void ruleset_reserve_ids(struct ruleset *rs, uint64_t next)
{
	if (next > rs->patches.next_id)
		rs->patches.next_id = next;
}

bool ruleset_asks(const struct ruleset *rs, enum chain chain, uint32_t matches)
{
	return rule_chain_asks(&rs->patches.chains[chain], matches) ||
	       rule_chain_asks(&rs->chains[chain], matches);
}

int ruleset_make_indexes(const struct ruleset *rs, struct ruleset **out)
{
	_cleanup_(cleanup_ruleset) struct ruleset *next = NULL;
	bool wanted = false;

	for (size_t c = 0; c < CHAIN_COUNT; c++)
		wanted |= rule_chain_wants_index(&rs->chains[c]);
	if (!wanted)
		return -EALREADY;
	next = successor(rs);
	if (!next)
		return -ENOMEM;
	next->epoch = rs->epoch;
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		if (rule_chain_wants_index(&next->chains[c]) &&
		    rule_chain_make_index(&next->chains[c]))
			return -ENOMEM;
	*out = TAKE_PTR(next);
	return 0;
}
