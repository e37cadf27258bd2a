// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <stdlib.h>

#include "stream_private.h"

#define TCP_FIN 0x01 /* RFC 9293 section 3.1 */
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_URG 0x20

#define REACH	 (1ll << 30)	/* no window is larger (RFC 7323 section 2.3) */
#define QUIET_NS 60000000000ull /* then a SYN begins another flow if only one side is heard */

/* One segment on its way. */
struct segment {
	const uint8_t *data;
	uint32_t n, seq, ack;
	uint8_t flags;
	enum stream_way way;
	uint64_t now_ns;
};

static enum stream_way back(enum stream_way way)
{
	return way == STREAM_TO_SERVER ? STREAM_TO_CLIENT : STREAM_TO_SERVER;
}

bool stream_must_drop(enum stream_result r, bool closed)
{
	if (r >= STREAM_OUTSIDE)
		return true;
	return closed && (r == STREAM_URGENT || r == STREAM_STALE || r == STREAM_UNTRACKED);
}

/* --- Offsets -------------------------------------------------------------------------------- */

/* What offsets of a way are taken to be near: where the next byte is, or, past the depth, where
 * the last one was. */
static uint64_t middle(const struct stream_flow_way *w)
{
	if (!w)
		return 0;
	return w->window.next < w->limit ? w->window.next : w->seen;
}

/* Negative: before the first byte that was seen. */
static int64_t offset_of(const struct stream *s, enum stream_way way, uint32_t seq)
{
	uint64_t near = middle(s->ways[way]);

	return (int64_t)near + (int32_t)(seq - (s->start[way] + (uint32_t)near));
}

/* --- What is done --------------------------------------------------------------------------- */

static bool one_sided(const struct stream *s)
{
	return !s->heard[STREAM_TO_SERVER] || !s->heard[STREAM_TO_CLIENT];
}

bool stream_way_done(const struct stream *s, enum stream_way way)
{
	const struct stream_flow_way *w = s->ways[way];

	if (!w)
		return s->finished[way];
	if (w->fin_acked && w->window.next >= w->fin)
		return true;
	if (w->window.next < w->limit)
		return false;
	return w->acked >= w->limit || (one_sided(s) && w->seen - w->limit >= s->table->window);
}

bool stream_done(const struct stream *s)
{
	return !s->condemned && stream_way_done(s, STREAM_TO_SERVER) &&
	       stream_way_done(s, STREAM_TO_CLIENT);
}

/* Releases what is needed no more. */
static void settle(struct stream *s)
{
	if (s->busy)
		return;
	for (int i = 0; i < STREAM_WAYS; i++)
		if (s->ways[i] && (s->condemned || stream_way_done(s, (enum stream_way)i)))
			stream_release(s, &s->ways[i]->window);
}

void stream_condemn(struct stream *s)
{
	s->condemned = true;
	settle(s);
}

void stream_finish(struct stream *s, enum stream_way way)
{
	struct stream_flow_way *w = s->ways[way];

	s->finished[way] = true;
	if (w && w->limit > w->window.next)
		w->limit = w->window.next;
	settle(s);
}

/* --- Handing on ----------------------------------------------------------------------------- */

static bool wanted(const struct stream *s, const struct stream_flow_way *w, enum stream_way way)
{
	return !s->condemned && !s->finished[way] && w->window.next < w->limit;
}

static void hand_on(struct stream *s, enum stream_way way, const uint8_t *data, size_t n)
{
	struct stream_window *window = &s->ways[way]->window;
	uint64_t offset = window->next;

	stream_window_advance(window, offset + n);
	s->busy = true;
	s->table->ops.bytes(s, way, offset, data, n, s->table->cookie);
	s->busy = false;
}

/* What has waited and has its turn now. */
static void hand_on_waiting(struct stream *s, enum stream_way way)
{
	struct stream_flow_way *w = s->ways[way];

	while (wanted(s, w, way)) {
		uint64_t ready = stream_window_ready(&w->window);
		const uint8_t *piece;
		size_t n;

		if (ready == w->window.next)
			break;
		n = stream_window_piece(&w->window, w->window.next, ready - w->window.next, &piece);
		hand_on(s, way, piece, n);
	}
}

/* The receiver has all up to `to`, with or without us. */
static void skip_gaps(struct stream *s, enum stream_way way, uint64_t to)
{
	struct stream_flow_way *w = s->ways[way];

	while (wanted(s, w, way) && w->window.next < to) {
		uint64_t from = w->window.next, end = stream_window_after_gap(&w->window, to);

		stream_window_advance(&w->window, end);
		stream_window_forget(&w->window, end);
		s->table->stats[STREAM_STAT_GAPS]++;
		s->busy = true;
		s->table->ops.gap(s, way, from, end - from, s->table->cookie);
		s->busy = false;
		hand_on_waiting(s, way);
	}
}

/* --- Acknowledgements ----------------------------------------------------------------------- */

/* The other side has what was sent `way`. */
static void take_ack(struct stream *s, enum stream_way way, uint32_t ack)
{
	struct stream_flow_way *w = s->ways[way];
	int64_t offset;
	uint64_t to;

	if (!s->started[way])
		return;
	offset = offset_of(s, way, ack);
	if (offset >= 0 && (w || offset == 0))
		s->confirmed[way] = true;
	if (!w || offset < 0 || (uint64_t)offset > w->seen + w->has_fin)
		return;
	to = (uint64_t)offset;
	if (w->has_fin && to == w->fin + 1) {
		w->fin_acked = true;
		to = w->fin;
	}
	if (to <= w->acked)
		return;
	w->acked = to;
	if (to > w->window.next)
		skip_gaps(s, way, to < w->limit ? to : w->limit);
	stream_window_forget(&w->window, to);
}

/* --- Segments ------------------------------------------------------------------------------- */

static enum stream_result conflict(struct stream *s)
{
	stream_condemn(s);
	return STREAM_CONFLICT;
}

/* The end of the stream is at `end`, or has been before: it must stay where it is. */
static enum stream_result take_fin(struct stream *s, struct stream_flow_way *w, uint64_t end)
{
	if (w->has_fin && w->fin == end)
		return STREAM_ORDINARY;
	if (w->fin_acked || end < w->acked)
		return STREAM_OUTSIDE;
	if (w->has_fin || w->seen > end)
		return conflict(s);
	w->has_fin = true;
	w->fin = end;
	return STREAM_ORDINARY;
}

/* Keeps n bytes for later comparison, or until their turn comes. */
static bool keep(struct stream *s, struct stream_window *w, uint64_t offset, const uint8_t *data,
		 size_t n)
{
	struct streams *t = s->table;
	size_t before = stream_window_memory(w);
	uint64_t base = w->base;

	if (offset > w->next && offset + n - w->base > t->window)
		return false;
	if (!stream_make_room(t, s, stream_window_growth(w, offset, n, t->window)))
		return false;
	if (stream_window_put(w, offset, data, n, t->window))
		return false;
	t->memory += stream_window_memory(w) - before;
	t->stats[STREAM_STAT_FORGOTTEN] += w->base != base;
	return true;
}

/* n > 0 bytes at offset, none of them acknowledged or forgotten, all before the limit. */
static enum stream_result take_bytes(struct stream *s, enum stream_way way, uint64_t offset,
				     const uint8_t *data, size_t n)
{
	struct stream_flow_way *w = s->ways[way];
	uint64_t next = w->window.next;

	if (!stream_window_agrees(&w->window, offset, data, n))
		return conflict(s);
	if (offset + n <= next) {
		s->table->stats[STREAM_STAT_REPEATED]++;
		return STREAM_ORDINARY;
	}
	if (!keep(s, &w->window, offset, data, n))
		return STREAM_FULL;
	if (offset > next) {
		s->table->stats[STREAM_STAT_REORDERED]++;
		return STREAM_ORDINARY;
	}
	hand_on(s, way, data + (next - offset), n - (next - offset));
	hand_on_waiting(s, way);
	return STREAM_ORDINARY;
}

/* The data of a segment at offset: cuts off what is not to be looked at. */
static enum stream_result take_data(struct stream *s, const struct segment *g, int64_t offset)
{
	struct stream_flow_way *w = s->ways[g->way];
	int64_t end = offset + g->n, base = (int64_t)w->window.base, acked = (int64_t)w->acked;
	enum stream_result r, cut = STREAM_ORDINARY;
	int64_t from = offset < acked ? acked : offset;
	bool before = offset < 0 && !s->confirmed[g->way]; /* the first byte that was seen */

	if (w->limit <= INT64_MAX && end > (int64_t)w->limit) {
		end = (int64_t)w->limit;
		if (from >= end)
			return STREAM_BEYOND;
	}
	if (from >= end) {
		s->table->stats[STREAM_STAT_REPEATED]++;
		return before ? STREAM_STALE : STREAM_ORDINARY;
	}
	if (from < base || before) {
		cut = STREAM_STALE;
		from = from < base ? base : from;
		if (from >= end)
			return cut;
	}
	r = take_bytes(s, g->way, (uint64_t)from, g->data + (from - offset), (size_t)(end - from));
	return r == STREAM_ORDINARY ? cut : r;
}

/* A segment that has its place in the window. */
static enum stream_result take_content(struct stream *s, const struct segment *g, int64_t offset)
{
	enum stream_result r = STREAM_ORDINARY;
	int64_t end = offset + g->n;
	struct stream_flow_way *w;

	if (!g->n && !(g->flags & TCP_FIN))
		return STREAM_ORDINARY;
	if (s->condemned)
		return g->n ? STREAM_CONDEMNED : STREAM_ORDINARY;
	w = stream_make_way(s, g->way);
	if (!w)
		return STREAM_FULL;
	if (w->has_fin && end > (int64_t)w->fin)
		return w->fin_acked ? STREAM_OUTSIDE : conflict(s);
	if (g->flags & TCP_FIN) {
		r = end < 0 ? STREAM_OUTSIDE : take_fin(s, w, (uint64_t)end);
		if (r != STREAM_ORDINARY)
			return r;
	}
	if (end > (int64_t)w->seen)
		w->seen = (uint64_t)end;
	if (!g->n)
		return r;
	s->reset = false;
	r = take_data(s, g, offset);
	if (r == STREAM_ORDINARY && (g->flags & TCP_URG))
		r = STREAM_URGENT;
	return s->condemned && r != STREAM_CONFLICT ? STREAM_CONDEMNED : r;
}

static enum stream_result take_reset(struct stream *s, const struct segment *g, int64_t offset)
{
	const struct stream_flow_way *w = s->ways[g->way];

	/* RFC 5961 section 3.2: it counts where the receiver expects the next byte. */
	if (!s->confirmed[g->way] || (offset >= 0 && offset >= (int64_t)(w ? w->acked : 0) &&
				      offset <= (int64_t)(w ? w->seen + w->has_fin : 0)))
		s->reset = true;
	return STREAM_ORDINARY;
}

static enum stream_result take_segment(struct stream *s, const struct segment *g)
{
	bool syn = g->flags & TCP_SYN;
	int64_t offset, near = (int64_t)middle(s->ways[g->way]);
	enum stream_result r;

	if (!s->started[g->way]) {
		if (g->flags & TCP_RST) {
			s->reset = true;
			return STREAM_ORDINARY;
		}
		s->started[g->way] = true;
		s->start[g->way] = g->seq + syn;
	}
	offset = offset_of(s, g->way, g->seq + syn);
	if (offset > near + REACH || offset < near - REACH)
		return STREAM_OUTSIDE;
	s->heard[g->way] = true;
	if (g->flags & TCP_ACK)
		take_ack(s, back(g->way), g->ack);
	if (g->flags & TCP_RST)
		return take_reset(s, g, offset);
	r = take_content(s, g, offset);
	settle(s);
	return r;
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
			       const struct segment *g)
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
	return one_sided(s) && (s->reset || (to && to->has_fin) || (from && from->has_fin) ||
				now_ns - s->last_ns >= QUIET_NS);
}

/* A SYN with a number that is new: begins *s, another flow in its place, or, with `*waits`, none
 * before it has been answered. */
static enum stream_result take_new_syn(struct stream **s, const struct segment *g, uint8_t from,
				       bool *waits)
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
	return g->n || one_sided(old) ? STREAM_OUTSIDE : STREAM_ORDINARY;
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
				  struct segment *g, struct stream **out)
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
		r = take_segment(s, g);
	stream_touch(s, g->now_ns);
	return r;
}

enum stream_result streams_segment(struct streams *t, uint64_t netns, const struct packet *p,
				   const uint8_t *payload, uint64_t now_ns, struct stream **out)
{
	struct segment g = {.data = payload,
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
