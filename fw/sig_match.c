// SPDX-License-Identifier: GPL-2.0-or-later
/* content and pcre, and what modifies them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "sig_option.h"

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "|0d 0a|", from behind the first bar; leaves *at behind the second. False: it is none. */
static bool take_hex(const char **at, char *out, size_t *n)
{
	const char *s = *at;

	for (; *s != '|'; s++) {
		int high = hex_digit(*s), low;

		if (*s == ' ')
			continue;
		low = high < 0 ? -1 : hex_digit(s[1]);
		if (low < 0)
			return false;
		out[(*n)++] = (char)(high << 4 | low);
		s++;
	}
	*at = s + 1;
	return true;
}

/* What the text stands for is never longer than it. */
static int decode(const char *s, char *out, size_t *n, struct sig_error *err)
{
	*n = 0;
	while (*s) {
		if (*s == '|') {
			s++;
			if (!take_hex(&s, out, n))
				return sig_fault(err, -EINVAL, "content",
						 "expected pairs of hexadecimal "
						 "digits between two |");
			continue;
		}
		if (*s == '"')
			return sig_fault(err, -EINVAL, "content", "a quote needs a \\ before it");
		if (*s == '\\' && !strchr("\";:\\|", *++s))
			return sig_fault(err, -EINVAL, "content",
					 "expected \" ; : or \\ after a \\");
		if (!*s)
			return sig_fault(err, -EINVAL, "content", "ends in a \\");
		out[(*n)++] = *s++;
	}
	return 0;
}

static bool take_bang(char **value)
{
	if (**value != '!')
		return false;
	do
		(*value)++;
	while (isspace((unsigned char)**value));
	return true;
}

/* The next match of the rule, which is not counted yet; NULL: there is no room. */
static struct sig_match *begin(struct sig_parse *p, const char *name, struct sig_error *err)
{
	struct sig_match *m = &p->rule->matches[p->rule->n_matches];

	if (p->rule->n_matches == SIG_MATCHES_MAX) {
		sig_fault(err, -ENOTSUP, name, "more than %d in one rule", SIG_MATCHES_MAX);
		return NULL;
	}
	*m = (struct sig_match){.buffer = p->sticky};
	return m;
}

int sig_match_content(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	_cleanup_free_ char *bytes = NULL;
	bool negated = take_bang(&value);
	struct sig_match *m;
	size_t n;
	int r;

	if (!sig_option_unquote(&value))
		return sig_fault(err, -EINVAL, name, "expected a text in quotes");
	bytes = malloc(strlen(value) + 1);
	if (!bytes)
		return -ENOMEM;
	r = decode(value, bytes, &n, err);
	if (r)
		return r;
	if (n == 0 || n > SIG_CONTENT_MAX)
		return sig_fault(err, -EINVAL, name, "expected 1 to %d bytes", SIG_CONTENT_MAX);
	m = begin(p, name, err);
	if (!m)
		return -ENOTSUP;
	m->negated = negated;
	m->text = TAKE_PTR(bytes);
	m->n = n;
	p->rule->n_matches++;
	return 0;
}

static int take_flag(struct sig_parse *p, struct sig_match *m, char flag, struct sig_error *err)
{
	const char word[] = {'/', flag, '\0'};

	switch (flag) {
	case 'i':
		m->nocase = true;
		return 0;
	case 's':
		m->dotall = true;
		return 0;
	case 'm':
		m->multiline = true;
		return 0;
	case 'R':
		m->relative = true;
		return 0;
	case 'U':
	case 'H':
	case 'P':
		if (p->said_sticky)
			return sig_fault(err, -EINVAL, word, "the buffer is named already");
		m->buffer = flag == 'U' ? SIG_URI : flag == 'H' ? SIG_HEADER : SIG_BODY;
		return 0;
	default:
		return sig_fault(err, -ENOTSUP, word, "pcre has no such flag here");
	}
}

/* ^ anywhere but in front, or in one of several branches, cannot be made relative by text. */
static bool is_anchored_inside(const char *s)
{
	bool class = false, branch = false, anchor = false;

	for (const char *c = s; *c; c++) {
		if (*c == '\\' && c[1]) {
			c++;
			anchor |= *c == 'A' && !class;
		} else if (class) {
			class = *c != ']';
		} else if (*c == '[') {
			class = true;
			c += c[1] == '^';
			c += c[1] == ']';
		} else {
			branch |= *c == '|';
			anchor |= *c == '^' && c > s;
		}
	}
	return anchor || (branch && *s == '^');
}

int sig_match_pcre(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	bool negated = take_bang(&value);
	struct sig_match *m;
	char *end;
	int r = 0;

	if (!sig_option_unquote(&value) || *value != '/' || (end = strrchr(value, '/')) == value)
		return sig_fault(err, -EINVAL, name, "expected \"/EXPRESSION/FLAGS\"");
	if (end == value + 1 || end - value > SIG_PCRE_MAX)
		return sig_fault(err, -EINVAL, name, "expected 1 to %d bytes", SIG_PCRE_MAX);
	m = begin(p, name, err);
	if (!m)
		return -ENOTSUP;
	m->is_pcre = true;
	m->negated = negated;
	for (const char *flag = end + 1; !r && *flag; flag++)
		r = take_flag(p, m, *flag, err);
	*end = '\0';
	if (!r && m->relative && (negated || is_anchored_inside(value + 1)))
		r = sig_fault(err, -ENOTSUP, "/R", "not of such an expression");
	m->text = r ? NULL : strdup(value + 1);
	if (r || !m->text)
		return r ? r : -ENOMEM;
	m->n = strlen(m->text);
	p->rule->n_matches++;
	return 0;
}

static int number_fault(const char *name, const char *value, uint32_t max, struct sig_error *err)
{
	if (*value == '-')
		return sig_fault(err, -ENOTSUP, name, "%.20s: not below 0", value);
	if (isdigit((unsigned char)*value) || *value == '+')
		return sig_fault(err, -EINVAL, name, "%.20s: expected a number up to %u", value,
				 max);
	return sig_fault(err, -ENOTSUP, name, "%.20s: expected a number", value);
}

static const struct {
	const char *name;
	size_t has, value; /* where in struct sig_match */
	uint32_t max;
	bool relative;
} numbers[] = {
	{"offset", offsetof(struct sig_match, has_offset), offsetof(struct sig_match, offset),
	 SIG_OFFSET_MAX, false},
	{"depth", offsetof(struct sig_match, has_depth), offsetof(struct sig_match, depth),
	 SIG_OFFSET_MAX, false},
	{"distance", offsetof(struct sig_match, has_distance), offsetof(struct sig_match, distance),
	 SIG_REPEAT_MAX, true},
	{"within", offsetof(struct sig_match, has_within), offsetof(struct sig_match, within),
	 SIG_REPEAT_MAX, true},
};

static int set_number(struct sig_match *m, const char *name, const char *value,
		      struct sig_error *err)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		bool *has = (bool *)((char *)m + numbers[i].has);
		uint32_t *to = (uint32_t *)((char *)m + numbers[i].value);

		if (strcmp(name, numbers[i].name) != 0)
			continue;
		if (*has)
			return sig_fault(err, -EINVAL, name, "is given twice for one content");
		if (!sig_option_number(value, numbers[i].max, to))
			return number_fault(name, value, numbers[i].max, err);
		*has = true;
		m->relative |= numbers[i].relative;
		return 0;
	}
	return sig_fault(err, -ENOTSUP, name, "this keyword is not supported");
}

/* What contradicts another modifier of the same content. */
static int check(const struct sig_match *m, const char *name, struct sig_error *err)
{
	if (m->relative && (m->has_offset || m->has_depth || m->starts))
		return sig_fault(err, -EINVAL, name,
				 "is from the start or from the last match, not both");
	if (m->starts && (m->has_offset || m->has_depth))
		return sig_fault(err, -EINVAL, name, "startswith has its place already");
	if ((m->has_depth && m->depth < m->n) || (m->has_within && m->within < m->n))
		return sig_fault(err, -EINVAL, name, "less than the %zu bytes of the content",
				 m->n);
	if (m->relative && m->negated)
		return sig_fault(err, -ENOTSUP, name, "not of a negated content");
	return 0;
}

int sig_match_modify(struct sig_parse *p, const char *name, char *value, struct sig_error *err)
{
	struct sig_match *m = p->rule->n_matches ? &p->rule->matches[p->rule->n_matches - 1] : NULL;
	int r = 0;

	if (!m)
		return sig_fault(err, -EINVAL, name, "no content before it");
	if (m->is_pcre)
		return sig_fault(err, -EINVAL, name, "not of a pcre");
	if (strcmp(name, "nocase") == 0)
		m->nocase = true;
	else if (strcmp(name, "startswith") == 0)
		m->starts = true;
	else if (strcmp(name, "endswith") == 0)
		m->ends = true;
	else
		r = set_number(m, name, value, err);
	return r ? r : check(m, name, err);
}
