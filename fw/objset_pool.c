/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "objset_pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/probe_abi.h"

#define PLACES	256  /* a power of two */
#define KEY_MAX 4096 /* bytes: sets of more and longer names are made anew each time */

/* The parts as bytes, one after the other: alike to the last one where the sets are. */
struct key {
	size_t n;
	char bytes[KEY_MAX + sizeof(uint64_t)]; /* 0 after the last */
};

struct place {
	struct objset *set; /* NULL: the place is free */
	size_t n;
	char *key;
};

struct objset_pool {
	struct key asked; /* too large for a stack */
	struct place places[PLACES];
};

struct objset_pool *objset_pool_new(void)
{
	return calloc(1, sizeof(struct objset_pool));
}

static void clear(struct place *p)
{
	objset_unref(p->set);
	free(p->key);
	*p = (struct place){0};
}

void objset_pool_free(struct objset_pool *pool)
{
	for (size_t i = 0; pool && i < PLACES; i++)
		clear(&pool->places[i]);
	free(pool);
}

static bool add(struct key *k, const void *bytes, size_t n)
{
	if (n > KEY_MAX - k->n)
		return false;
	memcpy(k->bytes + k->n, bytes, n);
	k->n += n;
	return true;
}

static bool add_item(struct key *k, const struct objset_item *item)
{
	const char *path = item->path ? item->path : "";

	return add(k, &item->digest, sizeof(item->digest)) && add(k, path, strlen(path) + 1);
}

/* False: it is too long. */
static bool make_key(struct key *k, const struct objset_parts *parts)
{
	const char kinds[] = {parts->complete, parts->anonymous, parts->program != NULL,
			      parts->program && parts->program->path};

	k->n = 0;
	if (!add(k, kinds, sizeof(kinds)) || (parts->program && !add_item(k, parts->program)))
		return false;
	for (size_t i = 0; i < parts->n; i++)
		if (!add_item(k, &parts->items[i]))
			return false;
	memset(k->bytes + k->n, 0, sizeof(uint64_t));
	return true;
}

static struct place *place_of(struct objset_pool *pool, const struct key *k)
{
	uint64_t h = 0, word;

	for (size_t i = 0; i < k->n; i += sizeof(word)) {
		memcpy(&word, k->bytes + i, sizeof(word));
		h = abi_mix(h, word);
	}
	return &pool->places[(h ^ h >> 32) % PLACES];
}

static struct objset *make(const struct objset_parts *parts)
{
	struct objset *set = objset_new(parts->items, parts->n, parts->complete);

	if (!set)
		return NULL;
	set->anonymous = parts->anonymous;
	if (!parts->program)
		return set;
	set->has_program = true;
	set->program = parts->program->digest;
	set->program_path = parts->program->path ? strdup(parts->program->path) : NULL;
	return set;
}

/* Without memory it is not kept. */
static void keep(struct place *p, const struct key *k, struct objset *set)
{
	clear(p);
	p->key = malloc(k->n);
	if (!p->key)
		return;
	memcpy(p->key, k->bytes, k->n);
	p->n = k->n;
	p->set = objset_ref(set);
}

struct objset *objset_pool_get(struct objset_pool *pool, const struct objset_parts *parts)
{
	struct key *k = &pool->asked;
	struct objset *set;
	struct place *p;

	if (!make_key(k, parts))
		return make(parts);
	p = place_of(pool, k);
	if (p->set && p->n == k->n && memcmp(p->key, k->bytes, k->n) == 0)
		return objset_ref(p->set);
	set = make(parts);
	if (set)
		keep(p, k, set);
	return set;
}
