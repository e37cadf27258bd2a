/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded ring of events between two threads: one puts, one takes, and neither waits for the
 * other.
 */
#ifndef FW_EVENT_RING_H
#define FW_EVENT_RING_H

#include <stddef.h>

#include "event.h"

struct event_ring;

struct event_ring *event_ring_new(size_t n); /* n: a power of two. NULL with errno */
void event_ring_free(struct event_ring *r);  /* NULL is fine */

/* Who puts. Where the next event is to be written; NULL: the ring is full. Once written it is kept,
 * until it is put: only then is it there for the other thread. Events are put in the order in which
 * they were kept. */
struct event *event_ring_room(struct event_ring *r);
void event_ring_keep(struct event_ring *r);
struct event *event_ring_kept(struct event_ring *r); /* the next to be put; NULL: there is none */
void event_ring_put(struct event_ring *r);

/* Who takes. The oldest event, valid until event_ring_drop(); NULL: there is none. */
struct event *event_ring_first(struct event_ring *r);
void event_ring_drop(struct event_ring *r);

#endif
