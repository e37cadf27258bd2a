// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes each way of a flow: its bytes in order, where they end, and how far they have come. */
#include "stream_private.h"

#define REACH (1ll << 30) /* no window is larger (RFC 7323 section 2.3) */

static enum stream_way back(enum stream_way way)
{
	return way == STREAM_TO_SERVER ? STREAM_TO_CLIENT : STREAM_TO_SERVER;
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

bool stream_one_sided(const struct stream *s)
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
	return w->acked >= w->limit ||
	       (stream_one_sided(s) && w->seen - w->limit >= s->table->window);
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
static enum stream_result take_data(struct stream *s, const struct stream_segment *g,
				    int64_t offset)
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
static enum stream_result take_content(struct stream *s, const struct stream_segment *g,
				       int64_t offset)
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

static enum stream_result take_reset(struct stream *s, const struct stream_segment *g,
				     int64_t offset)
{
	const struct stream_flow_way *w = s->ways[g->way];

	/* RFC 5961 section 3.2: it counts where the receiver expects the next byte. */
	if (!s->confirmed[g->way] || (offset >= 0 && offset >= (int64_t)(w ? w->acked : 0) &&
				      offset <= (int64_t)(w ? w->seen + w->has_fin : 0)))
		s->reset = true;
	return STREAM_ORDINARY;
}

/* Whether what comes that way may have passed unseen meanwhile: a flow of which nothing is to be
 * read any more need not be shown. Its numbers say nothing then. */
static bool may_be_unseen(const struct stream *s, enum stream_way way)
{
	return stream_done(s) && !(s->ways[way] && s->ways[way]->fin_acked);
}

/* That its end was near is all that can be told of such a segment. */
static enum stream_result take_unseen(struct stream *s, const struct stream_segment *g)
{
	s->heard[g->way] = true;
	s->reset = g->flags & (TCP_FIN | TCP_RST);
	return g->n ? STREAM_BEYOND : STREAM_ORDINARY;
}

enum stream_result stream_take(struct stream *s, const struct stream_segment *g)
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
	if (may_be_unseen(s, g->way))
		return take_unseen(s, g);
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
