// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_rule.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "sig_option.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const actions[] = {
	[SIG_ALERT] = "alert", [SIG_DROP] = "drop", [SIG_REJECT] = "reject"};
static_assert(LENGTH(actions) == SIG_ACTIONS, "every action has a name");

static const char *const buffers[] = {
	[SIG_PAYLOAD] = "payload",    [SIG_METHOD] = "http.method",
	[SIG_URI] = "http.uri",	      [SIG_RAW_URI] = "http.uri.raw",
	[SIG_HEADER] = "http.header", [SIG_BODY] = "http.request_body",
};
static_assert(LENGTH(buffers) == SIG_BUFFERS, "every buffer has a name");

const char *sig_action_name(enum sig_action a)
{
	return (size_t)a < SIG_ACTIONS ? actions[a] : "?";
}

const char *sig_buffer_name(enum sig_buffer b)
{
	return (size_t)b < SIG_BUFFERS ? buffers[b] : "?";
}

/* The word may be any bytes: the line is printable. */
int sig_fault(struct sig_error *err, int code, const char *word, const char *format, ...)
{
	char what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(err->text, sizeof(err->text), "%.60s: %s", word, what);
	for (char *c = err->text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	return code;
}

static void rule_free(struct sig_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++)
		free(r->matches[i].text);
	free(r->matches);
	free(r->text);
	free(r);
}

struct sig_rule *sig_rule_ref(struct sig_rule *r)
{
	__atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
	return r;
}

void sig_rule_unref(struct sig_rule *r)
{
	if (r && __atomic_fetch_sub(&r->refs, 1, __ATOMIC_ACQ_REL) == 1)
		rule_free(r);
}

static void cleanup_rule(struct sig_rule **r)
{
	sig_rule_unref(*r);
}

bool sig_rule_uses(const struct sig_rule *r, enum sig_buffer buffer)
{
	for (size_t i = 0; i < r->n_matches; i++)
		if (r->matches[i].buffer == buffer)
			return true;
	return false;
}

bool sig_rule_size_fits(const struct sig_rule *r, size_t size)
{
	switch (r->size) {
	case SIG_SIZE_IS:
		return size == r->size_from;
	case SIG_SIZE_NOT:
		return size != r->size_from;
	case SIG_SIZE_LESS:
		return size < r->size_from;
	case SIG_SIZE_MORE:
		return size > r->size_from;
	case SIG_SIZE_IN:
		return size > r->size_from && size < r->size_to;
	default:
		return true;
	}
}

void sig_rule_cve(const struct sig_rule *r, char out[32])
{
	const char *at = strstr(r->reference, "cve,");
	size_t n;

	out[0] = '\0';
	if (!at)
		return;
	at += 4;
	n = strcspn(at, " ");
	if (n < 24)
		snprintf(out, 32, "%s%.*s", strncasecmp(at, "CVE-", 4) == 0 ? "" : "CVE-", (int)n,
			 at);
}

static const char *skip(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int take_action(const char **at, enum sig_action *out, struct sig_error *err)
{
	const char *s = skip(*at);
	char word[32];
	size_t n = strcspn(s, " \t(");

	snprintf(word, sizeof(word), "%.*s", n < sizeof(word) ? (int)n : 31, s);
	for (size_t i = 0; i < SIG_ACTIONS; i++)
		if (strcmp(word, actions[i]) == 0) {
			*out = i;
			*at = s + n;
			return 0;
		}
	if (strcmp(word, "pass") == 0 || strncmp(word, "reject", 6) == 0 ||
	    strcmp(word, "config") == 0)
		return sig_fault(err, -ENOTSUP, word, "this action is not supported");
	return sig_fault(err, -EINVAL, *word ? word : "rule", "expected alert, drop or reject");
}

/* The end of an option: a semicolon that is neither escaped nor quoted. */
static const char *option_end(const char *s)
{
	bool quoted = false;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (*s == ';' && !quoted)
			return s;
	}
	return NULL;
}

/* "name" or "name:value", without blanks around either. */
static int take_option(struct sig_parse *p, char *text, struct sig_error *err)
{
	char *value = strchr(text, ':'), *end;

	for (end = text + strlen(text); end > text && isspace((unsigned char)end[-1]); end--)
		end[-1] = '\0';
	if (value) {
		*value = '\0';
		for (end = value; end > text && isspace((unsigned char)end[-1]); end--)
			end[-1] = '\0';
		value = (char *)skip(value + 1);
	}
	return sig_option_take(p, text, value, err);
}

static int take_options(struct sig_parse *p, const char *at, struct sig_error *err)
{
	for (at = skip(at); *at != ')'; at = skip(at)) {
		const char *end = option_end(at);
		_cleanup_free_ char *text = NULL;
		int r;

		if (!end)
			return sig_fault(err, -EINVAL, *at ? at : "rule",
					 "an option without its ;");
		text = strndup(at, (size_t)(end - at));
		r = text ? take_option(p, text, err) : -ENOMEM;
		if (r)
			return r;
		at = end + 1;
	}
	if (*skip(at + 1))
		return sig_fault(err, -EINVAL, skip(at + 1), "text after the rule");
	return 0;
}

static int parse(struct sig_rule *r, const char *text, struct sig_error *err)
{
	struct sig_parse p = {.rule = r};
	int e = take_action(&text, &r->action, err);

	e = e ? e : sig_header_parse(text, &text, &r->header, err);
	text = skip(text);
	if (!e && *text != '(')
		e = sig_fault(err, -EINVAL, *text ? text : "rule", "expected ( and options");
	e = e ? e : take_options(&p, text + 1, err);
	return e ? e : sig_option_finish(&p, err);
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return true;
	return false;
}

int sig_rule_parse(const char *text, struct sig_rule **out, struct sig_error *err)
{
	_cleanup_(cleanup_rule) struct sig_rule *r = NULL;
	int e;

	text = skip(text);
	if (strlen(text) > SIG_TEXT_MAX)
		return sig_fault(err, -EINVAL, "rule", "longer than %d bytes", SIG_TEXT_MAX);
	if (has_control(text))
		return sig_fault(err, -EINVAL, "rule", "a character that is not printable");
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->refs = 1;
	r->matches = calloc(SIG_MATCHES_MAX, sizeof(*r->matches));
	r->text = strdup(text);
	if (!r->matches || !r->text)
		return -ENOMEM;
	e = parse(r, text, err);
	if (e)
		return e;
	*out = TAKE_PTR(r);
	return 0;
}
