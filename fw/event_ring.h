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

/* Where the next event is to be written; NULL: the ring is full. It is there for the other thread
 * after event_ring_put(). */
struct event *event_ring_room(struct event_ring *r);
void event_ring_put(struct event_ring *r);

/* The oldest event, valid until event_ring_drop(); NULL: there is none. */
struct event *event_ring_first(struct event_ring *r);
void event_ring_drop(struct event_ring *r);

#endif
