// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/memstream.h"
#include "sig_option.h"

#define NAME_MAX_LEN 64

struct var {
	char name[NAME_MAX_LEN];
	char *value;
};

/* A file that is being read. */
struct reader {
	const char *name, *limit;
	bool skip;
	size_t line;
	struct var vars[SIG_VARS_MAX];
	size_t n_vars;
	struct sig_file *file;
	char *err;
};

void sig_file_clear(struct sig_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		sig_rule_unref(f->rules[i]);
	free(f->rules);
	free(f->lines);
	free(f->first_skipped);
	*f = (struct sig_file){.n = 0};
}

static int fault(const struct reader *r, int code, const char *text)
{
	snprintf(r->err, SIG_FILE_ERROR, "%.100s, line %zu: %s", r->name, r->line, text);
	return code;
}

static const char *skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

static const char *find_var(const struct reader *r, const char *name, size_t n)
{
	for (size_t i = 0; i < r->n_vars; i++)
		if (strlen(r->vars[i].name) == n && strncmp(r->vars[i].name, name, n) == 0)
			return r->vars[i].value;
	return NULL;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* Writes the value for each $NAME up to the options, which begin with a parenthesis. */
static int expand(const struct reader *r, const char *text, char **out, struct sig_error *err)
{
	_cleanup_free_ char *buf = NULL;
	size_t size;
	FILE *to = open_memstream(&buf, &size);
	int e = 0;

	if (!to)
		return -ENOMEM;
	while (*text && *text != '(') {
		const char *value;
		size_t n;

		if (*text != '$') {
			fputc(*text++, to);
			continue;
		}
		n = name_length(text + 1);
		value = find_var(r, text + 1, n);
		if (!value) {
			e = sig_fault(err, -EINVAL, text,
				      "no such variable: define it by a line "
				      "\"var NAME VALUE\"");
			break;
		}
		fputs(value, to);
		text += n + 1;
	}
	fputs(text, to);
	if (!memstream_end(to, &buf) || e)
		return e ? e : -ENOMEM;
	*out = TAKE_PTR(buf);
	return 0;
}

static int add_rule(struct reader *r, struct sig_rule *rule)
{
	struct sig_file *f = r->file;

	if (f->n == SIG_RULES_MAX)
		return fault(r, -E2BIG, "too many rules");
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct sig_rule **rules = reallocarray(f->rules, room, sizeof(*rules));
		size_t *lines;

		if (rules)
			f->rules = rules;
		lines = rules ? reallocarray(f->lines, room, sizeof(*lines)) : NULL;
		if (!lines)
			return -ENOMEM;
		f->lines = lines;
		f->room = room;
	}
	f->lines[f->n] = r->line;
	f->rules[f->n++] = sig_rule_ref(rule);
	return 0;
}

/* The rule with the limit among its options. */
static int limited(const struct reader *r, char **text)
{
	char *end = strrchr(*text, ')'), *more;

	if (!r->limit || !end)
		return 0;
	if (asprintf(&more, "%.*s %s)", (int)(end - *text), *text, r->limit) < 0)
		return -ENOMEM;
	free(*text);
	*text = more;
	return 0;
}

static int skip_rule(struct reader *r, const struct sig_error *why)
{
	char line[SIG_FILE_ERROR];

	if (!r->file->skipped++) {
		snprintf(line, sizeof(line), "line %zu: %s", r->line, why->text);
		r->file->first_skipped = strdup(line);
	}
	return 0;
}

static int take_rule(struct reader *r, const char *line)
{
	struct sig_error err = {""};
	_cleanup_free_ char *text = NULL;
	struct sig_rule *rule;
	int e = expand(r, line, &text, &err);

	e = e ? e : limited(r, &text);
	e = e ? e : sig_rule_parse(text, &rule, &err);
	if (e == -ENOTSUP && r->skip)
		return skip_rule(r, &err);
	if (e)
		return e == -ENOMEM ? e : fault(r, e, err.text);
	e = add_rule(r, rule);
	sig_rule_unref(rule);
	return e;
}

/* Behind "var". A value may name what was defined before it. */
static int take_var(struct reader *r, const char *s)
{
	struct sig_error err = {""};
	size_t n;
	int e;

	s = skip_blanks(s);
	n = name_length(s);
	if (n == 0 || n >= NAME_MAX_LEN || find_var(r, s, n) || r->n_vars == SIG_VARS_MAX)
		return fault(r, -EINVAL,
			     "var: expected a NAME that is not defined yet and a VALUE");
	if (!*skip_blanks(s + n) || strchr(s, '('))
		return fault(r, -EINVAL, "var: expected addresses or ports after its name");
	e = expand(r, skip_blanks(s + n), &r->vars[r->n_vars].value, &err);
	if (e)
		return e == -ENOMEM ? e : fault(r, e, err.text);
	snprintf(r->vars[r->n_vars++].name, NAME_MAX_LEN, "%.*s", (int)n, s);
	return 0;
}

static int take_depth(struct reader *r, const char *s)
{
	uint32_t depth;

	if (!sig_option_number(skip_blanks(s), UINT32_MAX, &depth))
		return fault(r, -EINVAL, "depth: expected a number of bytes, or 0 for all");
	r->file->has_depth = true;
	r->file->depth = depth;
	return 0;
}

static const char *after_word(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strncmp(s, word, n) == 0 && (s[n] == ' ' || s[n] == '\t') ? s + n : NULL;
}

static int take_line(struct reader *r, const char *s)
{
	static const char *const vars[] = {"var", "ipvar", "portvar"};
	const char *rest;

	s = skip_blanks(s);
	if (!*s || *s == '#')
		return 0;
	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
		if ((rest = after_word(s, vars[i])))
			return take_var(r, rest);
	rest = after_word(s, "depth");
	return rest ? take_depth(r, rest) : take_rule(r, s);
}

/* Joins what backslashes continue into buf, and counts the lines. Returns where the next begins. */
static const char *join(const char *text, char *buf, size_t *lines)
{
	char *to = buf;

	for (*lines = 0; *text;) {
		size_t n = strcspn(text, "\n");
		bool more;

		memcpy(to, text, n);
		to += n;
		text += n + (text[n] == '\n');
		++*lines;
		while (to > buf && (to[-1] == '\r' || to[-1] == ' ' || to[-1] == '\t'))
			to--;
		more = to > buf && to[-1] == '\\' && buf[strspn(buf, " \t")] != '#';
		if (!more)
			break;
		to[-1] = ' ';
	}
	*to = '\0';
	return text;
}

/* A sid names one rule. */
static int cmp_sid(const void *a, const void *b, void *cookie)
{
	const struct sig_file *f = cookie;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	uint32_t p = f->rules[x]->sid, q = f->rules[y]->sid;

	if (p != q)
		return p < q ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int check_sids(struct reader *r)
{
	struct sig_file *f = r->file;
	_cleanup_free_ size_t *order = calloc(f->n + 1, sizeof(*order));
	char text[80];

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++)
		order[i] = i;
	qsort_r(order, f->n, sizeof(*order), cmp_sid, f);
	for (size_t i = 1; i < f->n; i++) {
		const struct sig_rule *before = f->rules[order[i - 1]], *rule = f->rules[order[i]];

		if (before->sid != rule->sid)
			continue;
		r->line = f->lines[order[i]];
		snprintf(text, sizeof(text), "sid %u: is that of line %zu too", rule->sid,
			 f->lines[order[i - 1]]);
		return fault(r, -EEXIST, text);
	}
	return 0;
}

static int read_all(struct reader *r, const char *text)
{
	_cleanup_free_ char *buf = malloc(strlen(text) + 1);
	size_t line = 1, n;
	int e = buf ? 0 : -ENOMEM;

	for (; !e && *text; line += n) {
		text = join(text, buf, &n);
		r->line = line;
		e = take_line(r, buf);
	}
	return e ? e : check_sids(r);
}

int sig_file_parse(const char *name, const char *text, const char *limit, bool skip,
		   struct sig_file *out, char err[SIG_FILE_ERROR])
{
	struct sig_file file = {.n = 0};
	struct reader r = {.name = name, .limit = limit, .skip = skip, .file = &file, .err = err};
	int e;

	*err = '\0';
	e = read_all(&r, text);
	for (size_t i = 0; i < r.n_vars; i++)
		free(r.vars[i].value);
	if (e) {
		sig_file_clear(&file);
		if (!*err)
			snprintf(err, SIG_FILE_ERROR, "%s", strerror(-e));
		return e;
	}
	*out = file;
	return 0;
}

char *sig_file_format(struct sig_rule *const *rules, size_t n, uint64_t depth)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fprintf(to, "# signatures of app-fw\ndepth %ju\n", (uintmax_t)depth);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%s\n", rules[i]->text);
	return memstream_end(to, &text);
}
