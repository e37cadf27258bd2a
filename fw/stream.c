// SPDX-License-Identifier: GPL-2.0-or-later
/* Which flow a segment is of: where flows begin, and where others take their place. */
#include <netinet/in.h>

#include "stream_private.h"

#define QUIET_NS 60000000000ull /* then a SYN begins another flow if only one side is heard */

bool stream_must_drop(enum stream_result r, bool closed)
{
	if (r >= STREAM_OUTSIDE)
		return true;
	return closed && (r == STREAM_URGENT || r == STREAM_STALE || r == STREAM_UNTRACKED);
}

/* --- Flows ---------------------------------------------------------------------------------- */

static struct stream *begin(struct streams *t, const struct stream_key *key, uint8_t client,
			    uint64_t now_ns)
{
	struct stream *s = stream_begin(t, key, now_ns);

	if (s)
		s->client = client;
	return s;
}

/* The first segment of a flow. */
static struct stream *begin_by(struct streams *t, const struct stream_key *key, uint8_t from,
			       const struct stream_segment *g)
{
	uint16_t mine = key->port[from], other = key->port[!from];
	uint8_t client = mine >= other ? from : !from;
	bool syn = g->flags & TCP_SYN;
	struct stream *s;

	if (syn)
		client = g->flags & TCP_ACK ? !from : from;
	s = begin(t, key, client, g->now_ns);
	if (s && !(syn && !(g->flags & TCP_ACK))) {
		s->picked_up = true;
		t->stats[STREAM_STAT_PICKED_UP]++;
	}
	return s;
}

/* The 5-tuple serves another connection, whose SYN had the number isn. */
static struct stream *restart(struct stream *s, uint8_t client, uint32_t isn, uint64_t now_ns)
{
	struct streams *t = s->table;
	struct stream_key key = s->key;

	stream_end(s);
	t->stats[STREAM_STAT_RESTARTED]++;
	s = begin(t, &key, client, now_ns);
	if (s) {
		s->started[STREAM_TO_SERVER] = s->heard[STREAM_TO_SERVER] = true;
		s->start[STREAM_TO_SERVER] = isn + 1;
	}
	return s;
}

/* Whether a new SYN can only be taken for another connection: both sides have ended this one, or
 * the one that is not heard cannot tell. */
static bool is_over(const struct stream *s, uint64_t now_ns)
{
	const struct stream_flow_way *to = s->ways[STREAM_TO_SERVER],
				     *from = s->ways[STREAM_TO_CLIENT];

	if (to && from && to->fin_acked && from->fin_acked)
		return true;
	return stream_one_sided(s) && (s->reset || (to && to->has_fin) || (from && from->has_fin) ||
				       now_ns - s->last_ns >= QUIET_NS);
}

/* A SYN with a number that is new: begins *s, another flow in its place, or, with `*waits`, none
 * before it has been answered. */
static enum stream_result take_new_syn(struct stream **s, const struct stream_segment *g,
				       uint8_t from, bool *waits)
{
	struct stream *old = *s;
	enum stream_way way = g->way;
	bool answer = g->flags & TCP_ACK;

	if (answer && old->has_pending && old->pending_way != way && g->ack == old->pending + 1) {
		*s = restart(old, !from, old->pending, g->now_ns);
		return *s ? STREAM_ORDINARY : STREAM_UNTRACKED;
	}
	if (!old->condemned && !old->confirmed[way] && !old->ways[way]) {
		old->started[way] = true;
		old->start[way] = g->seq + 1;
		return STREAM_ORDINARY;
	}
	if (answer)
		return STREAM_OUTSIDE;
	if (is_over(old, g->now_ns)) {
		*s = restart(old, from, g->seq, g->now_ns);
		return *s ? STREAM_ORDINARY : STREAM_UNTRACKED;
	}
	old->has_pending = true;
	old->pending = g->seq;
	old->pending_way = (uint8_t)way;
	*waits = true;
	return g->n || stream_one_sided(old) ? STREAM_OUTSIDE : STREAM_ORDINARY;
}

static bool is_sound(const struct packet *p, const uint8_t *payload)
{
	return p->has_tcp && p->proto == IPPROTO_TCP && p->has_ports && !p->malformed &&
	       !p->fragment.is && !p->later_fragment && (payload || !p->payload_length);
}

/* No receiver takes these: Linux drops them before it looks at their numbers. */
static bool is_nonsense(uint8_t flags)
{
	if (flags & TCP_SYN)
		return flags & (TCP_FIN | TCP_RST);
	return !(flags & (TCP_ACK | TCP_RST));
}

static enum stream_result segment(struct streams *t, uint64_t netns, const struct packet *p,
				  struct stream_segment *g, struct stream **out)
{
	enum stream_result r;
	struct stream_key key;
	uint8_t from;
	bool syn = g->flags & TCP_SYN, waits = false;
	struct stream *s;

	if (is_nonsense(g->flags))
		return STREAM_OUTSIDE;
	if (g->flags & TCP_RST)
		g->n = 0; /* RFC 9293 section 3.5.2: its text says why; no program gets it */
	stream_make_room(t, NULL, 0);
	from = stream_key_of(netns, p, &key);
	s = stream_find(t, &key);
	if (!s) {
		if (!syn && !g->n)
			return STREAM_ORDINARY;
		s = begin_by(t, &key, from, g);
		if (!s)
			return STREAM_UNTRACKED;
	}
	g->way = from == s->client ? STREAM_TO_SERVER : STREAM_TO_CLIENT;
	r = STREAM_ORDINARY;
	if (syn && (!s->started[g->way] || s->start[g->way] != g->seq + 1)) {
		r = take_new_syn(&s, g, from, &waits);
		if (s)
			g->way = from == s->client ? STREAM_TO_SERVER : STREAM_TO_CLIENT;
	}
	*out = s;
	if (!s)
		return r;
	if (r == STREAM_ORDINARY && !waits)
		r = stream_take(s, g);
	stream_touch(s, g->now_ns);
	return r;
}

enum stream_result streams_segment(struct streams *t, uint64_t netns, const struct packet *p,
				   const uint8_t *payload, uint64_t now_ns, struct stream **out)
{
	struct stream_segment g = {.data = payload,
				   .n = p->payload_length,
				   .seq = p->tcp_seq,
				   .ack = p->tcp_ack,
				   .flags = p->tcp_flags,
				   .now_ns = now_ns};
	enum stream_result r = STREAM_UNTRACKED;

	*out = NULL;
	if (is_sound(p, payload))
		r = segment(t, netns, p, &g, out);
	t->results[r]++;
	return r;
}

/* --- What is known of a flow ---------------------------------------------------------------- */

bool stream_is_condemned(const struct stream *s)
{
	return s->condemned;
}

enum stream_way stream_way_of(const struct stream *s, const struct packet *p)
{
	struct stream_key key;

	return stream_key_of(s->key.netns, p, &key) == s->client ? STREAM_TO_SERVER
								 : STREAM_TO_CLIENT;
}

bool stream_is_picked_up(const struct stream *s)
{
	return s->picked_up;
}

bool stream_is_established(const struct stream *s)
{
	return s->picked_up || (s->confirmed[STREAM_TO_SERVER] && s->confirmed[STREAM_TO_CLIENT]);
}

void *stream_user(const struct stream *s)
{
	return s->user;
}

void stream_set_user(struct stream *s, void *user)
{
	s->user = user;
}
