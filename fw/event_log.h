/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The latest events as text, for whoever follows them: each reader keeps the number of the last
 * event that he has seen, and one who is slow loses events and costs nobody anything. Any thread.
 */
#ifndef FW_EVENT_LOG_H
#define FW_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_LOG_EVENTS 512	    /* at most */
#define EVENT_LOG_BYTES	 (4u << 20) /* of text, at most */

struct event_log;

/* For at most `events` of them, with `bytes` of text. NULL with errno. */
struct event_log *event_log_new(size_t events, size_t bytes);
void event_log_free(struct event_log *l); /* nobody may be waiting; NULL is fine */

/* The number that the next event gets: the first is 1. */
uint64_t event_log_next(struct event_log *l);

/* Adds an event, the oldest ones go for it: its JSON and its line, both copied. One thread alone
 * may add. False: it is too large, or memory is short. */
bool event_log_add(struct event_log *l, const char *json, const char *line);

/* One event as text: free both. */
struct event_text {
	uint64_t seq;
	char *json, *line;
};

/*
 * The oldest event after number `after`, as copies. 1; 0 when there is none (yet); -ENOMEM. An
 * `after` that was never given stands for 0. What the reader has missed is seen by out->seq.
 */
int event_log_get(struct event_log *l, uint64_t after, struct event_text *out);
void event_text_free(struct event_text *t);

/* Waits until there is an event after number `after`, or event_log_close(); whether there is. */
bool event_log_wait(struct event_log *l, uint64_t after);

/* From now on nobody waits. */
void event_log_close(struct event_log *l);
bool event_log_is_closed(struct event_log *l);

#endif
