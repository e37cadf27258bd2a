/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one queue owes the kernel: the ids that are judged and not yet told, the ids that are held,
 * and the fewest netlink messages that tell the first without touching the second. Pure.
 *
 * The kernel numbers a queue's packets upwards and hands them out in that order (nfnetlink_queue.c
 * does both under one lock), so whoever has read and judged id N knows every id before N. Ids wrap
 * at 2^32 and are compared as serial numbers (RFC 1982).
 */
#ifndef FW_VERDICTS_H
#define FW_VERDICTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chain.h"

struct verdicts;

/* What becomes of a packet. */
struct ruling {
	enum verdict verdict;
	uint32_t mark; /* VERDICT_MARK: the packet's from now on; else 0 */
};

struct verdict_message {
	bool batch; /* for every queued packet up to id; else for id alone */
	uint32_t id;
	uint32_t n; /* judged packets that it settles */
	struct ruling ruling;
};

/* For at most `capacity` ids, judged and held together. NULL with errno ENOMEM. */
struct verdicts *verdicts_new(size_t capacity);
void verdicts_free(struct verdicts *v); /* NULL is fine */

size_t verdicts_room(const struct verdicts *v); /* ids that still fit */
size_t verdicts_due(const struct verdicts *v);	/* ids that are judged */

/* Each packet read goes to one of these, once, in any order; there must be room. */
void verdicts_judge(struct verdicts *v, uint32_t id, struct ruling ruling);
void verdicts_hold(struct verdicts *v, uint32_t id);

/* A held id is judged. false, and nothing done, when it is not held. */
bool verdicts_release(struct verdicts *v, uint32_t id, struct ruling ruling);

/* The smallest id that is held; false when none is. */
bool verdicts_first_held(const struct verdicts *v, uint32_t *id);

/*
 * The messages for the judged ids from the smallest on, to be sent in this order: at most max, none
 * for more than batch_count packets. A batch covers two or more packets judged alike, and is
 * planned only up to ids smaller than any that is held. Returns how many were written; the plan
 * changes nothing until verdicts_sent() takes the ids of the messages that reached the kernel.
 * Between the two, ids may be released: none that was held can lie within a batch.
 */
size_t verdicts_plan(const struct verdicts *v, unsigned int batch_count,
		     struct verdict_message *out, size_t max);
void verdicts_sent(struct verdicts *v, const struct verdict_message *sent, size_t n);

#endif
