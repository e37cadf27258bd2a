/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events on their way out: the data thread puts a record of a fixed size into a ring and goes on; a
 * thread of its own adds what the processes say of themselves, makes text of it, logs a line, and
 * hands both to an event_log, which others follow.
 *
 * At most EVENTS_STOPPED a second tell of packets that were stopped, or would have been, and at
 * most EVENTS_MARKED of marked ones. What is past that, or finds the ring full, is counted, and the
 * count is an event within a second.
 *
 * An event, and all after it, waits until the programs of its holders are hashed.
 */
#ifndef FW_EVENTS_H
#define FW_EVENTS_H

#include "event_log.h"
#include "event_make.h"
#include "probe.h"

#define EVENTS_STOPPED 100
#define EVENTS_MARKED  20
#define EVENTS_RING    256

struct events;

/* All arguments outlive it. `lines`: each event is a line of log_line() too. 0 or -errno. */
int events_new(const struct probe *probe, struct processes *processes, struct objects *objects,
	       struct event_log *log, bool lines, struct events **out);
void events_free(struct events *e); /* what is in the ring is told; NULL is fine */

/* On the data thread. */
void events_tell(struct events *e, const struct event_about *about);

/* The same: objects have been hashed, which events may have waited for. */
void events_settle(struct events *e);

/* How many events were left out. Any thread. */
uint64_t events_left_out(const struct events *e);

#endif
