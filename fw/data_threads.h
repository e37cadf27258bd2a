/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that serve the queues: one for each queue of the widest range, the first of them the
 * one that runs main's loop. They share a lock: what packets touch belongs to whoever has it, and
 * it is given back for each call that carries packets, into the daemon or on their way. So what
 * takes most of the time is done at once on several processors, and nothing else need know of
 * threads.
 */
#ifndef FW_DATA_THREADS_H
#define FW_DATA_THREADS_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"
#include "mailbox.h"

#define DATA_THREADS_MAX 64

struct data_threads;

/* n (1 to DATA_THREADS_MAX) of them, none of which runs yet; the first has that loop with that
 * mailbox, which outlive them. NULL with errno. */
struct data_threads *data_threads_new(struct loop *loop, struct mailbox *mailbox, size_t n);

/* The loop of the i-th, for queues to be opened on. */
struct loop *data_threads_loop(struct data_threads *t, size_t i);

/* Starts all but the first, which the caller is; pinned: each is kept on a processor of its own, as
 * far as there are so many. One that cannot go on ends the process. 0 or -errno: some may run, for
 * data_threads_stop. */
int data_threads_start(struct data_threads *t, bool pinned);

/* Calls fn(cookie, its loop) in each, one after the other, and waits for it. Before the start the
 * caller is all of them, after it none. */
void data_threads_each(struct data_threads *t, void (*fn)(void *cookie, struct loop *loop),
		       void *cookie);

/* Ends all but the first, whose loop runs no more, or never did. From then on there is no lock. */
void data_threads_stop(struct data_threads *t);
void data_threads_free(struct data_threads *t); /* NULL is fine; after all that uses the loops */

#endif
