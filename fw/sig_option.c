// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_option.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

typedef int (*option_fn)(struct sig_parse *p, const char *name, char *value, struct sig_error *err);

bool sig_option_number(const char *text, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (!text || !isdigit((unsigned char)*text) || strlen(text) > 10)
		return false;
	for (; isdigit((unsigned char)*text); text++)
		v = v * 10 + (uint64_t)(*text - '0');
	if (*text || v > max)
		return false;
	*out = (uint32_t)v;
	return true;
}

bool sig_option_unquote(char **value)
{
	char *v = *value;
	size_t n = v ? strlen(v) : 0;

	if (n < 2 || v[0] != '"' || v[n - 1] != '"' || (v[n - 2] == '\\' && v[n - 3] != '\\'))
		return false;
	v[n - 1] = '\0';
	*value = v + 1;
	return true;
}

static int need(const char *name, const char *value, bool wanted, struct sig_error *err)
{
	if (wanted)
		return value && *value ? 0 : sig_fault(err, -EINVAL, name, "a value is missing");
	return value ? sig_fault(err, -EINVAL, name, "takes no value") : 0;
}

/* Backslashes before quotes, colons, semicolons and backslashes go. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1] && strchr("\";:\\", s[1]))
			s++;
		*to++ = *s;
	}
	*to = '\0';
}

static int take_msg(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	if (!sig_option_unquote(&value))
		return sig_fault(err, -EINVAL, name, "expected a text in quotes");
	if (p->has_msg)
		return sig_fault(err, -EINVAL, name, "is given twice");
	unescape(value);
	if (strlen(value) >= SIG_MSG_MAX)
		return sig_fault(err, -EINVAL, name, "longer than %d bytes", SIG_MSG_MAX - 1);
	if (!utf8_is_printable(value))
		return sig_fault(err, -EINVAL, name, "a character that is not printable");
	strcpy(p->rule->msg, value);
	p->has_msg = true;
	return 0;
}

static int take_sid(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	if (p->has_sid)
		return sig_fault(err, -EINVAL, name, "is given twice");
	if (!sig_option_number(value, UINT32_MAX, &p->rule->sid) || !p->rule->sid)
		return sig_fault(err, -EINVAL, name, "expected a number from 1 to 4294967295");
	p->has_sid = true;
	return 0;
}

static int take_rev(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	if (!sig_option_number(value, UINT32_MAX, &p->rule->rev))
		return sig_fault(err, -EINVAL, name, "expected a number");
	return 0;
}

/* What does not fit any more is left out: it is only shown. */
static int take_reference(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	char *to = p->rule->reference;
	size_t n = strlen(to);

	if (!utf8_is_printable(value) || !strchr(value, ','))
		return sig_fault(err, -EINVAL, name, "expected SYSTEM,REFERENCE");
	if (n + strlen(value) + 2 <= SIG_MSG_MAX)
		snprintf(to + n, SIG_MSG_MAX - n, "%s%s", n ? " " : "", value);
	return 0;
}

static int take_classtype(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	if (strlen(value) >= sizeof(p->rule->classtype) || !utf8_is_printable(value))
		return sig_fault(err, -EINVAL, name, "expected a short name");
	strcpy(p->rule->classtype, value);
	return 0;
}

/* Said of a rule, and changes nothing of what it matches. */
static int take_nothing(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	(void)p;
	(void)name;
	(void)value;
	(void)err;
	return 0;
}

static int take_flow_word(struct sig_parse *p, const char *word, struct sig_error *err)
{
	struct sig_rule *r = p->rule;

	if (strcmp(word, "to_server") == 0 || strcmp(word, "from_client") == 0)
		r->to_server = true;
	else if (strcmp(word, "to_client") == 0 || strcmp(word, "from_server") == 0)
		r->to_client = true;
	else if (strcmp(word, "established") == 0)
		r->established = true;
	else if (strcmp(word, "stateless") != 0 && strcmp(word, "only_stream") != 0)
		return sig_fault(err, -ENOTSUP, word, "flow has no such word");
	return 0;
}

static int take_flow(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	char *word, *rest = value;
	int r = 0;

	if (p->has_flow)
		return sig_fault(err, -EINVAL, name, "is given twice");
	p->has_flow = true;
	while (!r && (word = strsep(&rest, ","))) {
		while (isspace((unsigned char)*word))
			word++;
		word[strcspn(word, " \t")] = '\0';
		r = take_flow_word(p, word, err);
	}
	if (!r && p->rule->to_server && p->rule->to_client)
		r = sig_fault(err, -EINVAL, name, "to_server and to_client exclude each other");
	return r;
}

static int take_dsize(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	struct sig_rule *r = p->rule;
	char *range = strstr(value, "<>");
	bool good;

	if (range) {
		*range = '\0';
		r->size = SIG_SIZE_IN;
		good = sig_option_number(value, 65535, &r->size_from) &&
		       sig_option_number(range + 2, 65535, &r->size_to) &&
		       r->size_from < r->size_to;
	} else {
		static const char signs[] = "=!<>";
		static const enum sig_compare as[] = {SIG_SIZE_IS, SIG_SIZE_NOT, SIG_SIZE_LESS,
						      SIG_SIZE_MORE};
		const char *sign = strchr(signs, *value);

		r->size = sign ? as[sign - signs] : SIG_SIZE_IS;
		good = sig_option_number(value + (sign != NULL), 65535, &r->size_from);
	}
	return good ? 0 : sig_fault(err, -EINVAL, name, "expected N, !N, <N, >N or N<>M");
}

static struct sig_app *add_app(struct sig_parse *p, char **value)
{
	struct sig_app *a;

	if (p->rule->n_apps == SIG_APPS_MAX)
		return NULL;
	a = &p->rule->apps[p->rule->n_apps];
	a->negated = **value == '!';
	*value += a->negated;
	return a;
}

static int take_app_set(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	struct sig_app *a = add_app(p, &value);
	const char *expected = set_name_fault(value);

	if (!a)
		return sig_fault(err, -EINVAL, name, "more than %d", SIG_APPS_MAX);
	if (expected)
		return sig_fault(err, -EINVAL, name, "expected %s", expected);
	a->is_set = true;
	strcpy(a->set, value);
	p->rule->n_apps++;
	return 0;
}

static int take_app_hash(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	struct sig_app *a = add_app(p, &value);

	if (!a)
		return sig_fault(err, -EINVAL, name, "more than %d", SIG_APPS_MAX);
	if (hex_parse_sha256(value, &a->digest))
		return sig_fault(err, -EINVAL, name, "expected 64 hexadecimal digits");
	p->rule->n_apps++;
	return 0;
}

static const struct {
	const char *name;
	enum sig_buffer buffer;
	bool modifier; /* of the content before it, if there is one */
} buffer_words[] = {
	{"http_method", SIG_METHOD, true},     {"http.method", SIG_METHOD, false},
	{"http_uri", SIG_URI, true},	       {"http.uri", SIG_URI, false},
	{"http_raw_uri", SIG_RAW_URI, true},   {"http.uri.raw", SIG_RAW_URI, false},
	{"http_header", SIG_HEADER, true},     {"http.header", SIG_HEADER, false},
	{"http_raw_header", SIG_HEADER, true}, {"http.header.raw", SIG_HEADER, false},
	{"http_client_body", SIG_BODY, true},  {"http.request_body", SIG_BODY, false},
	{"http.client_body", SIG_BODY, false}, {"pkt_data", SIG_PAYLOAD, false},
};

/* http.uri stands before its contents. http_uri stands after each, or before all: then it is as
 * http.uri. */
static int take_buffer(struct sig_parse *p, const char *name, enum sig_buffer b, bool modifier,
		       struct sig_error *err)
{
	struct sig_match *last =
		p->rule->n_matches ? &p->rule->matches[p->rule->n_matches - 1] : NULL;

	if (modifier && last && !p->said_sticky) {
		if (last->buffer != SIG_PAYLOAD && last->buffer != b)
			return sig_fault(err, -EINVAL, name,
					 "the content has another buffer already");
		last->buffer = b;
		return 0;
	}
	p->sticky = b;
	p->said_sticky = true;
	return 0;
}

static const struct {
	const char *name;
	option_fn take;
	bool value;
} options[] = {
	{"msg", take_msg, true},
	{"sid", take_sid, true},
	{"rev", take_rev, true},
	{"content", sig_match_content, true},
	{"pcre", sig_match_pcre, true},
	{"nocase", sig_match_modify, false},
	{"offset", sig_match_modify, true},
	{"depth", sig_match_modify, true},
	{"distance", sig_match_modify, true},
	{"within", sig_match_modify, true},
	{"startswith", sig_match_modify, false},
	{"endswith", sig_match_modify, false},
	{"flow", take_flow, true},
	{"dsize", take_dsize, true},
	{"reference", take_reference, true},
	{"classtype", take_classtype, true},
	{"metadata", take_nothing, true},
	{"priority", take_nothing, true},
	{"gid", take_nothing, true},
	{"target", take_nothing, true},
	{"rawbytes", take_nothing, false},
	{"app_set", take_app_set, true},
	{"app_hash", take_app_hash, true},
};

int sig_option_take(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	int r;

	if (strcmp(name, "fast_pattern") == 0) /* with a value or without */
		return 0;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(name, options[i].name) == 0) {
			r = need(name, value, options[i].value, err);
			return r ? r : options[i].take(p, name, value, err);
		}
	for (size_t i = 0; i < sizeof(buffer_words) / sizeof(buffer_words[0]); i++)
		if (strcmp(name, buffer_words[i].name) == 0) {
			r = need(name, value, false, err);
			return r ? r
				 : take_buffer(p, name, buffer_words[i].buffer,
					       buffer_words[i].modifier, err);
		}
	return sig_fault(err, -ENOTSUP, *name ? name : ";", "this keyword is not supported");
}

/* A way of a stream has no end that could be waited for. */
static int check_ends(const struct sig_rule *r, struct sig_error *err)
{
	for (size_t i = 0; i < r->n_matches; i++)
		if (r->matches[i].ends && r->matches[i].buffer == SIG_PAYLOAD &&
		    r->header.proto != SIG_UDP && r->header.proto != SIG_ICMP)
			return sig_fault(err, -ENOTSUP, "endswith",
					 "a TCP stream's end is not waited for");
	return 0;
}

static int check_http(struct sig_rule *r, struct sig_error *err)
{
	bool http = r->header.proto == SIG_HTTP;

	for (size_t i = 0; i < r->n_matches; i++)
		http |= r->matches[i].buffer != SIG_PAYLOAD;
	if (!http)
		return 0;
	if (r->header.proto != SIG_HTTP && r->header.proto != SIG_TCP)
		return sig_fault(err, -EINVAL, "http", "expected protocol http or tcp");
	for (size_t i = 0; i < r->n_matches; i++)
		if (r->matches[i].buffer != SIG_PAYLOAD && r->to_client)
			return sig_fault(err, -ENOTSUP, "to_client",
					 "of HTTP, only requests are parsed");
	return 0;
}

/* A rule that only takes away is one for everything. */
static int check_matches(const struct sig_rule *r, struct sig_error *err)
{
	for (size_t i = 0; i < r->n_matches; i++)
		if (!r->matches[i].negated)
			return 0;
	return sig_fault(err, -ENOTSUP, "content",
			 "a signature needs a content or pcre that is not negated");
}

int sig_option_finish(struct sig_parse *p, struct sig_error *err)
{
	int r;

	if (!p->has_sid)
		return sig_fault(err, -EINVAL, "sid", "is missing");
	r = check_matches(p->rule, err);
	r = r ? r : check_http(p->rule, err);
	return r ? r : check_ends(p->rule, err);
}
