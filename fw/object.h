/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects: files that are or were mapped executable, by identity, with their digests. Files are
 * opened, checked and hashed by threads beside the loop; one hash per object however many ask.
 *
 * A file may block whoever opens or reads it. A thread that is at one file for long is replaced, up
 * to a bound; an object that stands still counts as failed until its thread comes back.
 */
#ifndef FW_OBJECT_H
#define FW_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <uthash.h>

#include "common/hex.h"
#include "common/probe_abi.h"
#include "loop.h"
#include "object_pool.h"
#include "place.h"
#include "stats.h"

struct objects;

enum object_state {
	OBJECT_PENDING,
	OBJECT_READY,
	OBJECT_FAILED, /* error says why */
};

#define OBJECT_PLACES 4

struct object {
	struct object_key key;
	enum object_state state;
	int error;	      /* -errno of a failed hash; -ETIMEDOUT: it stands still */
	struct sha256 digest; /* when ready */
	struct verity verity; /* when ready: as the file was hashed, if it has any */
	char *path; /* when ready: as first opened, for display and the aggregate's order */
	/* private to object.c */
	struct object_job *job;		    /* under way; NULL: none */
	unsigned int n_stuck;		    /* others, that have been given up */
	struct place places[OBJECT_PLACES]; /* to be tried when the job fails */
	size_t n_places;
	uint32_t tried_pid; /* whose place was tried last */
	bool wanted;	    /* not only by a look ahead */
	uint64_t failed_ns;
	UT_hash_handle hh;
};

/* `settled` is called on the loop after objects have left OBJECT_PENDING. `by` and `measure` are
 * asked by the threads. NULL with errno. */
struct objects *objects_new(struct loop *loop, struct stats *stats, const struct identify *by,
			    measure_fn *measure, void (*settled)(void *cookie), void *cookie);

/* Waits for the threads, at most OBJECT_STALL_NS. False: one is stuck in a call of `by`. NULL is
 * fine. */
bool objects_free(struct objects *o);

#define OBJECT_RETRY_NS 1000000000ull
#define OBJECT_STALL_NS 1500000000ull /* without a byte for so long, an object has failed */
#define OBJECT_WORKERS	16	      /* threads at most, those that are stuck included */
#define OBJECT_REMOTE_WORKERS \
	8 /* of them, at files of OBJECT_REMOTE: all others go on while these stand still */

/* NULL when the object is not known, or failed to be hashed more than OBJECT_RETRY_NS ago. */
struct object *objects_find(struct objects *o, const struct object_key *key);

/*
 * The object of that key; if it is new, it is looked for in that place; if it was not found, only
 * where another process has it, or one has mapped it since (`ahead`); if it is being looked for,
 * there too. Takes place->path. `ahead`: nobody waits for it, and that it is not
 * there is no failure. NULL when memory is short or the queue is full.
 */
struct object *objects_add(struct objects *o, const struct object_key *key, struct place *place,
			   bool ahead);

/* Why it has no digest, for people. */
const char *object_error(const struct object *obj);

size_t objects_count(const struct objects *o);

#endif
