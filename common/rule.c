/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "rule_line.h"
#include "rule_option.h"
#include "rule_proto.h"

#define LENGTH(array)  (sizeof(array) / sizeof((array)[0]))
#define RULE_WORDS_MAX (3 * MATCH_COUNT + 2 * SETTING_COUNT)

bool rule_word_is_not(const char *word)
{
	return strcmp(word, "-!") == 0 || strcmp(word, "--not") == 0;
}

int rule_option_width(const char *word)
{
	size_t i = rule_option_find(word);

	if (rule_word_is_not(word))
		return 1;
	if (i == OPTION_COUNT)
		return 0;
	return rule_option_at(i)->parse ? 2 : 1;
}

struct reader {
	char *const *next, *const *end;
	uint32_t seen; /* OPTION_BITs */
	struct rule rule;
	struct rule_error *err;
};

static int parse_value(const struct rule_option *o, const char *word, const char *value,
		       struct rule *r, struct rule_error *err)
{
	struct rule_error why;

	if (o->parse(value, (char *)r + o->field, &why))
		return rule_refuse(err, "%s %s: %.180s", word, rule_show(value).text, why.text);
	return 0;
}

int rule_parse_value(enum match m, const char *option, const char *value, struct rule *r,
		     struct rule_error *err)
{
	return parse_value(rule_option_at(m), option, value, r, err);
}

static int read_value(struct reader *in, const char *word, const struct rule_option *o)
{
	if (!o->parse)
		return 0;
	if (in->next == in->end)
		return rule_refuse(in->err, "%s: expected a value after it", word);
	return parse_value(o, word, *in->next++, &in->rule, in->err);
}

static int read_option(struct reader *in)
{
	const char *word = *in->next++;
	bool negated = rule_word_is_not(word);
	size_t i;

	if (negated) {
		if (in->next == in->end)
			return rule_refuse(in->err, "%s: expected a match after it", word);
		word = *in->next++;
	}
	i = rule_option_find(word);
	if (negated && (rule_word_is_not(word) || (i >= MATCH_COUNT && i < OPTION_COUNT)))
		return rule_refuse(in->err, "-! %s: expected a match after -!", word);
	if (i == OPTION_COUNT)
		return rule_refuse(in->err, "%s: expected an option of a rule",
				   rule_show(word).text);
	if (in->seen & OPTION_BIT(i))
		return rule_refuse(in->err, "%s: option given twice: expected once", word);
	in->seen |= OPTION_BIT(i);
	if (negated)
		in->rule.neg |= MATCH_BIT(i);
	return read_value(in, word, rule_option_at(i));
}

static int check_families(const struct rule *r, struct rule_error *err)
{
	const uint32_t both = MATCH_BIT(MATCH_SRC) | MATCH_BIT(MATCH_DST);
	char src[CIDR_TEXT_LEN], dst[CIDR_TEXT_LEN];

	if ((r->have & both) != both || r->src.family == r->dst.family)
		return 0;
	cidr_format(&r->src, src);
	cidr_format(&r->dst, dst);
	return rule_refuse(err, "-s %s -d %s: expected addresses of one family", src, dst);
}

static int check_ports(const struct rule *r, struct rule_error *err)
{
	char proto[RULE_VALUE_MAX];

	/* "Any protocol but icmp" leaves those that have ports. */
	if (!(r->have & ~r->neg & MATCH_BIT(MATCH_PROTO)) || rule_proto_has_ports(r->proto))
		return 0;
	rule_option_at(MATCH_PROTO)->format(&r->proto, proto);
	for (size_t m = MATCH_SPORT; m <= MATCH_DPORT; m++)
		if (r->have & MATCH_BIT(m))
			return rule_refuse(err,
					   "%s: protocol %.16s has no ports: expected -p tcp, udp, "
					   "udplite, sctp or dccp",
					   rule_option_at(m)->word, proto);
	return 0;
}

static int check_whole(const struct reader *in)
{
	int r;

	if (!(in->seen & SETTING_BIT(SETTING_CHAIN)))
		return rule_refuse(in->err, "missing -c: expected INPUT, OUTPUT or FORWARD");
	if (!(in->seen & SETTING_BIT(SETTING_VERDICT)))
		return rule_refuse(in->err, "missing -v: expected " RULE_VERDICTS);
	r = check_families(&in->rule, in->err);
	return r ? r : check_ports(&in->rule, in->err);
}

int rule_parse(int argc, char *const argv[], struct rule *out, struct rule_error *err)
{
	struct reader in = {.next = argv, .end = argv + argc, .err = err};
	int r;

	while (in.next < in.end) {
		r = read_option(&in);
		if (r)
			return r;
	}
	in.rule.have = in.seen & MATCH_BITS_ALL;
	in.rule.monitor = in.seen & SETTING_BIT(SETTING_MONITOR);
	r = check_whole(&in);
	if (r)
		return r;
	*out = in.rule;
	return 0;
}

int rule_parse_text(const char *text, struct rule *out, struct rule_error *err)
{
	/* More words than this are not looked at: that many cannot all be right, and the room for
	 * one option more keeps the error at the first that is wrong. */
	char *words[RULE_WORDS_MAX + 3];
	_cleanup_free_ char *line = strdup(text);
	int n;

	if (!line) {
		rule_refuse(err, "out of memory");
		return -ENOMEM;
	}
	n = rule_split(line, words, LENGTH(words), err);
	if (n < 0)
		return n;
	return rule_parse(n, words, out, err);
}

/* Appends one option to the n bytes that out holds and returns how many it holds then. */
static size_t put_option(char out[RULE_TEXT_MAX], size_t n, const struct rule *r, size_t i)
{
	const struct rule_option *o = rule_option_at(i);
	bool negated = i < MATCH_COUNT && r->neg & MATCH_BIT(i);
	char value[RULE_VALUE_MAX] = "";

	if (o->format)
		o->format((const char *)r + o->field, value);
	return n + (size_t)snprintf(out + n, RULE_TEXT_MAX - n, "%s%s%s%s%s", n ? " " : "",
				    negated ? "-! " : "", o->word, o->format ? " " : "", value);
}

size_t rule_format(const struct rule *r, char out[RULE_TEXT_MAX])
{
	size_t n = 0;

	n = put_option(out, n, r, MATCH_COUNT + SETTING_CHAIN);
	n = put_option(out, n, r, MATCH_COUNT + SETTING_VERDICT);
	for (size_t m = 0; m < MATCH_COUNT; m++)
		if (r->have & MATCH_BIT(m))
			n = put_option(out, n, r, m);
	if (r->monitor)
		n = put_option(out, n, r, MATCH_COUNT + SETTING_MONITOR);
	if (r->expires_s)
		n = put_option(out, n, r, MATCH_COUNT + SETTING_EXPIRES);
	if (*r->note)
		n = put_option(out, n, r, MATCH_COUNT + SETTING_NOTE);
	return n;
}
