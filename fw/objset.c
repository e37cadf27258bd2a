/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/cleanup.h"
#include "objset.h"
#include "rule_finds.h"

static int item_cmp(const void *a, const void *b)
{
	const struct objset_item *x = a, *y = b;
	int by_path = strcmp(x->path, y->path);

	return by_path ? by_path : sha256_cmp(&x->digest, &y->digest);
}

static int digest_cmp(const void *a, const void *b)
{
	return sha256_cmp(a, b);
}

/* The digests of the sorted items, in their order; one path twice with one digest counts once. */
static void take_digests(struct objset *s, const struct objset_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (i == 0 || item_cmp(&items[i - 1], &items[i]) != 0)
			s->digests[s->n++] = items[i].digest;
}

/* While the digests still lie in the order of their paths. */
static int aggregate(struct objset *s)
{
#ifndef DISABLE_ORDERING
	if (!s->complete)
		return 0;
	if (!EVP_Digest(s->digests, s->n * SHA256_LEN, s->aggregate.b, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	s->has_aggregate = true;
#else
	(void)s;
#endif
	return 0;
}

static void sort_digests(struct objset *s)
{
	size_t kept = 0;

	qsort(s->digests, s->n, sizeof(s->digests[0]), digest_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (i == 0 || sha256_cmp(&s->digests[kept - 1], &s->digests[i]) != 0)
			s->digests[kept++] = s->digests[i];
	s->n = kept;
}

struct objset *objset_ref(struct objset *s)
{
	s->refs++;
	return s;
}

void objset_unref(struct objset *s)
{
	if (!s || --s->refs > 0)
		return;
	rule_finds_free(s->finds);
	free(s->program_path);
	free(s);
}

static void cleanup_objset(struct objset **s)
{
	objset_unref(*s);
}

static uint64_t last_number;

struct objset *objset_new(struct objset_item *items, size_t n, bool complete)
{
	_cleanup_(cleanup_objset) struct objset *s =
		calloc(1, sizeof(*s) + n * sizeof(s->digests[0]));

	if (!s)
		return NULL;
	s->refs = 1;
	s->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	s->complete = complete;
	s->finds = rule_finds_new();
	if (!s->finds)
		return NULL;
	if (n > 0)
		qsort(items, n, sizeof(items[0]), item_cmp);
	take_digests(s, items, n);
	if (aggregate(s)) {
		errno = ENOMEM;
		return NULL;
	}
	sort_digests(s);
	return TAKE_PTR(s);
}

bool objset_has(const struct objset *s, const struct sha256 *digest)
{
	return bsearch(digest, s->digests, s->n, sizeof(s->digests[0]), digest_cmp) != NULL;
}
