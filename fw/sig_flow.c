// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "sig_set_private.h"

#define WAYS 2

struct sig_flow {
	struct sig_set *set;
	hs_stream_t *way[WAYS]; /* 1: to the server */
	hs_stream_t *header, *body;
	struct sig_literals_way *literals[WAYS]; /* as `way` */
	bool rebased;				 /* the set has not seen it from its beginning */
	uint64_t *bits;	   /* of both ways, then of the request; NULL: none is set */
	struct http *http; /* NULL: not yet, or nobody asks */
	bool http_over;
	uint8_t complete; /* bits of enum sig_buffer */
	unsigned int anomalies;
	/* During sig_flow_bytes(): */
	const struct sig_context *context;
	sig_fire_fn fire;
	void *cookie;
	int error;
};

/* What is scanned, for the callback. */
struct scan {
	struct sig_set *set;
	uint64_t *bits; /* of parts that are kept; NULL: they are not */
};

static size_t words(const struct sig_set *s)
{
	return s->n_bits / 64 + 1;
}

static bool get_bit(const uint64_t *bits, uint32_t i)
{
	return bits && bits[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= 1ull << (i % 64);
}

static void note_match(const struct scan *scan, unsigned int id)
{
	struct sig_set *s = scan->set;
	const struct sig_part *p = &s->parts[id];

	if (!s->entries[p->rule].single)
		set_bit(scan->bits, p->bit);
	if (!p->negated && !s->is_touched[p->rule]) {
		s->is_touched[p->rule] = 1;
		s->touched[s->n_touched++] = p->rule;
	}
}

static void on_literal(void *cookie, unsigned int id)
{
	note_match(cookie, id);
}

static int on_match(unsigned int id, unsigned long long from, unsigned long long to,
		    unsigned int flags, void *cookie)
{
	(void)from;
	(void)to;
	(void)flags;
	note_match(cookie, id);
	return 0;
}

static bool flow_fits(const struct sig_rule *r, const struct sig_context *c)
{
	return !(r->to_server && !c->to_server) && !(r->to_client && c->to_server) &&
	       !(r->established && !c->established);
}

/* Of all that a rule says, what is no matter of bytes. */
static bool context_fits(const struct sig_rule *r, const struct sig_context *c, bool tcp)
{
	return (!tcp || flow_fits(r, c)) && sig_rule_size_fits(r, c->size) &&
	       sig_header_fits(&r->header, c->packet);
}

/* Whether the parts are as the rule wants them. way, request: where each kind's bits are. */
static bool parts_fit(const struct sig_set *s, const struct sig_entry *e, const uint64_t *way,
		      const uint64_t *request)
{
	for (uint32_t i = e->first; i < e->first + e->n_parts; i++) {
		const struct sig_part *p = &s->parts[i];
		const uint64_t *bits = s->buffers[i] == SIG_PAYLOAD ? way : request;

		if (get_bit(bits, p->bit) == p->negated)
			return false;
	}
	return true;
}

static uint32_t fired_bit(const struct sig_entry *e)
{
	return e->first_bit + e->n_parts;
}

static void forget_touched(struct sig_set *s)
{
	while (s->n_touched)
		s->is_touched[s->touched[--s->n_touched]] = 0;
}

static void judge_datagram(struct sig_set *s, const struct sig_context *c, sig_fire_fn fire,
			   void *cookie)
{
	for (size_t i = 0; i < s->n_touched; i++) {
		const struct sig_entry *e = &s->entries[s->touched[i]];

		if (context_fits(e->rule, c, false) &&
		    (e->single || parts_fit(s, e, s->bits, s->bits)))
			fire(cookie, e->rule);
	}
}

int sig_datagram(struct sig_set *s, const struct sig_context *c, const void *data, size_t n,
		 sig_fire_fn fire, void *cookie)
{
	struct scan scan = {.set = s, .bits = s->bits};
	hs_error_t e;

	if (!s->db[SIG_IN_DATAGRAM] || !n)
		return 0;
	e = hs_scan(s->db[SIG_IN_DATAGRAM], data, (unsigned int)n, 0, s->scratch, on_match, &scan);
	judge_datagram(s, c, fire, cookie);
	if (s->n_bits)
		memset(s->bits, 0, words(s) * 8);
	forget_touched(s);
	return e == HS_SUCCESS ? 0 : -EIO;
}

static uint64_t *bits_of(struct sig_flow *f, size_t which)
{
	return f->bits ? f->bits + which * words(f->set) : NULL;
}

#define REQUEST_BITS WAYS /* behind those of both ways */

static int need_bits(struct sig_flow *f)
{
	if (f->bits || !f->set->n_bits)
		return 0;
	f->bits = calloc((WAYS + 1) * words(f->set), 8);
	return f->bits ? 0 : -ENOMEM;
}

/* A rule of which something has matched, or a buffer that it waited for is complete. */
static void judge_rule(struct sig_flow *f, const struct sig_entry *e)
{
	const bool to_server = f->context->to_server;
	uint64_t *way = bits_of(f, to_server), *request = bits_of(f, REQUEST_BITS);
	uint64_t *fired = e->http ? request : way;

	if ((e->waits_for & ~f->complete) || (e->placed && f->rebased))
		return;
	if (!context_fits(e->rule, f->context, true))
		return;
	if (!e->single) {
		if (get_bit(fired, fired_bit(e)) || !parts_fit(f->set, e, way, request))
			return;
		set_bit(fired, fired_bit(e));
	}
	f->fire(f->cookie, e->rule);
}

static void judge_touched(struct sig_flow *f)
{
	struct sig_set *s = f->set;

	for (size_t i = 0; i < s->n_touched; i++)
		judge_rule(f, &s->entries[s->touched[i]]);
	forget_touched(s);
}

static void judge_waiting(struct sig_flow *f, enum sig_buffer b)
{
	const struct sig_set *s = f->set;

	f->complete |= (uint8_t)(1 << b);
	for (size_t i = 0; f->bits && i < s->n_waiting; i++) {
		const struct sig_entry *e = &s->entries[s->waiting[i]];

		if (e->waits_for & (1 << b))
			judge_rule(f, e);
	}
}

static void note_error(struct sig_flow *f, hs_error_t e)
{
	if (e != HS_SUCCESS && !f->error)
		f->error = e == HS_NOMEM ? -ENOMEM : -EIO;
}

static void scan_block(struct sig_flow *f, enum sig_place p, const void *data, size_t n)
{
	struct scan scan = {.set = f->set, .bits = bits_of(f, REQUEST_BITS)};

	if (!f->set->db[p])
		return;
	note_error(f, hs_scan(f->set->db[p], n ? data : "", (unsigned int)n, 0, f->set->scratch,
			      on_match, &scan));
}

static void scan_stream(struct sig_flow *f, enum sig_place p, hs_stream_t **stream, size_t bits,
			const void *data, size_t n)
{
	struct scan scan = {.set = f->set, .bits = bits_of(f, bits)};
	hs_error_t e = HS_SUCCESS;

	if (!f->set->db[p] || !n)
		return;
	if (!*stream)
		e = hs_open_stream(f->set->db[p], 0, stream);
	if (e == HS_SUCCESS)
		e = hs_scan_stream(*stream, data, (unsigned int)n, 0, f->set->scratch, on_match,
				   &scan);
	note_error(f, e);
}

static void scan_literals(struct sig_flow *f, bool to_server, const void *data, size_t n)
{
	const struct sig_literals *l = f->set->literals;
	struct scan scan = {.set = f->set, .bits = bits_of(f, to_server)};

	if (!l)
		return;
	if (!f->literals[to_server])
		f->literals[to_server] = sig_literals_way_new(l);
	if (f->literals[to_server])
		sig_literals_scan(l, f->literals[to_server], data, n, on_literal, &scan);
	else
		note_error(f, HS_NOMEM);
}

/* Its end, where what must stand at the end is found; then it begins anew. */
static void end_stream(struct sig_flow *f, hs_stream_t *stream)
{
	struct scan scan = {.set = f->set, .bits = bits_of(f, REQUEST_BITS)};

	if (stream)
		note_error(f, hs_reset_stream(stream, 0, f->set->scratch, on_match, &scan));
}

static void on_target(uint64_t request, struct http_text method, struct http_text raw,
		      struct http_text target, unsigned int anomalies, void *cookie)
{
	struct sig_flow *f = cookie;

	(void)request;
	f->anomalies |= anomalies;
	f->complete = 0;
	if (f->bits)
		memset(bits_of(f, REQUEST_BITS), 0, words(f->set) * 8);
	scan_block(f, SIG_IN_METHOD, method.data, method.n);
	scan_block(f, SIG_IN_URI, target.data, target.n);
	scan_block(f, SIG_IN_RAW_URI, raw.data, raw.n);
	judge_touched(f);
	judge_waiting(f, SIG_METHOD);
	judge_waiting(f, SIG_URI);
	judge_waiting(f, SIG_RAW_URI);
}

static void on_headers(uint64_t request, struct http_text raw, bool last, unsigned int anomalies,
		       void *cookie)
{
	struct sig_flow *f = cookie;

	(void)request;
	f->anomalies |= anomalies;
	scan_stream(f, SIG_IN_HEADER, &f->header, REQUEST_BITS, raw.data, raw.n);
	if (last)
		end_stream(f, f->header);
	judge_touched(f);
	if (last)
		judge_waiting(f, SIG_HEADER);
}

static void on_body(uint64_t request, uint64_t offset, struct http_text data, void *cookie)
{
	struct sig_flow *f = cookie;

	(void)request;
	(void)offset;
	scan_stream(f, SIG_IN_BODY, &f->body, REQUEST_BITS, data.data, data.n);
	judge_touched(f);
}

static void on_end(uint64_t request, unsigned int anomalies, void *cookie)
{
	struct sig_flow *f = cookie;

	(void)request;
	f->anomalies |= anomalies;
	end_stream(f, f->body);
	judge_touched(f);
	judge_waiting(f, SIG_BODY);
}

static const struct http_ops http_ops = {on_target, on_headers, on_body, on_end};

struct sig_flow *sig_flow_new(struct sig_set *s)
{
	struct sig_flow *f = calloc(1, sizeof(*f));

	if (f)
		f->set = sig_set_ref(s);
	return f;
}

/* Without what would match at an end that is none. */
static void close_streams(struct sig_flow *f)
{
	hs_stream_t **streams[] = {&f->way[0], &f->way[1], &f->header, &f->body};

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		if (*streams[i])
			hs_close_stream(*streams[i], NULL, NULL, NULL);
		*streams[i] = NULL;
	}
	for (size_t i = 0; i < WAYS; i++) {
		free(f->literals[i]);
		f->literals[i] = NULL;
	}
	free(f->bits);
	f->bits = NULL;
}

void sig_flow_free(struct sig_flow *f)
{
	if (!f)
		return;
	close_streams(f);
	http_free(f->http);
	sig_set_unref(f->set);
	free(f);
}

int sig_flow_adopt(struct sig_flow *f, struct sig_set *s)
{
	close_streams(f);
	sig_set_unref(f->set);
	f->set = sig_set_ref(s);
	f->rebased = true;
	return need_bits(f);
}

struct sig_set *sig_flow_set(const struct sig_flow *f)
{
	return f->set;
}

static void feed_http(struct sig_flow *f, const void *data, size_t n)
{
	if (!f->http || f->http_over)
		return;
	if (http_feed(f->http, data, n))
		f->error = -ENOMEM;
	f->http_over = http_is_over(f->http);
}

static int need_http(struct sig_flow *f)
{
	if (!f->set->http || f->http)
		return 0;
	f->http = http_new(&http_ops, f);
	return f->http ? 0 : -ENOMEM;
}

int sig_flow_bytes(struct sig_flow *f, const struct sig_context *c, const void *data, size_t n,
		   sig_fire_fn fire, void *cookie)
{
	if (need_bits(f) || (c->to_server && need_http(f)))
		return -ENOMEM;
	f->context = c;
	f->fire = fire;
	f->cookie = cookie;
	f->error = 0;
	/* What it touches is judged with what the first request in it touches, or behind all. */
	scan_stream(f, SIG_IN_STREAM, &f->way[c->to_server], c->to_server, data, n);
	scan_literals(f, c->to_server, data, n);
	if (c->to_server)
		feed_http(f, data, n);
	judge_touched(f);
	f->context = NULL;
	return f->error;
}

void sig_flow_gap(struct sig_flow *f, bool to_server, uint64_t n)
{
	if (f->way[to_server])
		hs_close_stream(f->way[to_server], NULL, NULL, NULL);
	f->way[to_server] = NULL;
	free(f->literals[to_server]);
	f->literals[to_server] = NULL;
	f->rebased = true;
	if (to_server && f->http && !f->http_over) {
		http_gap(f->http, n);
		f->http_over = http_is_over(f->http);
	}
}

size_t sig_flow_memory(const struct sig_flow *f)
{
	const struct sig_set *s = f->set;
	size_t n = sizeof(*f);

	n += f->way[0] ? s->state[SIG_IN_STREAM] : 0;
	n += f->way[1] ? s->state[SIG_IN_STREAM] : 0;
	for (size_t i = 0; i < WAYS; i++)
		n += f->literals[i] ? sig_literals_way_memory(s->literals) : 0;
	n += f->header ? s->state[SIG_IN_HEADER] : 0;
	n += f->body ? s->state[SIG_IN_BODY] : 0;
	n += f->bits ? (WAYS + 1) * words(s) * 8 : 0;
	return n + (f->http ? http_memory(f->http) : 0);
}

uint64_t sig_flow_requests(const struct sig_flow *f)
{
	return f->http ? http_requests(f->http) : 0;
}

unsigned int sig_flow_anomalies(const struct sig_flow *f)
{
	return f->anomalies;
}
