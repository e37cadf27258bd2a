// SPDX-License-Identifier: GPL-2.0-or-later
#include "app_match.h"

#include "set.h"

static bool has(const struct sig_app *a, const struct holder *h, const struct ruleset *rules)
{
	const struct set *set;

	if (!a->is_set)
		return objset_has(h->objects, &a->digest);
	set = ruleset_set(rules, a->set);
	return set && set_met(set, h->objects);
}

static bool holder_fits(const struct sig_rule *r, const struct holder *h,
			const struct ruleset *rules)
{
	for (size_t i = 0; i < r->n_apps; i++)
		if (has(&r->apps[i], h, rules) == r->apps[i].negated)
			return false;
	return true;
}

static bool all_negated(const struct sig_rule *r)
{
	for (size_t i = 0; i < r->n_apps; i++)
		if (!r->apps[i].negated)
			return false;
	return true;
}

bool app_match(const struct sig_rule *r, const struct holders *holders, const struct ruleset *rules,
	       size_t *holder)
{
	*holder = 0;
	if (!r->n_apps)
		return true;
	if (holders->origin == ORIGIN_KERNEL)
		return false;
	if (!holders->n)
		return all_negated(r);
	for (size_t i = 0; i < holders->n; i++)
		if (holder_fits(r, &holders->h[i], rules)) {
			*holder = i;
			return true;
		}
	return false;
}
