/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that open, check and hash files beside the loop. One that is at one file for long is
 * replaced, up to a bound (OBJECT_WORKERS); what stands still is given up, and still comes back.
 */
#ifndef FW_OBJECT_POOL_H
#define FW_OBJECT_POOL_H

#include <stdbool.h>

#include "common/hex.h"
#include "common/probe_abi.h"
#include "place.h"
#include "verity.h"

struct object;

/* verity_measure, or what stands for it in a test. */
typedef int measure_fn(int fd, struct verity *out);

/*
 * One file, to be looked for in one place. Owned by the queue that it is in, or by the thread that
 * is at it, until object_pool_done() gives it back.
 */
struct object_job {
	struct object_key key;
	struct place place; /* its path is freed with it */
	int fd;
	int error;
	char *path;
	struct sha256 digest;
	struct verity verity; /* size 0: the file has none */
	bool recalled;	      /* by its verity digest: it was not hashed */
	uint64_t ticks;
	uint64_t moved_ns;     /* when it last got on: atomic */
	struct object *object; /* its owner's */
	bool stalled;	       /* its owner's: it has been given up */
	struct object_job *next, *given_up;
};

struct object_pool;

/* `by` and `measure` are asked by the threads. NULL with errno. */
struct object_pool *object_pool_new(const struct identify *by, measure_fn *measure);

/* Ends the threads and frees the pool, as soon as none is stuck; waits at most OBJECT_STALL_NS.
 * False: one is stuck in a call of `by`. */
bool object_pool_stop(struct object_pool *pool);

/* Readable when object_pool_done() has something. */
int object_pool_fd(const struct object_pool *pool);

/* Takes over a job that has key, place and object, the rest zeros. False: there is no room. */
bool object_pool_push(struct object_pool *pool, struct object_job *job);

/* All that are done, linked by next; to be freed. NULL: none. */
struct object_job *object_pool_done(struct object_pool *pool);
void object_job_free(struct object_job *job); /* NULL is fine */

/* To be called a few times a second while there are jobs: replaces threads that are slow, and
 * returns the jobs that stand still, linked by given_up. They stay with the pool, and stay valid
 * until object_pool_done() has given them back. */
struct object_job *object_pool_check(struct object_pool *pool);

#endif
