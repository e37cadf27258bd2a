/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* Its package has root and path behind it, in one piece of memory: see set_item_copy(). */
void set_item_free(struct set_item *item)
{
	free((char *)item->package);
}

struct set *set_ref(struct set *s)
{
	s->refs++;
	return s;
}

void set_unref(struct set *s)
{
	if (!s || --s->refs > 0)
		return;
	for (size_t i = 0; i < s->n; i++)
		set_item_free(&s->items[i]);
	free(s->items);
	free(s->digests);
	free(s);
}

static void cleanup_set(struct set **s)
{
	set_unref(*s);
}

static bool is_current(const struct set_item *i)
{
	return i->until_ns == 0;
}

int set_item_cmp(const struct set_item *a, const struct set_item *b)
{
	int r = strcmp(a->package, b->package);

	r = r ? r : strcmp(a->root, b->root);
	return r ? r : strcmp(a->path, b->path);
}

/* The current ones first; of those that are alike but for their time, the one that stays longest.
 */
static int in_order(const void *x, const void *y)
{
	const struct set_item *a = x, *b = y;
	int r;

	if (is_current(a) != is_current(b))
		return is_current(a) ? -1 : 1;
	r = set_item_cmp(a, b);
	r = r ? r : sha256_cmp(&a->digest, &b->digest);
	return r ? r : (a->until_ns < b->until_ns) - (a->until_ns > b->until_ns);
}

static int digest_cmp(const void *a, const void *b)
{
	return sha256_cmp(a, b);
}

static bool is_among(const struct sha256 *digests, size_t n, const struct sha256 *d)
{
	return n > 0 && bsearch(d, digests, n, sizeof(*digests), digest_cmp);
}

/* Sorts the digests of n items into out, each once, and returns how many they are. */
static size_t collect(const struct set_item *items, size_t n, struct sha256 *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		out[i] = items[i].digest;
	if (n > 0)
		qsort(out, n, sizeof(*out), digest_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || sha256_cmp(&out[kept - 1], &out[i]) != 0)
			out[kept++] = out[i];
	return kept;
}

int set_item_copy(const struct set_item *from, struct set_item *to)
{
	size_t package = strlen(from->package) + 1, root = strlen(from->root) + 1;
	size_t path = strlen(from->path) + 1;
	char *text = malloc(package + root + path);

	if (!text)
		return -ENOMEM;
	*to = *from;
	to->package = memcpy(text, from->package, package);
	to->root = memcpy(text + package, from->root, root);
	to->path = memcpy(text + package + root, from->path, path);
	return 0;
}

/* Keeps of n sorted items what belongs into a set; *n_current and the return value tell how many.
 */
static size_t sift(struct set_item *items, size_t n, struct sha256 *digests, size_t *n_current)
{
	size_t kept = 0, n_digests = 0;

	*n_current = 0;
	for (size_t i = 0; i < n; i++) {
		const struct set_item *last = kept > 0 ? &items[kept - 1] : NULL;

		if (last && is_current(last) == is_current(&items[i]) &&
		    set_item_cmp(last, &items[i]) == 0 &&
		    sha256_cmp(&last->digest, &items[i].digest) == 0)
			continue;
		if (!is_current(&items[i]) && n_digests == 0)
			n_digests = collect(items, *n_current, digests);
		if (!is_current(&items[i]) && is_among(digests, n_digests, &items[i].digest))
			continue;
		*n_current += is_current(&items[i]);
		items[kept++] = items[i];
	}
	return kept;
}

static int check(const struct set_item *items, size_t n, size_t n_current)
{
	if (n_current == 0)
		return -ENODATA;
	if (n_current > SET_MEMBERS_MAX || n > SET_ITEMS_MAX)
		return -E2BIG;
	for (size_t i = 1; i < n_current; i++)
		if (set_item_cmp(&items[i - 1], &items[i]) == 0)
			return -EEXIST;
	return 0;
}

/* The items are the caller's to spoil. */
static int build(const char *name, struct set_item *items, size_t n, struct set **out)
{
	_cleanup_(cleanup_set) struct set *s = calloc(1, sizeof(*s));
	size_t kept;
	int r;

	if (!s)
		return -ENOMEM;
	s->refs = 1;
	strncpy(s->name, name, SET_NAME_MAX);
	s->digests = calloc(n + 1, sizeof(*s->digests));
	s->items = calloc(n + 1, sizeof(*s->items));
	if (!s->digests || !s->items)
		return -ENOMEM;
	if (n > 0)
		qsort(items, n, sizeof(*items), in_order);
	kept = sift(items, n, s->digests, &s->n_current);
	r = check(items, kept, s->n_current);
	for (; !r && s->n < kept; s->n += !r)
		r = set_item_copy(&items[s->n], &s->items[s->n]);
	if (r)
		return r;
	s->n_digests = collect(s->items, s->n, s->digests);
	*out = TAKE_PTR(s);
	return 0;
}

/* Items to be put together, some with another date. */
struct part {
	const struct set_item *items;
	size_t n;
	bool redated;
	uint64_t until_ns;
};

static int build_of(const char *name, const struct part *parts, size_t n_parts, struct set **out)
{
	_cleanup_free_ struct set_item *items = NULL;
	size_t n = 0;

	for (size_t p = 0; p < n_parts; p++)
		n += parts[p].n;
	items = calloc(n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	n = 0;
	for (size_t p = 0; p < n_parts; p++)
		for (size_t i = 0; i < parts[p].n; i++, n++) {
			items[n] = parts[p].items[i];
			if (parts[p].redated)
				items[n].until_ns = parts[p].until_ns;
		}
	return build(name, items, n, out);
}

int set_new(const char *name, const struct set_item *items, size_t n, struct set **out)
{
	const struct part all = {.items = items, .n = n};

	return build_of(name, &all, 1, out);
}

static bool are_equal(const struct set *a, const struct set *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_order(&a->items[i], &b->items[i]) != 0)
			return false;
	return true;
}

/* Hands `made` over as another set than `old`, or drops it. */
static int settle(const struct set *old, struct set *made, struct set **out)
{
	if (old->n == made->n && old->n_current == made->n_current &&
	    are_equal(old, made, old->n)) {
		set_unref(made);
		return -EALREADY;
	}
	*out = made;
	return 0;
}

int set_add(const struct set *old, const struct set_item *items, size_t n, struct set **out)
{
	const struct part parts[] = {{.items = old->items, .n = old->n}, {.items = items, .n = n}};
	struct set *made;
	int r = build_of(old->name, parts, 2, &made);

	return r ? r : settle(old, made, out);
}

/* Whether one of n items is of the source that `of` is of: the same package, or the same file. */
static bool has_source(const struct set_item *items, size_t n, const struct set_item *of)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].package, of->package) == 0 &&
		    strcmp(items[i].root, of->root) == 0 &&
		    (*of->package || strcmp(items[i].path, of->path) == 0))
			return true;
	return false;
}

static bool has_sources(const struct set_item *items, size_t n, const struct set_item *of,
			size_t n_of)
{
	for (size_t i = 0; i < n_of; i++)
		if (!has_source(items, n, &of[i]))
			return false;
	return true;
}

int set_refresh(const struct set *old, const struct set_item *items, size_t n, uint64_t until_ns,
		struct set **out)
{
	const struct part parts[] = {
		{.items = items, .n = n},
		{.items = old->items + old->n_current, .n = old->n - old->n_current},
		{.items = old->items,
		 .n = until_ns ? old->n_current : 0,
		 .redated = true,
		 .until_ns = until_ns},
	};
	struct set *made;
	int r;

	if (n > SET_MEMBERS_MAX)
		return -E2BIG;
	if (!has_sources(items, n, old->items, old->n_current) ||
	    !has_sources(old->items, old->n_current, items, n))
		return -ESTALE;
	r = build_of(old->name, parts, 3, &made);
	return r ? r : settle(old, made, out);
}

int set_expire(const struct set *old, uint64_t now_ns, struct set **out)
{
	_cleanup_free_ struct set_item *items = calloc(old->n, sizeof(*items));
	struct set *made;
	size_t n = 0;
	int r;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < old->n; i++)
		if (is_current(&old->items[i]) || old->items[i].until_ns > now_ns)
			items[n++] = old->items[i];
	if (n == old->n)
		return -EALREADY;
	r = build(old->name, items, n, &made);
	return r ? r : settle(old, made, out);
}

uint64_t set_next_expiry(const struct set *s)
{
	uint64_t next = 0;

	for (size_t i = s->n_current; i < s->n; i++)
		if (next == 0 || s->items[i].until_ns < next)
			next = s->items[i].until_ns;
	return next;
}

const struct sha256 *set_met(const struct set *s, const struct objset *objects)
{
	for (size_t i = 0; i < objects->n; i++)
		if (is_among(s->digests, s->n_digests, &objects->digests[i]))
			return &objects->digests[i];
	return NULL;
}
