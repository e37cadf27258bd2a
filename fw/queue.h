/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One NFQUEUE: receives packets in bursts, hands each to a judge, returns verdicts in batches.
 * Sources: linux/netfilter/nfnetlink_queue.h, net/netfilter/nfnetlink_queue.c.
 *
 * Invariants: every packet read gets exactly one verdict; a batch verdict covers only ids already
 * judged alike, and none is sent while a packet with a smaller id is held.
 */
#ifndef FW_QUEUE_H
#define FW_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/chain.h"
#include "loop.h"
#include "packet.h"
#include "stats.h"
#include "verdicts.h"

struct queue;

struct queue_options {
	uint16_t number;
	enum chain chain;
	unsigned int batch_count; /* most packets under one batch verdict, >= 1 */
	uint64_t batch_wait_ns;	  /* longest a judged packet may wait while more keep coming; 0: end
				     of its burst */
	uint32_t copy_bytes;	  /* how much of each packet to copy */
	uint32_t max_length;	  /* packets the kernel queues at most */
};

/* What the kernel says of a packet besides its bytes. */
struct queue_packet {
	uint32_t id;
	uint8_t hook;			  /* NF_INET_* */
	uint32_t in_ifindex, out_ifindex; /* 0: none */
	uint32_t mark;
	bool unverified; /* nobody has looked at its checksum yet (NFQA_SKB_CSUM_NOTVERIFIED) */
	bool asks_uid;	 /* the kernel was asked to tell, as it was queued, whether: */
	bool has_uid;	 /* the packet belongs to a full socket with an open file (NFQA_UID) */
	uint32_t uid, gid;
	struct packet packet;
	const uint8_t *head; /* the bytes that were copied, from the IP header on */
	uint32_t head_len;
	uint64_t empty_ns; /* CLOCK_BOOTTIME of a moment at which the queue was empty, before this
			      came; 0: none is known */
	bool all_noted;	   /* those that went out by this queue had a note, each of them so far */
};

/*
 * Judges one packet. Returns 0 and *ruling; or 1 to hold it: the judge then owes queue_release()
 * with its id later, within a bound of its own. `p` is valid during the call only. *ticks:
 * clock_ticks() as the packet's turn came, which the judge moves on as it times what it does.
 */
typedef int (*queue_judge_fn)(void *cookie, struct queue *q, const struct queue_packet *p,
			      uint64_t *ticks, struct ruling *ruling);

/*
 * Called when the packets of one burst have been read and none is judged yet (may be NULL): a place
 * to learn what the kernel did before them, once for all of them.
 */
typedef void (*queue_burst_fn)(void *cookie, struct queue *q);

/*
 * Binds the queue in the current network namespace and adds it to the loop, whose thread alone may
 * use it then; queue_release() and queue_poll() are for every loop that shares its lock.
 * While the queue is in a call to the kernel it has given that lock back. `stats` is under it, and
 * outlives it. 0; -EBUSY when another program has the queue; else -errno. *out untouched on
 * failure.
 */
int queue_open(struct loop *loop, const struct queue_options *options, struct stats *stats,
	       queue_judge_fn judge, queue_burst_fn before, void *cookie, struct queue **out);
void queue_close(struct queue *q); /* sends the verdicts that are due, unbinds; NULL is fine */

/* How much of each packet is copied from now on; of those that are queued already, what was. Not
 * from within the judge. 0 or -errno: it stays as it was. */
int queue_copy(struct queue *q, uint32_t bytes);

/*
 * Whether a packet had a note, which says who opened its socket. The kernel is asked for that too
 * until the first has one, and for good as soon as one has none: it takes a lock for it,
 * and two attributes of each packet. From within the judge.
 */
void queue_noted(struct queue *q, bool noted);

/* The verdict for a packet that was held; nothing is done for an id that is not. */
void queue_release(struct queue *q, uint32_t id, struct ruling ruling);

struct loop *queue_loop(const struct queue *q);
const struct queue_options *queue_options(const struct queue *q);

/*
 * Looks at what the kernel says of this queue (/proc/net/netfilter/nfnetlink_queue): adds what it
 * has dropped since the last call to COUNT_QUEUE_DROPPED and COUNT_QUEUE_USER_DROPPED, and moves
 * queue_judged_ns(). 0; or -errno, and counted as COUNT_QUEUE_UNREAD.
 */
int queue_poll(struct queue *q);

/* Every packet that was queued before that has been judged: CLOCK_BOOTTIME, in ns. As of the last
 * queue_poll() that succeeded; 0 before. */
uint64_t queue_judged_ns(const struct queue *q);

#endif
