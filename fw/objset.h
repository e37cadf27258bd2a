/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of objects that a process has mapped executable, as digests. Immutable once built, but
 * for what is remembered with it; shared by reference between processes that map the same set.
 */
#ifndef FW_OBJSET_H
#define FW_OBJSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hex.h"

struct rule_finds;

struct objset {
	unsigned int refs;
	uint64_t number; /* no other set had it, or will; 0: an empty one that objset_new() did not
			    make */
	struct rule_finds *finds; /* what rules look for of it: rule_index.c's, on the data thread;
				     NULL: that is not remembered */
	bool complete; /* every executable file mapping is in here; false: at least one could not be
			  hashed */
	bool anonymous;	    /* there is executable memory without a file */
	bool has_aggregate; /* aggregate is valid: complete, and built with ordering */
	struct sha256
		aggregate;     /* SHA-256 over the digests in the byte order of their real paths */
	bool has_program;      /* these are valid: */
	struct sha256 program; /* the one of them that the process runs */
	char *program_path;    /* for display; owned; may be NULL */
	size_t n;
	struct sha256 digests[]; /* ascending, no duplicates */
};

/* One input to objset_new: path is only for the order of the aggregate. */
struct objset_item {
	struct sha256 digest;
	const char *path;
};

/*
 * Sorts items in place (by path, ties by digest). An object mapped under one path more than once
 * counts once. Returns a set with one reference, or NULL with errno ENOMEM.
 */
struct objset *objset_new(struct objset_item *items, size_t n, bool complete);
struct objset *objset_ref(struct objset *s);
void objset_unref(struct objset *s); /* NULL is fine */

bool objset_has(const struct objset *s, const struct sha256 *digest);

#endif
