// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_compile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define GROUPS_MAX 64 /* nested in one expression */

static const enum sig_place place_of[SIG_BUFFERS] = {
	[SIG_METHOD] = SIG_IN_METHOD, [SIG_URI] = SIG_IN_URI,	[SIG_RAW_URI] = SIG_IN_RAW_URI,
	[SIG_HEADER] = SIG_IN_HEADER, [SIG_BODY] = SIG_IN_BODY,
};

/* Where a part is looked for: at most two places. */
static size_t places(const struct sig_rule *r, enum sig_buffer b, enum sig_place out[2])
{
	size_t n = 0;

	if (b != SIG_PAYLOAD) {
		out[n++] = place_of[b];
		return n;
	}
	if (r->header.proto == SIG_TCP || r->header.proto == SIG_HTTP || r->header.proto == SIG_IP)
		out[n++] = SIG_IN_STREAM;
	if (r->header.proto != SIG_TCP && r->header.proto != SIG_HTTP)
		out[n++] = SIG_IN_DATAGRAM;
	return n;
}

int sig_compile_begin(struct sig_compile *c, struct sig_rule *const *rules, size_t n)
{
	size_t room[SIG_PLACES] = {0}, all = 1;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < rules[i]->n_matches; k++) {
			enum sig_place p[2];
			size_t n_places = places(rules[i], rules[i]->matches[k].buffer, p);

			all++;
			while (n_places)
				room[p[--n_places]]++;
		}
	c->texts = calloc(all, sizeof(*c->texts));
	if (!c->texts)
		return -ENOMEM;
	for (int i = 0; i < SIG_PLACES; i++) {
		struct sig_compile_list *l = &c->list[i];

		l->text = calloc(room[i] + 1, sizeof(*l->text));
		l->flags = calloc(room[i] + 1, sizeof(*l->flags));
		l->ids = calloc(room[i] + 1, sizeof(*l->ids));
		l->ext = calloc(room[i] + 1, sizeof(*l->ext));
		l->exts = calloc(room[i] + 1, sizeof(*l->exts));
		l->literals = calloc(room[i] + 1, sizeof(*l->literals));
		if (!l->text || !l->flags || !l->ids || !l->ext || !l->exts || !l->literals)
			return -ENOMEM;
	}
	return 0;
}

void sig_compile_clear(struct sig_compile *c)
{
	for (int i = 0; i < SIG_PLACES; i++) {
		free(c->list[i].text);
		free(c->list[i].flags);
		free(c->list[i].ids);
		free(c->list[i].ext);
		free(c->list[i].exts);
		free(c->list[i].literals);
	}
	for (size_t i = 0; i < c->n_texts; i++)
		free(c->texts[i]);
	free(c->texts);
}

/* One match of a stream says all, but where the size of its segment counts. */
static unsigned int flags_of(const struct sig_rule *r)
{
	return HS_FLAG_DOTALL | (r->size == SIG_ANY_SIZE ? HS_FLAG_SINGLEMATCH : 0u);
}

static hs_expr_ext_t ext_of(const struct sig_expr *e)
{
	hs_expr_ext_t ext = {.flags = 0};

	if (e->min_end) {
		ext.flags |= HS_EXT_FLAG_MIN_OFFSET;
		ext.min_offset = e->min_end;
	}
	if (e->max_end) {
		ext.flags |= HS_EXT_FLAG_MAX_OFFSET;
		ext.max_offset = e->max_end;
	}
	return ext;
}

/* One that is told of once, as sig_literals.h does. */
static struct sig_literal literal_of(const struct sig_rule *r, const struct sig_expr *e,
				     unsigned int id)
{
	if (!e->literal || !(flags_of(r) & HS_FLAG_SINGLEMATCH))
		return (struct sig_literal){.n = 0};
	return (struct sig_literal){.text = e->literal->text,
				    .n = e->literal->n,
				    .nocase = e->literal->nocase,
				    .min_end = e->min_end,
				    .max_end = e->max_end,
				    .id = id};
}

void sig_compile_add(struct sig_compile *c, const struct sig_rule *r, struct sig_expr *e,
		     unsigned int id)
{
	enum sig_place p[2];
	size_t n = places(r, e->buffer, p);

	while (n) {
		struct sig_compile_list *l = &c->list[p[--n]];
		size_t i = c->n[p[n]]++;

		l->text[i] = e->text;
		l->flags[i] = flags_of(r);
		l->ids[i] = id;
		l->ext[i] = ext_of(e);
		l->exts[i] = &l->ext[i];
		l->literals[i] = literal_of(r, e, id);
	}
	c->texts[c->n_texts++] = e->text;
	e->text = NULL;
}

/* The words of vectorscan, of which some may be the file's. */
static int refuse(hs_compile_error_t *e, bool one, struct sig_error *err)
{
	int r = e && (one || e->expression >= 0) ? -ENOTSUP : -ENOMEM;

	if (e)
		sig_fault(err, r, r == -ENOMEM ? "rules" : "pcre", "%s", e->message);
	hs_free_compile_error(e);
	return r;
}

/* What the database is left with. */
static void leave(struct sig_compile_list *l, size_t *n, const bool *taken)
{
	size_t left = 0;

	for (size_t i = 0; i < *n; i++) {
		if (taken[i])
			continue;
		l->text[left] = l->text[i];
		l->flags[left] = l->flags[i];
		l->ids[left] = l->ids[i];
		l->ext[left] = l->ext[i];
		l->exts[left] = &l->ext[left];
		left++;
	}
	*n = left;
}

/* Takes plain contents of streams out of what is for vectorscan, where that makes both fast. */
static int take_literals(struct sig_compile *c, struct sig_set *s)
{
	struct sig_compile_list *l = &c->list[SIG_IN_STREAM];
	_cleanup_free_ bool *taken = calloc(c->n[SIG_IN_STREAM] + 1, sizeof(*taken));
	struct sig_literals *literals;
	size_t n = 0;
	int r;

	if (!taken)
		return -ENOMEM;
	r = sig_literals_new(l->literals, c->n[SIG_IN_STREAM], taken, &literals);
	if (r)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < c->n[SIG_IN_STREAM]; i++)
		n += taken[i];
	if (n < SIG_LITERALS_FROM || c->n[SIG_IN_STREAM] - n > SIG_LITERALS_REST ||
	    sig_literals_way_memory(literals) > SIG_STREAM_STATE_MAX) {
		sig_literals_free(literals);
		return 0;
	}
	leave(l, &c->n[SIG_IN_STREAM], taken);
	s->literals = literals;
	s->n_literals = n;
	s->memory += sig_literals_memory(literals);
	return 0;
}

static int run_place(struct sig_compile *c, enum sig_place p, struct sig_set *s, unsigned int *id,
		     struct sig_error *err)
{
	const struct sig_compile_list *l = &c->list[p];
	hs_compile_error_t *e = NULL;
	size_t size;

	if (!c->n[p])
		return 0;
	if (hs_compile_ext_multi(l->text, l->flags, l->ids, l->exts, (unsigned int)c->n[p],
				 sig_place_streams(p) ? HS_MODE_STREAM : HS_MODE_BLOCK, NULL,
				 &s->db[p], &e) != HS_SUCCESS) {
		if (e && e->expression >= 0 && (size_t)e->expression < c->n[p])
			*id = l->ids[e->expression];
		return refuse(e, false, err);
	}
	if (hs_database_size(s->db[p], &size) == HS_SUCCESS)
		s->memory += size;
	if (sig_place_streams(p) && hs_stream_size(s->db[p], &s->state[p]) == HS_SUCCESS &&
	    s->state[p] > SIG_STREAM_STATE_MAX)
		return sig_fault(err, -EINVAL, "rules",
				 "a connection would need %zu bytes; the limit is %d", s->state[p],
				 SIG_STREAM_STATE_MAX);
	return hs_alloc_scratch(s->db[p], &s->scratch) == HS_SUCCESS ? 0 : -ENOMEM;
}

int sig_compile_run(struct sig_compile *c, struct sig_set *s, unsigned int *id,
		    struct sig_error *err)
{
	int r;

	*id = UINT32_MAX;
	r = c->n[SIG_IN_STREAM] < SIG_LITERALS_FROM ? 0 : take_literals(c, s);
	for (int p = 0; !r && p < SIG_PLACES; p++)
		r = run_place(c, p, s, id, err);
	return r;
}

/* The number behind "{", or after "," if that is larger; 1 for what is no repeat. */
static uint64_t repeat_at(const char *s)
{
	uint64_t n = 0, most = 1;

	if (*s != '{' || !isdigit((unsigned char)s[1]))
		return 1;
	for (s++; isdigit((unsigned char)*s) || *s == ','; s++) {
		n = *s == ',' ? 0 : n * 10 + (uint64_t)(*s - '0');
		if (n > SIG_EXPANSION_MAX)
			n = SIG_EXPANSION_MAX + 1;
		most = n > most ? n : most;
	}
	return most;
}

static const char *class_end(const char *s)
{
	s++;
	s += *s == '^';
	s += *s == ']';
	for (; *s && *s != ']'; s++)
		s += *s == '\\' && s[1];
	return s;
}

/*
 * How many places the expression has when its repeats are written out. Vectorscan does so for most
 * of them, and time and memory follow: "((a{100}){100}){100}" is eight letters of evil.
 */
static uint64_t expansion(const char *s)
{
	uint64_t sum[GROUPS_MAX + 1] = {0}, last = 0;
	int depth = 0;

	for (; *s; s++) {
		uint64_t times = repeat_at(s);

		if (times > 1) {
			sum[depth] += last * (times - 1);
			last *= times;
			s += strcspn(s, "}");
			s -= !*s;
		} else if (*s == '(') {
			if (depth == GROUPS_MAX)
				return UINT64_MAX;
			sum[++depth] = last = 0;
		} else if (*s == ')' && depth) {
			last = sum[depth--];
			sum[depth] += last;
		} else if (*s == '[') {
			s = class_end(s);
			s -= !*s;
			sum[depth] += last = 1;
		} else if (!strchr("*+?^$|{},0123456789", *s) || (s[0] == '\\' && s[1])) {
			s += *s == '\\' && s[1];
			sum[depth] += last = 1;
		} else if (strchr("0123456789", *s)) {
			sum[depth] += last = 1;
		}
		if (sum[depth] > SIG_EXPANSION_MAX)
			break;
	}
	return sum[depth];
}

/* What vectorscan would say of it, without making a database of all; of contents it never says
 * anything. */
int sig_compile_check(const struct sig_rule *r, const struct sig_expr *e, size_t n,
		      struct sig_error *err)
{
	bool pcre = false, empty;

	for (size_t i = 0; i < r->n_matches; i++) {
		pcre |= r->matches[i].is_pcre;
		if (r->matches[i].is_pcre && expansion(r->matches[i].text) > SIG_EXPANSION_MAX)
			return sig_fault(err, -EINVAL, "pcre",
					 "its repeats make more than %d places of it",
					 SIG_EXPANSION_MAX);
	}
	for (size_t i = 0; pcre && i < n; i++) {
		hs_expr_ext_t ext = ext_of(&e[i]);
		hs_compile_error_t *fault = NULL;
		hs_expr_info_t *info = NULL;

		if (hs_expression_ext_info(e[i].text, flags_of(r), &ext, &info, &fault) !=
		    HS_SUCCESS)
			return refuse(fault, true, err);
		empty = info->min_width == 0;
		free(info);
		if (empty)
			return sig_fault(err, -ENOTSUP, "pcre", "it matches where nothing is");
	}
	return 0;
}
