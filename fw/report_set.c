/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_set.h"
#include "clock.h"

#include <string.h>

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *digest_or_null(const struct set_item *item)
{
	char hex[SHA256_HEX_LEN + 1];

	if (!item)
		return json_null();
	hex_format_sha256(&item->digest, hex);
	return json_string(hex);
}

/* Rounded up: a digest that is in force has a second left at least. */
static json_t *time_left(const struct set_item *item, uint64_t now_ns)
{
	if (!item->until_ns)
		return json_null();
	return json_integer(item->until_ns > now_ns ? (item->until_ns - now_ns - 1) / SECOND + 1
						    : 0);
}

static json_t *report_set(const struct ruleset *rs, const struct set *set, uint64_t now_ns)
{
	json_t *files = json_array();
	json_int_t rules = 0, patches = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct set_item *item = &set->items[i];

		json_array_append_new(files, json_pack("{s:s, s:o, s:o, s:o, s:o}", "path",
						       item->path, "sha256", digest_or_null(item),
						       "package", text_or_null(item->package),
						       "root", text_or_null(item->root), "valid_s",
						       time_left(item, now_ns)));
	}
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		for (size_t i = 0; i < rs->chains[c].list.n; i++)
			rules += rule_chain_at(&rs->chains[c], i)->members == set;
	for (size_t i = 0; i < rs->patches.n; i++) {
		const struct rule *r = &rs->patches.entries[i]->patch.rule;

		patches += r->have & MATCH_BIT(MATCH_SET) && strcmp(r->set, set->name) == 0;
	}
	return json_pack("{s:s, s:I, s:I, s:o}", "set", set->name, "rules", rules, "patches",
			 patches, "files", files);
}

json_t *report_sets(const struct ruleset *rs, const char *only, uint64_t now_ns)
{
	json_t *sets = json_array();

	for (size_t i = 0; i < rs->n_sets; i++)
		if (!only || strcmp(rs->sets[i]->name, only) == 0)
			json_array_append_new(sets, report_set(rs, rs->sets[i], now_ns));
	return json_pack("{s:o}", "sets", sets);
}

/* old or new is NULL where there is none. */
static json_t *report_change(const char *path, const struct set_item *old,
			     const struct set_item *new)
{
	return json_pack("{s:s, s:o, s:o}", "path", path, "old", digest_or_null(old), "new",
			 digest_or_null(new));
}

static json_t *changed(const struct set *old, const struct set *made)
{
	json_t *list = json_array();
	size_t i = 0, j = 0, n = old ? old->n_current : 0;

	while (i < n || j < made->n_current) {
		const struct set_item *a = i < n ? &old->items[i] : NULL;
		const struct set_item *b = j < made->n_current ? &made->items[j] : NULL;
		int order = !a ? 1 : !b ? -1 : set_item_cmp(a, b);

		if (order < 0)
			json_array_append_new(list, report_change(a->path, a, NULL));
		else if (order > 0)
			json_array_append_new(list, report_change(b->path, NULL, b));
		else if (sha256_cmp(&a->digest, &b->digest) != 0)
			json_array_append_new(list, report_change(b->path, a, b));
		i += order <= 0;
		j += order >= 0;
	}
	return list;
}

static bool has_digest(const struct set *set, const struct sha256 *digest)
{
	for (size_t i = 0; set && i < set->n_digests; i++)
		if (sha256_cmp(&set->digests[i], digest) == 0)
			return true;
	return false;
}

/* The dated digests that did not match before. */
static json_t *expected(const struct set *old, const struct set *made)
{
	json_t *list = json_array();

	for (size_t i = made->n_current; i < made->n; i++)
		if (!has_digest(old, &made->items[i].digest))
			json_array_append_new(list,
					      json_pack("{s:s, s:o}", "path", made->items[i].path,
							"sha256", digest_or_null(&made->items[i])));
	return list;
}

json_t *report_set_changes(const struct set *old, const struct set *made)
{
	return json_pack("{s:s, s:o, s:o}", "set", made->name, "changed", changed(old, made),
			 "expected", expected(old, made));
}
