// SPDX-License-Identifier: GPL-2.0-or-later
#include "rule_chain.h"

#include <errno.h>
#include <string.h>

/* Between rules that were appended: so many times a place between two can be halved, 40. */
#define ORDER_GAP   (1ull << 40)
#define ORDER_FIRST (1ull << 62)

int rule_chain_copy(const struct rule_chain *from, struct rule_chain *to)
{
	*to = *from;
	to->list = (struct rule_list){.n = 0};
	to->index = NULL;
	if (rule_list_copy(&from->list, &to->list))
		return -ENOMEM;
	to->index = from->index ? rule_index_ref(from->index) : NULL;
	return 0;
}

void rule_chain_clear(struct rule_chain *c)
{
	rule_index_unref(c->index);
	rule_list_clear(&c->list);
	*c = (struct rule_chain){.n_added = 0};
}

size_t rule_chain_index(const struct rule_chain *c, const struct rule_entry *e)
{
	return rule_list_find(&c->list, e->order);
}

bool rule_chain_asks(const struct rule_chain *c, uint32_t matches)
{
	for (uint32_t left = matches; left; left &= left - 1)
		if (c->stating[__builtin_ctz(left)])
			return true;
	return false;
}

bool rule_chain_wants_index(const struct rule_chain *c)
{
	return c->index && c->n_added + c->n_gone >= CHANGES_MANY;
}

/* Counts a rule that comes (1) or leaves (-1). */
static void count(struct rule_chain *c, const struct rule *r, int by)
{
	for (uint32_t left = r->have; left; left &= left - 1)
		c->stating[__builtin_ctz(left)] += (uint32_t)by;
}

static void note_expiry(struct rule_chain *c, const struct rule *r)
{
	if (r->expires_s && (!c->expires_s || r->expires_s < c->expires_s))
		c->expires_s = r->expires_s;
}

static void find_expiry(struct rule_chain *c)
{
	c->expires_s = 0;
	for (size_t i = 0; i < c->list.n; i++)
		note_expiry(c, rule_chain_at(c, i));
}

int rule_chain_make_index(struct rule_chain *c)
{
	rule_index_unref(c->index);
	c->index = NULL;
	c->n_added = c->n_gone = 0;
	if (c->list.n > RULES_FEW) {
		c->index = rule_index_new(&c->list);
		return c->index ? 0 : -ENOMEM;
	}
	for (; c->n_added < c->list.n; c->n_added++)
		c->added[c->n_added] = rule_list_at(&c->list, c->n_added);
	return 0;
}

/* Gives all rules new places, as far apart as can be; others still use the old ones. */
static int spread(struct rule_chain *c)
{
	for (size_t i = 0; i < c->list.n; i++) {
		const struct rule_entry *old = rule_list_at(&c->list, i);
		struct rule_entry *e =
			rule_entry_new(&old->rule, ORDER_FIRST + i * ORDER_GAP, old->count);

		if (!e)
			return -ENOMEM;
		if (rule_list_replace(&c->list, i, e)) {
			rule_entry_unref(e);
			return -ENOMEM;
		}
	}
	return rule_chain_make_index(c);
}

/* A number between those of the rules around; 0: there is none left. */
static uint64_t order_at(const struct rule_chain *c, size_t index)
{
	const struct rule_list *l = &c->list;
	const uint64_t before = index > 0 ? rule_list_at(l, index - 1)->order : 0;
	const uint64_t after = index < l->n ? rule_list_at(l, index)->order : UINT64_MAX;

	if (l->n == 0)
		return ORDER_FIRST;
	if (index == l->n && after - before > ORDER_GAP)
		return before + ORDER_GAP;
	if (index == 0 && after - before > ORDER_GAP)
		return after - ORDER_GAP;
	return after - before < 2 ? 0 : before + (after - before) / 2;
}

static int put(struct rule_chain *c, const struct rule *rule, size_t index, uint64_t order,
	       struct rule_count *counted, struct rule_entry **out)
{
	struct rule_entry *e = rule_entry_new(rule, order, counted);

	if (!e)
		return -ENOMEM;
	if (rule_list_insert(&c->list, index, e)) {
		rule_entry_unref(e);
		return -ENOMEM;
	}
	count(c, rule, 1);
	note_expiry(c, rule);
	*out = e;
	return 0;
}

int rule_chain_append(struct rule_chain *c, const struct rule *rule)
{
	return rule_chain_append_counted(c, rule, NULL);
}

int rule_chain_append_counted(struct rule_chain *c, const struct rule *rule,
			      struct rule_count *counted)
{
	const size_t n = c->list.n;
	struct rule_entry *e;

	if (!order_at(c, n) && spread(c))
		return -ENOMEM;
	return put(c, rule, n, order_at(c, n), counted, &e);
}

/* Whether one more rule makes it time for an index. */
static bool is_full(const struct rule_chain *c)
{
	return c->n_added + c->n_gone >= (c->index ? CHANGES_MAX : RULES_FEW);
}

static void add(struct rule_chain *c, const struct rule_entry *e)
{
	size_t at = c->n_added++;

	for (; at > 0 && c->added[at - 1]->order > e->order; at--)
		c->added[at] = c->added[at - 1];
	c->added[at] = e;
}

int rule_chain_insert(struct rule_chain *c, const struct rule *rule, size_t index)
{
	struct rule_entry *e;
	int r;

	if (!order_at(c, index) && spread(c))
		return -ENOMEM;
	r = put(c, rule, index, order_at(c, index), NULL, &e);
	if (r)
		return r;
	if (is_full(c))
		return rule_chain_make_index(c);
	add(c, e);
	return 0;
}

/* False: it is in the index. */
static bool take_back(struct rule_chain *c, const struct rule_entry *e)
{
	for (size_t i = 0; i < c->n_added; i++)
		if (c->added[i] == e) {
			memmove(c->added + i, c->added + i + 1,
				(--c->n_added - i) * sizeof(c->added[0]));
			return true;
		}
	return false;
}

int rule_chain_remove(struct rule_chain *c, size_t index)
{
	const struct rule_entry *e = rule_list_at(&c->list, index);
	const uint64_t expires_s = e->rule.expires_s;
	bool was_added = take_back(c, e), full = is_full(c);

	count(c, &e->rule, -1);
	if (!was_added && !full)
		c->gone[c->n_gone++] = e; /* the index keeps it */
	if (rule_list_remove(&c->list, index))
		return -ENOMEM;
	if (expires_s && expires_s == c->expires_s)
		find_expiry(c);
	return was_added || !full ? 0 : rule_chain_make_index(c);
}

int rule_chain_drop(struct rule_chain *c, bool (*chosen)(const struct rule *r, const void *cookie),
		    const void *cookie)
{
	for (size_t i = c->list.n; i-- > 0;) {
		const struct rule *r = rule_chain_at(c, i);

		if (!chosen(r, cookie))
			continue;
		count(c, r, -1);
		if (rule_list_remove(&c->list, i))
			return -ENOMEM;
	}
	find_expiry(c);
	return rule_chain_make_index(c);
}

int rule_chain_resolve(struct rule_chain *c,
		       const struct set *(*find)(const void *cookie, const char *name),
		       const void *cookie)
{
	bool changed = false;

	/* The index still asks those that are gone, and the set that they name may go now. */
	for (size_t i = 0; i < c->n_gone; i++)
		changed |= c->gone[i]->rule.have & MATCH_BIT(MATCH_SET);
	if (!changed && !c->stating[MATCH_SET])
		return 0;
	for (size_t i = 0; i < c->list.n; i++) {
		const struct rule_entry *old = rule_list_at(&c->list, i);
		struct rule rule = old->rule;
		struct rule_entry *e;

		if (!(rule.have & MATCH_BIT(MATCH_SET)))
			continue;
		rule.members = find(cookie, rule.set);
		if (rule.members == old->rule.members)
			continue;
		e = rule_entry_new(&rule, old->order, old->count);
		if (!e || rule_list_replace(&c->list, i, e)) {
			rule_entry_unref(e);
			return -ENOMEM;
		}
		changed = true;
	}
	return changed ? rule_chain_make_index(c) : 0;
}
