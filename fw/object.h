/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects: files that are or were mapped executable, by identity, with their digests. Hashing runs
 * on a small pool of threads beside the loop; one hash per object however many ask.
 */
#ifndef FW_OBJECT_H
#define FW_OBJECT_H

#include <stddef.h>
#include <uthash.h>

#include "common/hex.h"
#include "common/probe_abi.h"
#include "loop.h"
#include "stats.h"

struct objects;

enum object_state {
	OBJECT_PENDING,
	OBJECT_READY,
	OBJECT_FAILED, /* error says why */
};

struct object {
	struct object_key key;
	enum object_state state;
	int error;	      /* -errno of a failed hash */
	struct sha256 digest; /* when ready */
	char *path;	      /* as first seen: for display and the aggregate's order */
	/* private to object.c */
	int fd;
	uint64_t failed_ns;
	uint64_t ticks;
	struct object *next;
	UT_hash_handle hh;
};

/* `settled` is called on the loop after objects have left OBJECT_PENDING. NULL with errno. */
struct objects *objects_new(struct loop *loop, struct stats *stats, void (*settled)(void *cookie),
			    void *cookie);
void objects_free(struct objects *o); /* waits for the threads; NULL is fine */

#define OBJECT_RETRY_NS 1000000000ull

/* NULL when the object is not known, or failed to be hashed more than OBJECT_RETRY_NS ago. */
struct object *objects_find(struct objects *o, const struct object_key *key);

/*
 * The object of that key; hashing starts if it is new. Takes fd in any case. path is copied.
 * NULL when memory is short or the pool's queue is full.
 */
struct object *objects_add(struct objects *o, const struct object_key *key, int fd,
			   const char *path);

size_t objects_count(const struct objects *o);

#endif
