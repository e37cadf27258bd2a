/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends that talk TCP past a table of streams, and what the table hands on of it. */
#ifndef TESTS_TCP_TALK_H
#define TESTS_TCP_TALK_H

#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/stream.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10
#define URG 0x20

#define TALK_MAX (1 << 21)

struct heard {
	uint8_t *bytes; /* TALK_MAX of them */
	uint64_t n;	/* and where the next one is due */
	uint64_t gaps;	/* bytes */
	bool in_order;
};

struct talk {
	struct streams *t;
	struct heard heard[STREAM_WAYS];
	uint64_t now;
	uint32_t isn[STREAM_WAYS];
	uint16_t client_port;
	uint8_t family;
	uint8_t host[STREAM_WAYS]; /* last byte of the address that sends so */
	const char *bad;	   /* a text that condemns its flow */
	uint64_t finish_at;	   /* 0: never */
	int gone;		   /* flows */
	struct stream *s;	   /* of the last segment */
};

static inline void talk_bytes(struct stream *s, enum stream_way way, uint64_t offset,
			      const uint8_t *data, size_t n, void *cookie)
{
	struct talk *k = cookie;
	struct heard *h = &k->heard[way];

	h->in_order &= offset == h->n && n > 0;
	CU_ASSERT_FATAL(offset + n <= TALK_MAX);
	memcpy(h->bytes + offset, data, n);
	h->n = offset + n;
	if (k->bad && memmem(h->bytes, h->n, k->bad, strlen(k->bad)))
		stream_condemn(s);
	if (k->finish_at && h->n >= k->finish_at)
		stream_finish(s, way);
}

static inline void talk_gap(struct stream *s, enum stream_way way, uint64_t offset, uint64_t n,
			    void *cookie)
{
	struct talk *k = cookie;
	struct heard *h = &k->heard[way];

	(void)s;
	h->in_order &= offset == h->n && n > 0;
	h->n = offset + n;
	h->gaps += n;
}

static inline void talk_gone(struct stream *s, void *user, void *cookie)
{
	struct talk *k = cookie;

	(void)s;
	k->gone++;
	free(user);
}

static const struct stream_ops talk_ops = {talk_bytes, talk_gap, talk_gone};
static const uint64_t talk_seed[2] = {1, 2};

static inline void talk_begin(struct talk *k, const struct stream_limits *limits)
{
	*k = (struct talk){
		.now = 1, .isn = {1000, 5000}, .client_port = 40000, .family = 4, .host = {1, 2}};
	for (int i = 0; i < STREAM_WAYS; i++) {
		k->heard[i].bytes = calloc(1, TALK_MAX);
		k->heard[i].in_order = true;
		CU_ASSERT_PTR_NOT_NULL_FATAL(k->heard[i].bytes);
	}
	k->t = streams_new(limits ? limits : &stream_limits_default, talk_seed, &talk_ops, k);
	CU_ASSERT_PTR_NOT_NULL_FATAL(k->t);
}

static inline void talk_end(struct talk *k)
{
	size_t count = streams_count(k->t);
	int gone = k->gone;

	streams_free(k->t);
	CU_ASSERT(k->gone == gone + (int)count);
	for (int i = 0; i < STREAM_WAYS; i++)
		free(k->heard[i].bytes);
}

static inline struct packet talk_packet(const struct talk *k, enum stream_way way)
{
	static const uint8_t nets[2][16] = {{192, 0, 2}, {0x20, 0x01, 0x0d, 0xb8}};
	bool up = way == STREAM_TO_SERVER;
	int last = k->family == 4 ? 3 : 15;
	struct packet p = {.family = k->family,
			   .proto = 6,
			   .has_proto = true,
			   .has_ports = true,
			   .has_tcp = true,
			   .sport = up ? k->client_port : 80,
			   .dport = up ? 80 : k->client_port};

	memcpy(p.saddr, nets[k->family == 6], 16);
	memcpy(p.daddr, nets[k->family == 6], 16);
	p.saddr[last] = k->host[way];
	p.daddr[last] = k->host[!way];
	return p;
}

/* A segment with n bytes at text; offsets count from the first byte of each way. */
static inline enum stream_result say(struct talk *k, enum stream_way way, uint8_t flags,
				     uint64_t offset, const void *text, size_t n, uint64_t acked)
{
	struct packet p = talk_packet(k, way);

	p.tcp_flags = flags;
	p.tcp_seq = k->isn[way] + 1 + (uint32_t)offset;
	p.tcp_ack = k->isn[!way] + 1 + (uint32_t)acked;
	p.payload_offset = 40;
	p.payload_length = (uint32_t)n;
	return streams_segment(k->t, 7, &p, text, k->now, &k->s);
}

/* From the client; from the server. */
static inline enum stream_result up(struct talk *k, uint64_t offset, const void *text, size_t n)
{
	return say(k, STREAM_TO_SERVER, ACK, offset, text, n, k->heard[STREAM_TO_CLIENT].n);
}

static inline enum stream_result down(struct talk *k, uint64_t offset, const void *text, size_t n)
{
	return say(k, STREAM_TO_CLIENT, ACK, offset, text, n, k->heard[STREAM_TO_SERVER].n);
}

/* The other side has all up to there. */
static inline enum stream_result ack_up(struct talk *k, uint64_t acked)
{
	return say(k, STREAM_TO_CLIENT, ACK, k->heard[STREAM_TO_CLIENT].n, NULL, 0, acked);
}

static inline void shake_hands(struct talk *k)
{
	CU_ASSERT(say(k, STREAM_TO_SERVER, SYN, (uint64_t)-1, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(say(k, STREAM_TO_CLIENT, SYN | ACK, (uint64_t)-1, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(!stream_is_established(k->s));
	CU_ASSERT(say(k, STREAM_TO_SERVER, ACK, 0, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(stream_is_established(k->s) && !stream_is_picked_up(k->s));
}

/* Connections begin anew: what was heard before is forgotten. */
static inline void talk_reset(struct talk *k)
{
	k->client_port++;
	for (int i = 0; i < STREAM_WAYS; i++) {
		k->heard[i].n = k->heard[i].gaps = 0;
		k->heard[i].in_order = true;
	}
}

static inline bool has_heard(const struct talk *k, enum stream_way way, const void *text, size_t n)
{
	const struct heard *h = &k->heard[way];

	return h->in_order && h->n == n && memcmp(h->bytes, text, n) == 0;
}

#endif
