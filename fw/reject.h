/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells senders that their packets were refused, by raw sockets of the namespace that it was opened
 * in. What it sends goes through that namespace's OUTPUT, and to a local sender through its INPUT:
 * queued there, it is known again.
 */
#ifndef FW_REJECT_H
#define FW_REJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define REJECT_ICMP_PER_SECOND 1000 /* RFC 4443 section 2.4 f: ICMP errors are to be limited */

struct reject;

int reject_open(struct reject **out); /* 0 or -errno */
void reject_close(struct reject *r);  /* NULL is fine */

/* Tells the sender of `p`, of which head must still be there. False: he could not be told. */
bool reject_tell(struct reject *r, const struct queue_packet *p);

/* CLOCK_MONOTONIC, ns: until when no sender is told by ICMP any more, as too many were of late; 0:
 * they are told. TCP's are always told. */
uint64_t reject_silent_until(const struct reject *r);

/* Whether it is one that reject_tell() has sent. It is so twice at most: going out, and coming in.
 */
bool reject_is_own(struct reject *r, const struct packet *p);

#endif
