// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_expr.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The expression that is being written. */
struct chain {
	FILE *to;
	char *text;
	size_t size;
	struct sig_expr *expr;
};

void sig_expr_clear(struct sig_expr *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(e[i].text);
}

/* fw/http.h folds the case of a URI, so what is looked for in it has none. */
static bool ignores_case(const struct sig_match *m)
{
	return m->nocase || m->buffer == SIG_URI;
}

static void write_content(FILE *to, const struct sig_match *m)
{
	if (ignores_case(m))
		fputs("(?i:", to);
	for (size_t i = 0; i < m->n; i++) {
		unsigned char c = (unsigned char)m->text[i];

		if (isalnum(c))
			fputc(c, to);
		else
			fprintf(to, "\\x%02x", c);
	}
	if (ignores_case(m))
		fputc(')', to);
}

static void write_pcre(FILE *to, const struct sig_match *m, bool joined)
{
	const char *text = m->text + (joined && *m->text == '^');
	char on[4] = "", off[4] = "";

	strcat(ignores_case(m) ? on : off, "i");
	strcat(m->dotall ? on : off, "s");
	strcat(m->multiline ? on : off, "m");
	fprintf(to, "(?%s%s%s:%s)", on, *off ? "-" : "", off, text);
}

static void write_match(FILE *to, const struct sig_match *m, bool joined)
{
	if (m->is_pcre)
		write_pcre(to, m, joined);
	else
		write_content(to, m);
	if (m->ends)
		fputs("\\z", to);
}

/* Any bytes, from `least` to `most`; has_most false: no end. */
static void write_gap(FILE *to, uint32_t least, bool has_most, uint32_t most)
{
	if (has_most && most == 0)
		return;
	if (has_most && least == most)
		fprintf(to, "(?s:.){%u}", least);
	else if (has_most)
		fprintf(to, "(?s:.){%u,%u}", least, most);
	else if (least)
		fprintf(to, "(?s:.){%u,}", least);
	else
		fputs("(?s:.*)", to);
}

/* Within counts from behind the distance. */
static void write_relative_gap(FILE *to, const struct sig_match *m)
{
	uint32_t least = m->has_distance ? m->distance : 0;

	if (m->is_pcre && *m->text == '^')
		return;
	write_gap(to, least, m->has_within,
		  least + (m->has_within ? m->within - (uint32_t)m->n : 0));
}

/* Of several contents, the first one's place is written in front; one alone has it as bounds. */
static int write_place(struct chain *c, const struct sig_match *m, bool alone,
		       struct sig_error *err)
{
	if (m->starts) {
		fputs("\\A", c->to);
		return 0;
	}
	if (m->relative) { /* to the start of the buffer */
		fputs("\\A", c->to);
		write_relative_gap(c->to, m);
		return 0;
	}
	if (!m->has_offset && !m->has_depth)
		return 0;
	if (alone) {
		c->expr->min_end = m->offset + m->n;
		c->expr->max_end = m->has_depth ? (uint64_t)m->offset + m->depth : 0;
		return 0;
	}
	if (m->offset > SIG_REPEAT_MAX || (m->has_depth && m->depth > SIG_REPEAT_MAX))
		return sig_fault(err, -ENOTSUP, m->has_depth ? "depth" : "offset",
				 "more than %d, with a content relative to it", SIG_REPEAT_MAX);
	fputs("\\A", c->to);
	write_gap(c->to, m->offset, m->has_depth,
		  m->offset + (m->has_depth ? m->depth - (uint32_t)m->n : 0));
	return 0;
}

/* The next match that is relative to matches[i], or n. Others of its buffer come in between only
 * if they are negated. */
static size_t next_of(const struct sig_rule *r, size_t i)
{
	for (size_t k = i + 1; k < r->n_matches; k++) {
		if (r->matches[k].buffer != r->matches[i].buffer || r->matches[k].negated)
			continue;
		return r->matches[k].relative ? k : r->n_matches;
	}
	return r->n_matches;
}

/* Whether it goes on what stands before it. */
static bool continues(const struct sig_rule *r, size_t i)
{
	if (!r->matches[i].relative)
		return false;
	for (size_t k = i; k-- > 0;)
		if (r->matches[k].buffer == r->matches[i].buffer && !r->matches[k].negated)
			return true;
	return false;
}

static int write_chain(struct chain *c, const struct sig_rule *r, size_t i, struct sig_error *err)
{
	size_t next = next_of(r, i);
	int e = write_place(c, &r->matches[i], next == r->n_matches, err);

	if (e)
		return e;
	write_match(c->to, &r->matches[i], r->matches[i].relative);
	for (; next < r->n_matches; next = next_of(r, next)) {
		write_relative_gap(c->to, &r->matches[next]);
		write_match(c->to, &r->matches[next], true);
	}
	return 0;
}

/* What its bytes, and where it may end, say all of. */
static bool is_literal(const struct sig_rule *r, size_t i)
{
	const struct sig_match *m = &r->matches[i];

	return !m->is_pcre && !m->starts && !m->ends && !m->relative &&
	       next_of(r, i) == r->n_matches;
}

static int make_one(const struct sig_rule *r, size_t i, struct sig_expr *out, struct sig_error *err)
{
	struct chain c = {.expr = out};
	int e;

	*out = (struct sig_expr){.buffer = r->matches[i].buffer,
				 .negated = r->matches[i].negated,
				 .literal = is_literal(r, i) ? &r->matches[i] : NULL};
	c.to = open_memstream(&c.text, &c.size);
	if (!c.to)
		return -ENOMEM;
	e = write_chain(&c, r, i, err);
	if (fclose(c.to) && !e)
		e = -ENOMEM;
	if (e)
		free(c.text);
	else
		out->text = c.text;
	return e;
}

int sig_expr_make(const struct sig_rule *r, struct sig_expr out[SIG_MATCHES_MAX], size_t *n,
		  struct sig_error *err)
{
	size_t made = 0;

	for (size_t i = 0; i < r->n_matches; i++) {
		int e;

		if (continues(r, i))
			continue;
		e = make_one(r, i, &out[made], err);
		if (e) {
			sig_expr_clear(out, made);
			return e;
		}
		made++;
	}
	*n = made;
	return 0;
}
