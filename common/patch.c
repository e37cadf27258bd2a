/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "patch.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "decimal.h"
#include "rule_line.h"
#include "rule_proto.h"
#include "utf8.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX     160 /* far more than can all be right */

static const struct patch_builtin builtins[] = {
	{"log4shell", "CVE-2021-44228"},
	{"shellshock", "CVE-2014-6271"},
};

const struct patch_builtin *patch_builtins(size_t *n)
{
	*n = LENGTH(builtins);
	return builtins;
}

enum own {
	OWN_CIDR,
	OWN_PORT,
	OWN_SID,
	OWN_PATTERN,
	OWN_PCRE,
	OWN_FILE,
	OWN_UNTIL_UNMAPPED, /* has no value */
	OWN_COUNT,
};

static const char *const own_words[] = {
	[OWN_CIDR] = "--cidr",
	[OWN_PORT] = "--port",
	[OWN_SID] = "--sid",
	[OWN_PATTERN] = "--pattern",
	[OWN_PCRE] = "--pcre",
	[OWN_FILE] = "--file",
	[OWN_UNTIL_UNMAPPED] = "--until-unmapped",
};
static_assert(LENGTH(own_words) == OWN_COUNT, "every option has its word");

/* OWN_COUNT: none of them. */
static enum own find_own(const char *word)
{
	size_t i = 0;

	while (i < OWN_COUNT && strcmp(own_words[i], word) != 0)
		i++;
	return (enum own)i;
}

int patch_option_width(const char *word)
{
	enum own o = find_own(word);

	if (o == OWN_COUNT)
		return 0;
	return o == OWN_UNTIL_UNMAPPED ? 1 : 2;
}

struct reader {
	char *const *next, *const *end;
	struct patch patch;
	bool has_chain, has_name;
	unsigned int seen; /* bits of enum own */
	/* Those that are a rule's. */
	char *words[WORDS_MAX + 4];
	int n;
	struct rule_error *err;
};

static int read_sid(struct reader *in, const char *value)
{
	uint64_t sid;

	if (decimal_parse(value, strlen(value), UINT32_MAX, &sid) || sid == 0)
		return rule_refuse(in->err, "--sid %s: expected a number 1..4294967295",
				   rule_show(value).text);
	in->patch.sid = (uint32_t)sid;
	in->patch.payload_kind = PATCH_PAYLOAD_SID;
	return 0;
}

static int read_payload(struct reader *in, const char *word, const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || n > PATCH_PAYLOAD_MAX || !utf8_is_printable(value))
		return rule_refuse(
			in->err,
			"%s %s: expected 1 to %d bytes of UTF-8 without control characters", word,
			rule_show(value).text, PATCH_PAYLOAD_MAX);
	memcpy(in->patch.payload, value, n + 1);
	return 0;
}

static int read_file(struct reader *in, const char *value)
{
	const char *fault = set_path_fault(value);

	if (fault)
		return rule_refuse(in->err, "--file %s: %s", rule_show(value).text, fault);
	strcpy(in->patch.file, value);
	return 0;
}

/* The fields of a rule serve to read into: those of the ends, which are no criteria of it. */
static int read_end(struct reader *in, enum own o, const char *value)
{
	struct patch *p = &in->patch;
	struct rule r;
	int e = rule_parse_value(o == OWN_CIDR ? MATCH_DST : MATCH_DPORT, own_words[o], value, &r,
				 in->err);

	if (e)
		return e;
	if (o == OWN_CIDR)
		p->cidr = r.dst;
	else
		p->port = r.dport;
	*(o == OWN_CIDR ? &p->has_cidr : &p->has_port) = true;
	return 0;
}

static int read_value(struct reader *in, enum own o, const char *value)
{
	switch (o) {
	case OWN_CIDR:
	case OWN_PORT:
		return read_end(in, o, value);
	case OWN_SID:
		return read_sid(in, value);
	case OWN_PATTERN:
	case OWN_PCRE:
		in->patch.payload_kind =
			o == OWN_PATTERN ? PATCH_PAYLOAD_PATTERN : PATCH_PAYLOAD_PCRE;
		return read_payload(in, own_words[o], value);
	case OWN_FILE:
		return read_file(in, value);
	case OWN_UNTIL_UNMAPPED:
	case OWN_COUNT:
		break;
	}
	return 0;
}

static int read_own(struct reader *in, enum own o)
{
	const char *word = *in->next++;

	if (in->seen & 1u << o)
		return rule_refuse(in->err, "%s: option given twice: expected once", word);
	in->seen |= 1u << o;
	if (o == OWN_UNTIL_UNMAPPED) {
		in->patch.until_unmapped = true;
		return 0;
	}
	if (in->next == in->end)
		return rule_refuse(in->err, "%s: expected a value after it", word);
	return read_value(in, o, *in->next++);
}

static int read_name(struct reader *in)
{
	const char *word = *in->next++;

	if (in->has_name)
		return rule_refuse(in->err, "%s: a second name after %s: expected one",
				   rule_show(word).text, in->patch.payload);
	for (size_t i = 0; i < LENGTH(builtins); i++)
		if (strcmp(builtins[i].name, word) == 0) {
			strcpy(in->patch.payload, word);
			in->patch.payload_kind = PATCH_PAYLOAD_BUILTIN;
			in->has_name = true;
			return 0;
		}
	static_assert(LENGTH(builtins) == 2, "the message names all");
	return rule_refuse(in->err, "%s: expected an option, log4shell or shellshock",
			   rule_show(word).text);
}

/* What a rule has is left to rule_parse(). */
static int keep_words(struct reader *in)
{
	const char *word = *in->next;
	int width = rule_option_width(word);

	if (strcmp(word, "-v") == 0 || strcmp(word, "--vrdct") == 0)
		return rule_refuse(in->err,
				   "%s: does not go with a patch, which drops: expected no verdict",
				   word);
	if (rule_word_is_not(word) && in->next + 1 < in->end && patch_option_width(in->next[1]))
		return rule_refuse(in->err, "-! %s: expected a match of a rule after -!",
				   in->next[1]);
	if (rule_word_is_not(word) && in->next + 1 == in->end)
		return rule_refuse(in->err, "%s: expected a match after it", word);
	in->has_chain |= strcmp(word, "-c") == 0 || strcmp(word, "--chain") == 0;
	width = width ? width : 1;
	for (; width > 0 && in->next < in->end && in->n < WORDS_MAX; width--)
		in->words[in->n++] = *in->next++;
	return in->n == WORDS_MAX
		       ? rule_refuse(in->err, "%s: expected fewer words", rule_show(word).text)
		       : 0;
}

static int read_next(struct reader *in)
{
	enum own o = find_own(*in->next);

	if (o < OWN_COUNT)
		return read_own(in, o);
	return **in->next == '-' ? keep_words(in) : read_name(in);
}

static int read_rule(struct reader *in)
{
	static char chain[] = "-c", any[] = "OUTPUT", verdict[] = "-v", drop[] = "DROP";

	in->patch.all_chains = !in->has_chain;
	if (!in->has_chain) {
		in->words[in->n++] = chain;
		in->words[in->n++] = any;
	}
	in->words[in->n++] = verdict;
	in->words[in->n++] = drop;
	return rule_parse(in->n, in->words, &in->patch.rule, in->err);
}

static int check_ends(const struct patch *p, struct rule_error *err)
{
	const struct rule *r = &p->rule;
	const uint32_t addresses = MATCH_BIT(MATCH_SRC) | MATCH_BIT(MATCH_DST);
	const uint32_t ports = MATCH_BIT(MATCH_SPORT) | MATCH_BIT(MATCH_DPORT);

	if (p->has_cidr && r->have & addresses)
		return rule_refuse(err, "--cidr: expected no -s and no -d beside it");
	if (p->has_port && r->have & ports)
		return rule_refuse(err, "--port: expected no --sport and no --dport beside it");
	if (p->has_port && r->have & ~r->neg & MATCH_BIT(MATCH_PROTO) &&
	    !rule_proto_has_ports(r->proto))
		return rule_refuse(err, "--port: that protocol has no ports: expected -p tcp, udp, "
					"udplite, sctp or dccp");
	return 0;
}

static int check_payload(const struct reader *in)
{
	unsigned int n = in->has_name;

	for (unsigned int o = OWN_SID; o <= OWN_PCRE; o++)
		n += in->seen >> o & 1;
	if (n > 1)
		return rule_refuse(in->err,
				   "--sid, --pattern, --pcre or a name: expected one of them");
	return 0;
}

static int check_whole(struct reader *in)
{
	struct patch *p = &in->patch;
	const bool has_object = p->rule.have & ~p->rule.neg & MATCH_BIT(MATCH_SNG_HASH);

	if (check_payload(in) || check_ends(p, in->err))
		return -EINVAL;
	if (*p->file && !has_object)
		return rule_refuse(in->err, "--file: expected --sng-hash, the digest of that file");
	if (p->until_unmapped && !*p->file)
		return rule_refuse(in->err,
				   "--until-unmapped: expected --object PATH: what is to be "
				   "replaced");
	if (p->payload_kind == PATCH_PAYLOAD_NONE && !p->has_cidr && !p->has_port && !p->rule.have)
		return rule_refuse(in->err,
				   "a patch that matches everything: expected --cidr, --port, "
				   "--object or another match");
	if (!*p->rule.note && p->payload_kind != PATCH_PAYLOAD_BUILTIN)
		return rule_refuse(
			in->err, "missing --note: expected what it is for, such as CVE-2021-44228");
	return 0;
}

static void take_builtin_note(struct reader *in)
{
	for (size_t i = 0; i < LENGTH(builtins); i++)
		if (in->patch.payload_kind == PATCH_PAYLOAD_BUILTIN && !*in->patch.rule.note &&
		    strcmp(builtins[i].name, in->patch.payload) == 0)
			strcpy(in->patch.rule.note, builtins[i].note);
}

int patch_parse(int argc, char *const argv[], struct patch *out, struct rule_error *err)
{
	_cleanup_free_ struct reader *in = calloc(1, sizeof(*in));
	int r = 0;

	if (!in) {
		rule_refuse(err, "out of memory");
		return -ENOMEM;
	}
	in->next = argv;
	in->end = argv + argc;
	in->err = err;
	while (!r && in->next < in->end)
		r = read_next(in);
	r = r ? r : read_rule(in);
	r = r ? r : check_whole(in);
	if (r)
		return r;
	take_builtin_note(in);
	*out = in->patch;
	return 0;
}

int patch_parse_text(const char *text, struct patch *out, struct rule_error *err)
{
	char *words[WORDS_MAX];
	_cleanup_free_ char *line = strdup(text);
	int n;

	if (!line) {
		rule_refuse(err, "out of memory");
		return -ENOMEM;
	}
	n = rule_split(line, words, WORDS_MAX, err);
	return n < 0 ? n : patch_parse(n, words, out, err);
}

/* --- As text --------------------------------------------------------------------------------- */

struct text {
	char *out;
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	va_list args;

	if (t->n)
		t->out[t->n++] = ' ';
	va_start(args, fmt);
	t->n += (size_t)vsnprintf(t->out + t->n, PATCH_TEXT_MAX - t->n, fmt, args);
	va_end(args);
}

static void put_quoted(struct text *t, const char *word, const char *value)
{
	char quoted[2 * SET_PATH_MAX + 3];

	rule_quote(value, quoted);
	put(t, "%s %s", word, quoted);
}

static void put_payload(struct text *t, const struct patch *p)
{
	switch (p->payload_kind) {
	case PATCH_PAYLOAD_SID:
		put(t, "--sid %u", p->sid);
		break;
	case PATCH_PAYLOAD_PATTERN:
		put_quoted(t, "--pattern", p->payload);
		break;
	case PATCH_PAYLOAD_PCRE:
		put_quoted(t, "--pcre", p->payload);
		break;
	case PATCH_PAYLOAD_NONE:
	case PATCH_PAYLOAD_BUILTIN:
	case PATCH_PAYLOAD_COUNT:
		break;
	}
}

static void put_ends(struct text *t, const struct patch *p)
{
	char cidr[CIDR_TEXT_LEN];

	if (p->has_cidr) {
		cidr_format(&p->cidr, cidr);
		put(t, "--cidr %s", cidr);
	}
	if (p->has_port && p->port.first == p->port.last)
		put(t, "--port %u", p->port.first);
	else if (p->has_port)
		put(t, "--port %u:%u", p->port.first, p->port.last);
}

/* Of the rule's own text, what follows its chain and verdict, which every patch's has. */
static void put_rule(struct text *t, const struct patch *p)
{
	char rule[RULE_TEXT_MAX], head[48];
	size_t n = rule_format(&p->rule, rule);
	size_t skip = (size_t)snprintf(head, sizeof(head), "-c %s -v %s", chain_name(p->rule.chain),
				       verdict_name(p->rule.verdict));

	if (skip < n)
		put(t, "%s", rule + skip + 1);
}

size_t patch_format(const struct patch *p, char out[PATCH_TEXT_MAX])
{
	struct text t = {out, 0};

	*out = '\0';
	if (p->payload_kind == PATCH_PAYLOAD_BUILTIN)
		put(&t, "%s", p->payload);
	if (!p->all_chains)
		put(&t, "-c %s", chain_name(p->rule.chain));
	put_ends(&t, p);
	put_payload(&t, p);
	if (*p->file)
		put_quoted(&t, "--file", p->file);
	if (p->until_unmapped)
		put(&t, "--until-unmapped");
	put_rule(&t, p);
	return t.n;
}

/* --- As rules --------------------------------------------------------------------------------- */

static void add_end(const struct patch *p, bool source, struct rule *r)
{
	if (p->has_cidr) {
		r->have |= MATCH_BIT(source ? MATCH_SRC : MATCH_DST);
		*(source ? &r->src : &r->dst) = p->cidr;
	}
	if (p->has_port) {
		r->have |= MATCH_BIT(source ? MATCH_SPORT : MATCH_DPORT);
		*(source ? &r->sport : &r->dport) = p->port;
	}
}

size_t patch_rules(const struct patch *p, enum chain chain, struct rule out[2])
{
	const size_t n = p->has_cidr || p->has_port ? 2 : 1;

	if ((!p->all_chains && p->rule.chain != chain) || p->payload_kind)
		return 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = p->rule;
		out[i].chain = chain;
		out[i].patch = p->id;
		if (n == 2)
			add_end(p, i == 0, &out[i]);
	}
	return n;
}
