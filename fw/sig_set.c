// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_set.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "sig_compile.h"
#include "sig_expr.h"
#include "sig_set_private.h"

struct sig_set *sig_set_ref(struct sig_set *s)
{
	__atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

static void set_free(struct sig_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		sig_rule_unref(s->entries[i].rule);
	for (int i = 0; i < SIG_PLACES; i++)
		hs_free_database(s->db[i]);
	sig_literals_free(s->literals);
	hs_free_scratch(s->scratch);
	free(s->entries);
	free(s->parts);
	free(s->buffers);
	free(s->groups);
	free(s->waiting);
	free(s->touched);
	free(s->is_touched);
	free(s->bits);
	free(s);
}

void sig_set_unref(struct sig_set *s)
{
	if (s && __atomic_fetch_sub(&s->refs, 1, __ATOMIC_ACQ_REL) == 1)
		set_free(s);
}

static void cleanup_set(struct sig_set **s)
{
	sig_set_unref(*s);
}

size_t sig_set_count(const struct sig_set *s)
{
	return s->n;
}

struct sig_rule *sig_set_rule(const struct sig_set *s, size_t i)
{
	return s->entries[i].rule;
}

uint64_t sig_set_depth(const struct sig_set *s)
{
	return s->depth;
}

bool sig_set_stops(const struct sig_set *s)
{
	return s->stops;
}

bool sig_set_wants_http(const struct sig_set *s)
{
	return s->http;
}

size_t sig_set_literals(const struct sig_set *s)
{
	return s->n_literals;
}

size_t sig_set_memory(const struct sig_set *s)
{
	return s->memory;
}

size_t sig_set_stream_memory(const struct sig_set *s)
{
	return s->state[SIG_IN_STREAM] + s->state[SIG_IN_HEADER] + s->state[SIG_IN_BODY] +
	       (s->n_bits + 63) / 64 * 8 + (s->literals ? sig_literals_way_memory(s->literals) : 0);
}

static bool has_port(const uint64_t bits[1024], uint16_t port)
{
	return bits[port / 64] >> (port % 64) & 1;
}

bool sig_set_may_want(const struct sig_set *s, const struct packet *p)
{
	if (!p->family || !p->has_proto)
		return false;
	if (p->proto == IPPROTO_TCP)
		return has_port(s->tcp_ports, p->sport) || has_port(s->tcp_ports, p->dport);
	if (p->proto == IPPROTO_UDP)
		return has_port(s->udp_ports, p->sport) || has_port(s->udp_ports, p->dport);
	return s->other;
}

bool sig_set_wants(const struct sig_set *s, const struct packet *p, bool to_server)
{
	for (size_t i = 0; i < s->n_groups; i++) {
		const struct sig_group *g = &s->groups[i];

		if ((to_server ? g->to_server : g->to_client) && sig_header_fits(g->header, p))
			return true;
	}
	return false;
}

/* The ports that a packet of the rule must have one of: those of its server, if it names any. */
static void note_ports(uint64_t bits[1024], const struct sig_header *h)
{
	const struct sig_ports *p = h->to.ports.n ? &h->to.ports : &h->from.ports;

	for (unsigned int port = 0; port < 65536; port++)
		if (sig_ports_have(p, (uint16_t)port))
			bits[port / 64] |= 1ull << (port % 64);
}

static void note_group(struct sig_set *s, const struct sig_group *g)
{
	const struct sig_header *h = g->header;

	if (h->proto == SIG_TCP || h->proto == SIG_HTTP || h->proto == SIG_IP)
		note_ports(s->tcp_ports, h);
	if (h->proto == SIG_UDP || h->proto == SIG_IP)
		note_ports(s->udp_ports, h);
	s->other |= h->proto == SIG_IP || h->proto == SIG_ICMP;
}

static void group(struct sig_set *s, const struct sig_rule *r, bool http)
{
	struct sig_group *g = s->groups;

	while (g < s->groups + s->n_groups && !sig_header_same(g->header, &r->header))
		g++;
	if (g == s->groups + s->n_groups) {
		*g = (struct sig_group){.header = &r->header};
		s->n_groups++;
		note_group(s, g);
	}
	g->to_server |= !r->to_client;
	g->to_client |= !r->to_server && !http; /* of HTTP, only requests are looked at */
}

static bool is_placed(const struct sig_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++) {
		const struct sig_match *m = &r->matches[i];

		if (m->buffer == SIG_PAYLOAD &&
		    (m->starts || m->has_offset || m->has_depth || (i == 0 && m->relative) ||
		     (m->is_pcre && !m->relative && *m->text == '^' && !m->multiline)))
			return true;
	}
	return false;
}

static int add_rule(struct sig_set *s, struct sig_rule *r, struct sig_compile *c,
		    struct sig_error *err)
{
	struct sig_expr exprs[SIG_MATCHES_MAX];
	struct sig_entry *e = &s->entries[s->n];
	size_t n;
	int fault = sig_expr_make(r, exprs, &n, err);

	if (fault)
		return fault;
	*e = (struct sig_entry){.rule = sig_rule_ref(r),
				.first = (uint32_t)s->n_parts,
				.n_parts = (uint32_t)n,
				.single = n == 1,
				.placed = is_placed(r)};
	/* Of http, that it is: the first request line says so. */
	if (r->header.proto == SIG_HTTP) {
		e->single = false;
		e->waits_for = 1 << SIG_METHOD;
	}
	s->n++;
	s->stops |= r->action != SIG_ALERT;
	if (!e->single) {
		e->first_bit = s->n_bits;
		s->n_bits += (uint32_t)n + 1;
	}
	for (size_t i = 0; i < n; i++) {
		struct sig_part *p = &s->parts[s->n_parts];

		*p = (struct sig_part){.rule = (uint32_t)(s->n - 1),
				       .bit = e->first_bit + (uint32_t)i,
				       .negated = exprs[i].negated};
		s->buffers[s->n_parts] = exprs[i].buffer;
		if (exprs[i].buffer != SIG_PAYLOAD) {
			e->http = s->http = true;
			if (exprs[i].negated)
				e->waits_for |= (uint8_t)(1 << exprs[i].buffer);
		}
		sig_compile_add(c, r, &exprs[i], (unsigned int)s->n_parts);
		s->n_parts++;
	}
	if (e->waits_for)
		s->waiting[s->n_waiting++] = (uint32_t)(s->n - 1);
	s->http |= r->header.proto == SIG_HTTP;
	s->apps |= r->n_apps > 0;
	group(s, r, e->http);
	return 0;
}

static int prepare(struct sig_set *s, size_t n)
{
	s->entries = calloc(n, sizeof(*s->entries));
	s->parts = calloc(n * SIG_MATCHES_MAX, sizeof(*s->parts));
	s->buffers = calloc(n * SIG_MATCHES_MAX, sizeof(*s->buffers));
	s->groups = calloc(n, sizeof(*s->groups));
	s->waiting = calloc(n, sizeof(*s->waiting));
	s->touched = calloc(n, sizeof(*s->touched));
	s->is_touched = calloc(n, 1);
	return s->entries && s->parts && s->buffers && s->groups && s->waiting && s->touched &&
			       s->is_touched
		       ? 0
		       : -ENOMEM;
}

/* Parts were laid out for as many as there could be. */
static void shrink(struct sig_set *s)
{
	void *parts = reallocarray(s->parts, s->n_parts, sizeof(*s->parts));
	void *buffers = reallocarray(s->buffers, s->n_parts, sizeof(*s->buffers));

	s->parts = parts ? parts : s->parts;
	s->buffers = buffers ? buffers : s->buffers;
}

int sig_set_new(struct sig_rule *const *rules, size_t n, uint64_t depth, struct sig_set **out,
		size_t *bad, struct sig_error *err)
{
	_cleanup_(cleanup_set) struct sig_set *s = calloc(1, sizeof(*s));
	_cleanup_(sig_compile_clear) struct sig_compile c = {.n = {0}};
	unsigned int id = 0;
	int r;

	if (!s)
		return -ENOMEM;
	s->refs = 1;
	s->depth = depth;
	r = prepare(s, n);
	r = r ? r : sig_compile_begin(&c, rules, n);
	for (size_t i = 0; !r && i < n; i++) {
		*bad = i;
		r = add_rule(s, rules[i], &c, err);
	}
	if (r)
		return r;
	shrink(s);
	s->bits = calloc(s->n_bits / 64 + 1, 8);
	r = s->bits ? sig_compile_run(&c, s, &id, err) : -ENOMEM;
	if (r) {
		*bad = id < s->n_parts ? s->parts[id].rule : 0;
		return r;
	}
	*out = TAKE_PTR(s);
	return 0;
}

int sig_set_check(const struct sig_rule *r, struct sig_error *err)
{
	struct sig_expr exprs[SIG_MATCHES_MAX];
	size_t n;
	int e = sig_expr_make(r, exprs, &n, err);

	if (e)
		return e;
	e = sig_compile_check(r, exprs, n, err);
	sig_expr_clear(exprs, n);
	return e;
}
