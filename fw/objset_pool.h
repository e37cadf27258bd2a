/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of objects by what they are made of: processes that run the same program map the same
 * objects, so that what a second one has is mostly there. Pure; of one thread.
 */
#ifndef FW_OBJSET_POOL_H
#define FW_OBJSET_POOL_H

#include "objset.h"

struct objset_pool;

/* All that makes a set what it is. */
struct objset_parts {
	struct objset_item *items; /* as for objset_new(), which may sort them */
	size_t n;
	bool complete, anonymous;
	const struct objset_item *program; /* NULL: not known; its path may be NULL */
};

struct objset_pool *objset_pool_new(void); /* NULL: no memory */

/* NULL is fine. Sets live on by their references. */
void objset_pool_free(struct objset_pool *pool);

/* A reference to a set of these parts, or NULL with errno ENOMEM. Without memory for the name of
 * its program a set has none. */
struct objset *objset_pool_get(struct objset_pool *pool, const struct objset_parts *parts);

#endif
