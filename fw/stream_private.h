/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fw/stream.c (a flow), fw/stream_way.c (what goes its ways) and fw/stream_table.c (all flows)
 * share. */
#ifndef FW_STREAM_PRIVATE_H
#define FW_STREAM_PRIVATE_H

#include "stream.h"
#include "stream_window.h"

/* Ends in an order of their own: [0] is the lesser. All bytes count: there is no padding. */
struct stream_key {
	uint64_t netns;
	uint8_t addr[2][16];
	uint16_t port[2];
	uint32_t family;
};
_Static_assert(sizeof(struct stream_key) == 48, "no padding");

/* A way that has had data or a FIN. Offsets count from `start`. */
struct stream_flow_way {
	struct stream_window window;
	uint64_t limit; /* as far as bytes are handed on: the depth, or where it was finished */
	uint64_t acked; /* by the receiver */
	uint64_t seen;	/* where the furthest segment ended */
	uint64_t fin;	/* where it ends, if has_fin */
	bool has_fin, fin_acked;
};

/* By what is evicted first. */
enum stream_class { CLASS_CLOSED, CLASS_HALF_OPEN, CLASS_LIVE, CLASS_CONDEMNED, CLASSES };

struct stream {
	struct stream *next;	      /* in its bucket */
	struct stream *older, *newer; /* in its class */
	struct streams *table;
	void *user;
	size_t charged;
	uint64_t last_ns, depth;
	struct stream_key key;
	struct stream_flow_way *ways[STREAM_WAYS];
	uint32_t start[STREAM_WAYS]; /* sequence number of offset 0, if started */
	uint32_t pending;	     /* that of a SYN on this flow, which nobody has answered yet */
	uint8_t client;		     /* which end of the key */
	uint8_t class;
	bool started[STREAM_WAYS];
	bool confirmed[STREAM_WAYS]; /* the receiver has acknowledged something */
	bool heard[STREAM_WAYS];     /* a segment was seen */
	bool finished[STREAM_WAYS];  /* by the user */
	uint8_t pending_way;
	bool has_pending, picked_up, reset, condemned;
	bool busy; /* in a call of the user's: what is released waits */
};
_Static_assert(sizeof(struct stream) <= 192, "what a flow without data costs");

#define TCP_FIN 0x01 /* RFC 9293 section 3.1 */
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* One segment on its way. */
struct stream_segment {
	const uint8_t *data;
	uint32_t n, seq, ack;
	uint8_t flags;
	enum stream_way way;
	uint64_t now_ns;
};

struct stream_list {
	struct stream *oldest, *newest;
};

struct streams {
	struct stream_limits limits;
	struct stream_ops ops;
	void *cookie;
	uint64_t seed[2];
	struct stream **buckets;
	size_t n_buckets; /* a power of two */
	size_t window;	  /* limits.window as a power of two */
	size_t count, memory;
	struct stream_list classes[CLASSES];
	uint64_t stats[STREAM_STATS], results[STREAM_RESULTS];
};

/* The end of the key that p comes from. */
uint8_t stream_key_of(uint64_t netns, const struct packet *p, struct stream_key *out);

struct stream *stream_find(const struct streams *t, const struct stream_key *key);
/* NULL: no room. */
struct stream *stream_begin(struct streams *t, const struct stream_key *key, uint64_t now_ns);
void stream_end(struct stream *s);

/* It has had a segment: it is the newest of its class. */
void stream_touch(struct stream *s, uint64_t now_ns);

/* Evicts flows other than `keep`, until there is room for so many bytes more. */
bool stream_make_room(struct streams *t, const struct stream *keep, size_t bytes);

/* NULL: no room. */
struct stream_flow_way *stream_make_way(struct stream *s, enum stream_way way);

/* A segment of the flow: acknowledgements, bytes, FIN, RST; of a SYN, what it carries. */
enum stream_result stream_take(struct stream *s, const struct stream_segment *g);

/* Nothing was seen of one side: what it acknowledges cannot be known. */
bool stream_one_sided(const struct stream *s);

void stream_release(struct stream *s, struct stream_window *w);

#endif
