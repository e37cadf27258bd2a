/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP streams as their receiver will read them. Pure: no I/O, no clock, one thread.
 *
 * The firewall stands in the way: it sees a segment before the receiver does, and what it drops
 * the receiver never gets. So nothing has to be guessed:
 *  - Bytes are handed on in order, each once. Later ones wait here; their segments may pass, since
 *    the receiver cannot use them before the gap is filled.
 *  - Bytes that were handed on are remembered until the receiver has acknowledged them. If others
 *    come for the same place (a segment that the receiver did not take, for its checksum, its TTL
 *    or its timestamp, looks like any other here), it cannot be known which it reads: the flow is
 *    condemned. So it is if data goes on where a FIN has ended it.
 *  - RST, FIN and SYN do not end an inspection, for they too may be seen here alone. A FIN has its
 *    place in the sequence; after a RST the flow is merely the first to be forgotten; a SYN on a
 *    flow begins another one when the other side has answered it.
 *  - What the receiver acknowledges and was never seen here (the queue failed open) is a gap.
 *  - The first segment that is seen of a flow may be any: its direction begins there.
 *  - An urgent byte (RFC 9293 section 3.8.5) is handed on in line, as with SO_OOBINLINE.
 *  - A keep-alive probe repeats a byte that was acknowledged: it is not looked at.
 *
 * Both directions must be shown, else acknowledgements are missed: then what is past `window` is
 * forgotten, and a SYN begins another flow only after a FIN, a RST or a minute of silence.
 */
#ifndef FW_STREAM_H
#define FW_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

struct streams; /* the table of flows */
struct stream;	/* one flow */

/* Which way bytes go. Who sends a SYN without ACK is the client; of a flow that was picked up in
 * its middle, who has the higher port (of equal ones: who was seen first). */
enum stream_way { STREAM_TO_SERVER, STREAM_TO_CLIENT, STREAM_WAYS };

/* What a segment was; see stream_must_drop(). */
enum stream_result {
	STREAM_ORDINARY,  /* its bytes were handed on, wait here, or came before; or it has none */
	STREAM_BEYOND,	  /* past the depth, or of a way that is finished: not looked at */
	STREAM_URGENT,	  /* handed on in line; the receiver may take a byte out of it */
	STREAM_STALE,	  /* neither acknowledged nor remembered: cannot be compared */
	STREAM_UNTRACKED, /* not a whole TCP segment, or no memory for its flow: not looked at */
	STREAM_OUTSIDE,	  /* no receiver takes it: out of any window, without ACK, SYN with FIN */
	STREAM_FULL,	  /* no room to keep its bytes; its sender will repeat it */
	STREAM_CONFLICT,  /* contradicts what was seen before: the flow is condemned from now on */
	STREAM_CONDEMNED, /* the flow is condemned */
	STREAM_RESULTS,
};

/*
 * Whether letting the segment pass would hand the receiver bytes that are not accounted for. From
 * STREAM_OUTSIDE on: always. STREAM_URGENT, STREAM_STALE and STREAM_UNTRACKED: what cannot be
 * known; by the fail mode, so only if `closed`.
 */
bool stream_must_drop(enum stream_result r, bool closed);

struct stream_limits {
	uint32_t flows;	  /* at least 1 */
	size_t memory;	  /* bytes: of all flows, their buffers, and the table */
	uint64_t depth;	  /* bytes of a way that are handed on; 0: all */
	uint32_t window;  /* bytes of a way that are kept, remembered or waiting; 2^16 to 2^30 */
	uint64_t idle_ns; /* a flow without segments for so long is forgotten */
};

/* 131,072 flows; 256 MiB; 1 MiB deep; windows of 1 MiB; an hour. */
extern const struct stream_limits stream_limits_default;

struct stream_ops {
	/* n > 0 new bytes of a way; the first has this offset in it (0: the first that was seen).
	 * data is valid during the call. May call stream_condemn() and stream_finish(). */
	void (*bytes)(struct stream *s, enum stream_way way, uint64_t offset, const uint8_t *data,
		      size_t n, void *cookie);
	/* n bytes from offset on were never seen, and the receiver has them. */
	void (*gap)(struct stream *s, enum stream_way way, uint64_t offset, uint64_t n,
		    void *cookie);
	/* The flow goes: it ended, was evicted, or its 5-tuple serves another. Frees the user's. */
	void (*gone)(struct stream *s, void *user, void *cookie);
};

/* The seed is random and kept secret, else flows could be chosen to lie in one place of the table.
 * Limits and ops are copied; all ops are needed. NULL with errno: ENOMEM, EINVAL (limits). */
struct streams *streams_new(const struct stream_limits *limits, const uint64_t seed[2],
			    const struct stream_ops *ops, void *cookie);
void streams_free(struct streams *t); /* NULL is fine; calls gone() for each flow */

/* Of flows that begin from now on. */
void streams_set_depth(struct streams *t, uint64_t depth);

/*
 * A segment, before its verdict. netns: any number that tells network namespaces apart. payload:
 * p->payload_length bytes, or NULL if they were not all copied. now_ns: monotonic.
 * *out: the flow, valid until the next call of a streams_ function; NULL if there is none (only a
 * SYN or data begin one; STREAM_UNTRACKED).
 * O(1) but for segments out of order; allocates for a new flow and as windows grow.
 */
enum stream_result streams_segment(struct streams *t, uint64_t netns, const struct packet *p,
				   const uint8_t *payload, uint64_t now_ns, struct stream **out);

/* Forgets up to `most` flows that have been idle. Returns how many. */
size_t streams_expire(struct streams *t, uint64_t now_ns, size_t most);

/* No more data of the flow may reach a receiver: call it when a segment is dropped for its bytes.
 * Buffers are released; nothing is handed on any more. For good, but for a new connection. */
void stream_condemn(struct stream *s);
bool stream_is_condemned(const struct stream *s);

/* No rule can match in this way any more: nothing of it is handed on. What was handed on and is
 * not acknowledged is remembered still. */
void stream_finish(struct stream *s, enum stream_way way);

/* Nothing of the flow is to be looked at any more: of both ways, all that was to be handed on has
 * been, and is acknowledged. The verdict cache may have it. Never true of a condemned flow. */
bool stream_done(const struct stream *s);
bool stream_way_done(const struct stream *s, enum stream_way way);

/* The way that p goes in the flow; p must be of it. */
enum stream_way stream_way_of(const struct stream *s, const struct packet *p);

/* It was not seen from its beginning: daemon started later, or the flow had been evicted. */
bool stream_is_picked_up(const struct stream *s);

/* Both sides have acknowledged the SYN of the other, as far as seen; for `flow:established`. */
bool stream_is_established(const struct stream *s);

/* The engine's own; NULL at first. */
void *stream_user(const struct stream *s);
void stream_set_user(struct stream *s, void *user);

/* Bytes that the user's part takes: they count in limits.memory. A flow may be evicted for it at
 * the next streams_segment(), never in this call. */
void stream_charge(struct stream *s, size_t bytes);

enum stream_stat {
	STREAM_STAT_BEGUN,     /* flows */
	STREAM_STAT_PICKED_UP, /* of these: not from their SYN */
	STREAM_STAT_RESTARTED, /* a SYN on a 5-tuple that was in the table */
	STREAM_STAT_EVICTED,   /* for want of room, closed and half-open ones first, oldest first */
	STREAM_STAT_EXPIRED,   /* idle */
	STREAM_STAT_REFUSED,   /* no room for a flow */
	STREAM_STAT_GAPS,      /* bytes that receivers have and that were not seen: how often */
	STREAM_STAT_REORDERED, /* segments that had to wait */
	STREAM_STAT_REPEATED,  /* segments without a new byte */
	STREAM_STAT_FORGOTTEN, /* times that bytes were forgotten before they were acknowledged */
	STREAM_STATS,
};

uint64_t streams_stat(const struct streams *t, enum stream_stat which);
uint64_t streams_result_count(const struct streams *t, enum stream_result which);
size_t streams_count(const struct streams *t);	/* flows */
size_t streams_memory(const struct streams *t); /* bytes */

#endif
