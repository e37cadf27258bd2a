/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A named set of digests, which rules match by its name (--set). Immutable once built: a change of
 * it makes another. Pure: what time it is, is passed in.
 *
 * An item is current, or dated: a digest that was current before a refresh, or that is expected of
 * a package about to be installed. Both kinds match. A dated one leaves with set_expire(); one
 * whose digest is current as well is not kept.
 */
#ifndef FW_SET_H
#define FW_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hex.h"
#include "common/set_words.h"
#include "objset.h"

#define SET_MEMBERS_MAX 1024 /* current items */
#define SET_ITEMS_MAX	2048 /* dated ones too */

struct set_item {
	const char *package; /* that brought the file; "": it was named by itself */
	const char *root;    /* the directory the package is installed in; "": / */
	const char *path;    /* where the file was, with the root: to show, and to look again */
	struct sha256 digest;
	uint64_t until_ns; /* CLOCK_MONOTONIC; 0: current */
};

struct set {
	unsigned int refs;
	char name[SET_NAME_MAX + 1];
	size_t n_current, n; /* of items: the current ones first, each part in order */
	struct set_item *items;
	size_t n_digests;
	struct sha256 *digests; /* ascending, no duplicates */
};

/*
 * All that make a set copy what they are given and leave it in *out with one reference; *out is
 * untouched on failure. 0; -ENODATA for one without current items, -E2BIG past SET_MEMBERS_MAX or
 * SET_ITEMS_MAX, -EEXIST for one file with two current digests, -ENOMEM.
 */
int set_new(const char *name, const struct set_item *items, size_t n, struct set **out);

/*
 * `old` with the items too, dated ones or current ones. Also -EALREADY when nothing would change,
 * and -EEXIST for a file that is in `old` with another digest.
 */
int set_add(const struct set *old, const struct set_item *items, size_t n, struct set **out);

/*
 * The items instead of those of `old`, which stay as dated ones until `until_ns` (0: they do not
 * stay). Also -EALREADY when all digests are what they were, and -ESTALE when the items are not of
 * the files and packages that `old` is made of.
 */
int set_refresh(const struct set *old, const struct set_item *items, size_t n, uint64_t until_ns,
		struct set **out);

/* Without the items whose time is over at now_ns. Also -EALREADY. */
int set_expire(const struct set *old, uint64_t now_ns, struct set **out);

/* When the next of its items leaves; 0: none will. */
uint64_t set_next_expiry(const struct set *s);

struct set *set_ref(struct set *s);
void set_unref(struct set *s); /* NULL is fine */

/* The digest of an object of the process that is in the set; NULL: none is. */
const struct sha256 *set_met(const struct set *s, const struct objset *objects);

/* The order of items by package, root and path: what strcmp(3) returns. */
int set_item_cmp(const struct set_item *a, const struct set_item *b);

/* A copy with texts of its own, for set_item_free(). 0 or -ENOMEM. */
int set_item_copy(const struct set_item *from, struct set_item *to);
void set_item_free(struct set_item *item);

#endif
