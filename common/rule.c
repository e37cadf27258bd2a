/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "decimal.h"
#include "rule.h"
#include "utf8.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The longest text of a value: a path with each byte escaped, in quotes. */
#define VALUE_MAX (2 * RULE_CGROUP_MAX + 3)
#define SHOWN_MAX 40 /* bytes of a user's word that an error repeats */

struct option {
	const char *word;    /* the canonical one */
	const char *synonym; /* or NULL */
	/* Reads text into the field; NULL: the option has no value. 0, or -EINVAL with what was
	 * expected in *why. */
	int (*parse)(const char *text, void *field, struct rule_error *why);
	void (*format)(const void *field, char out[VALUE_MAX]);
	size_t field; /* its offset in struct rule */
};

static const struct {
	const char *name;
	uint8_t number;
	bool has_ports;
} protocols[] = {
	/* Of two names for one number the first is canonical. */
	{"tcp", 6, true},      {"udp", 17, true},	 {"icmp", 1, false},
	{"icmpv6", 58, false}, {"ipv6-icmp", 58, false}, {"sctp", 132, true},
	{"dccp", 33, true},    {"udplite", 136, true},	 {"esp", 50, false},
	{"ah", 51, false},     {"gre", 47, false},	 {"igmp", 2, false},
	{"ipencap", 4, false}, {"egp", 8, false},	 {"igp", 9, false},
	{"ipv6", 41, false},   {"rsvp", 46, false},	 {"eigrp", 88, false},
	{"ospf", 89, false},   {"ipip", 94, false},	 {"etherip", 97, false},
	{"pim", 103, false},   {"ipcomp", 108, false},	 {"vrrp", 112, false},
	{"l2tp", 115, false},  {"isis", 124, false},	 {"mpls-in-ip", 137, false},
	{"hip", 139, false},
};

static int refuse(struct rule_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(struct rule_error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

struct shown {
	char text[SHOWN_MAX + sizeof("…")];
};

/* A user's word as an error may repeat it: short, one line, and safe on a terminal and in JSON. */
static struct shown show(const char *word)
{
	struct shown s;
	size_t n = 0;

	if (!*word)
		return (struct shown){"\"\""};
	for (; n < SHOWN_MAX && word[n]; n++)
		s.text[n] = word[n] >= ' ' && word[n] <= '~' ? word[n] : '?';
	strcpy(s.text + n, word[n] ? "…" : "");
	return s;
}

static int parse_chain(const char *text, void *field, struct rule_error *why)
{
	static_assert(CHAIN_COUNT == 3, "the message names every chain");
	if (chain_parse(text, field))
		return refuse(why, "expected INPUT, OUTPUT or FORWARD");
	return 0;
}

static void format_chain(const void *field, char out[VALUE_MAX])
{
	strcpy(out, chain_name(*(const enum chain *)field));
}

#define VERDICTS  "ACCEPT, DROP, REJECT, KILL or MARK=0xVALUE[/0xMASK]"
#define MARK_WORD "MARK="

/* n characters: 0x and up to 8 hexadecimal digits. */
static int parse_hex32(const char *text, size_t n, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	uint32_t value = 0;

	if (n < 3 || n > 10 || text[0] != '0' || text[1] != 'x')
		return -EINVAL;
	for (size_t i = 2; i < n; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit)
			return -EINVAL;
		value = value << 4 | (uint32_t)(digit - digits) % 16;
	}
	*out = value;
	return 0;
}

static int parse_mark(const char *text, struct mark *out, struct rule_error *why)
{
	struct mark mark = {.mask = UINT32_MAX};
	size_t n = strcspn(text, "/");

	if (parse_hex32(text, n, &mark.value) ||
	    (text[n] && parse_hex32(text + n + 1, strlen(text + n + 1), &mark.mask)))
		return refuse(why, "expected " MARK_WORD "0xVALUE or " MARK_WORD
				   "0xVALUE/0xMASK, of up to 8 hexadecimal digits each");
	*out = mark;
	return 0;
}

/* Of the whole rule: a verdict can have a mark with it. */
static int parse_verdict(const char *text, void *field, struct rule_error *why)
{
	struct rule *r = field;
	enum verdict v;

	static_assert(VERDICT_COUNT == 5, "VERDICTS names every verdict");
	if (strncmp(text, MARK_WORD, strlen(MARK_WORD)) == 0) {
		r->verdict = VERDICT_MARK;
		return parse_mark(text + strlen(MARK_WORD), &r->mark, why);
	}
	if (verdict_parse(text, &v) || v == VERDICT_MARK)
		return refuse(why, "expected " VERDICTS);
	r->verdict = v;
	return 0;
}

static void format_verdict(const void *field, char out[VALUE_MAX])
{
	const struct rule *r = field;

	if (r->verdict != VERDICT_MARK)
		strcpy(out, verdict_name(r->verdict));
	else if (r->mark.mask == UINT32_MAX)
		sprintf(out, MARK_WORD "0x%" PRIx32, r->mark.value);
	else
		sprintf(out, MARK_WORD "0x%" PRIx32 "/0x%" PRIx32, r->mark.value, r->mark.mask);
}

static int parse_cidr(const char *text, void *field, struct rule_error *why)
{
	int r = cidr_parse(text, field);

	if (r == -ERANGE)
		return refuse(why, "expected a prefix length 0..%d", strchr(text, ':') ? 128 : 32);
	if (r)
		return refuse(why, "expected an IPv4 or IPv6 address, or ADDR/LEN");
	return 0;
}

static void format_cidr(const void *field, char out[VALUE_MAX])
{
	cidr_format(field, out);
}

static int parse_proto(const char *text, void *field, struct rule_error *why)
{
	uint8_t *proto = field;
	uint64_t number;

	for (size_t i = 0; i < LENGTH(protocols); i++)
		if (strcmp(protocols[i].name, text) == 0) {
			*proto = protocols[i].number;
			return 0;
		}
	if (decimal_parse(text, strlen(text), UINT8_MAX, &number))
		return refuse(why, "expected a number 0..255 or a name such as tcp, udp, icmp, "
				   "icmpv6, sctp, gre or esp");
	*proto = (uint8_t)number;
	return 0;
}

const char *rule_proto_name(uint8_t proto)
{
	for (size_t i = 0; i < LENGTH(protocols); i++)
		if (protocols[i].number == proto)
			return protocols[i].name;
	return NULL;
}

static void format_proto(const void *field, char out[VALUE_MAX])
{
	uint8_t proto = *(const uint8_t *)field;
	const char *name = rule_proto_name(proto);

	if (name)
		strcpy(out, name);
	else
		snprintf(out, VALUE_MAX, "%u", proto);
}

bool rule_proto_has_ports(uint8_t proto)
{
	for (size_t i = 0; i < LENGTH(protocols); i++)
		if (protocols[i].number == proto)
			return protocols[i].has_ports;
	return false;
}

/* "N" or "N:M" with numbers up to `most`; `what` is such a number. */
static int parse_range(const char *text, uint64_t most, const char *what, uint64_t *first,
		       uint64_t *last, struct rule_error *why)
{
	size_t n = strcspn(text, ":");
	int r = decimal_parse(text, n, most, first);

	if (!r && text[n] == ':')
		r = decimal_parse(text + n + 1, strlen(text + n + 1), most, last);
	else
		*last = *first;
	if (r)
		return refuse(why, "expected %s or a range N:M", what);
	if (*first > *last)
		return refuse(why, "expected a range N:M with N no greater than M");
	return 0;
}

static void format_range(uint32_t first, uint32_t last, char out[VALUE_MAX])
{
	if (first == last)
		snprintf(out, VALUE_MAX, "%u", first);
	else
		snprintf(out, VALUE_MAX, "%u:%u", first, last);
}

static int parse_ports(const char *text, void *field, struct rule_error *why)
{
	uint64_t first = 0, last = 0;

	if (parse_range(text, UINT16_MAX, "a port 0..65535", &first, &last, why))
		return -EINVAL;
	*(struct port_range *)field = (struct port_range){(uint16_t)first, (uint16_t)last};
	return 0;
}

static void format_ports(const void *field, char out[VALUE_MAX])
{
	const struct port_range *ports = field;

	format_range(ports->first, ports->last, out);
}

static int parse_netns(const char *text, void *field, struct rule_error *why)
{
	static const char head[] = "net:[";
	const size_t head_len = sizeof(head) - 1;
	size_t len = strlen(text);
	uint64_t inode;

	/* No namespace has inode 0: it stands for "not known" everywhere else. */
	if (strncmp(text, head, head_len) != 0 || text[len - 1] != ']' ||
	    decimal_parse(text + head_len, len - head_len - 1, UINT64_MAX, &inode) || inode == 0)
		return refuse(why, "expected net:[INODE], as a link in /proc/PID/ns shows it");
	*(uint64_t *)field = inode;
	return 0;
}

static void format_netns(const void *field, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "net:[%" PRIu64 "]", *(const uint64_t *)field);
}

static int parse_hash(const char *text, void *field, struct rule_error *why)
{
	int r = hex_parse_sha256(text, field);

	if (r == -EMSGSIZE)
		return refuse(why, "expected 64 hexadecimal digits, got %zu", strlen(text));
	if (r)
		return refuse(why, "expected 64 hexadecimal digits, got other characters");
	return 0;
}

static void format_hash(const void *field, char out[VALUE_MAX])
{
	hex_format_sha256(field, out);
}

static int parse_set(const char *text, void *field, struct rule_error *why)
{
	const char *fault = set_name_fault(text);

	if (fault)
		return refuse(why, "%s", fault);
	strcpy(field, text);
	return 0;
}

static void format_set(const void *field, char out[VALUE_MAX])
{
	strcpy(out, field);
}

static int parse_origin(const char *text, void *field, struct rule_error *why)
{
	static_assert(ORIGIN_COUNT == 3, "the message names every origin");
	if (origin_parse(text, field))
		return refuse(why, "expected known, kernel or unknown");
	return 0;
}

static void format_origin(const void *field, char out[VALUE_MAX])
{
	strcpy(out, origin_name(*(const enum origin *)field));
}

static int parse_ids(const char *text, void *field, struct rule_error *why)
{
	uint64_t first = 0, last = 0;

	if (parse_range(text, UINT32_MAX, "a number 0..4294967295", &first, &last, why))
		return -EINVAL;
	*(struct id_range *)field = (struct id_range){(uint32_t)first, (uint32_t)last};
	return 0;
}

static void format_ids(const void *field, char out[VALUE_MAX])
{
	const struct id_range *ids = field;

	format_range(ids->first, ids->last, out);
}

/* As proc_pid_comm(5) shows it: the kernel keeps no more of a longer one. */
static int parse_comm(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len == 0 || len > RULE_COMM_MAX)
		return refuse(why, "expected 1 to %d bytes, got %zu", RULE_COMM_MAX, len);
	if (!utf8_is_printable(text))
		return refuse(why, "expected UTF-8 text without control characters");
	memcpy(field, text, len + 1);
	return 0;
}

/* As proc_pid_cgroup(5) has it: without what the kernel never writes. */
static int parse_cgroup(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len > RULE_CGROUP_MAX)
		return refuse(why, "expected at most %d bytes, got %zu", RULE_CGROUP_MAX, len);
	if (!utf8_is_printable(text))
		return refuse(why, "expected UTF-8 text without control characters");
	if (*text != '/' || strstr(text, "//") || (len > 1 && text[len - 1] == '/'))
		return refuse(why, "expected a path as in /proc/PID/cgroup");
	memcpy(field, text, len + 1);
	return 0;
}

static int parse_container(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len < RULE_CONTAINER_MIN || len > RULE_CONTAINER_MAX ||
	    strspn(text, "0123456789abcdef") != len)
		return refuse(why, "expected %d to %d hexadecimal digits, in lower case",
			      RULE_CONTAINER_MIN, RULE_CONTAINER_MAX);
	memcpy(field, text, len + 1);
	return 0;
}

static int parse_expires(const char *text, void *field, struct rule_error *why)
{
	/* 0 stands for a rule that does not expire. */
	uint64_t seconds = 0;

	if (instant_parse(text, &seconds) || seconds == 0)
		return refuse(why, "expected a time such as 2026-12-31T23:59:59Z");
	*(uint64_t *)field = seconds;
	return 0;
}

static void format_expires(const void *field, char out[VALUE_MAX])
{
	instant_format(*(const uint64_t *)field, out);
}

/* A rule travels in JSON and is shown on terminals: its note must survive the one and not steer the
 * other. */
static int parse_note(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len > RULE_NOTE_MAX)
		return refuse(why, "expected at most %d bytes, got %zu", RULE_NOTE_MAX, len);
	if (!utf8_is_printable(text))
		return refuse(why, "expected UTF-8 text without control characters");
	memcpy(field, text, len + 1);
	return 0;
}

void rule_quote(const char *text, char *out)
{
	*out++ = '"';
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			*out++ = '\\';
		*out++ = *c;
	}
	strcpy(out, "\"");
}

static void format_note(const void *field, char out[VALUE_MAX])
{
	rule_quote(field, out);
}

#define FIELD(name) offsetof(struct rule, name)

static const struct option matches[] = {
	[MATCH_SRC] = {"-s", "--src-ip", parse_cidr, format_cidr, FIELD(src)},
	[MATCH_DST] = {"-d", "--dst-ip", parse_cidr, format_cidr, FIELD(dst)},
	[MATCH_PROTO] = {"-p", "--proto", parse_proto, format_proto, FIELD(proto)},
	[MATCH_SPORT] = {"--sport", NULL, parse_ports, format_ports, FIELD(sport)},
	[MATCH_DPORT] = {"--dport", NULL, parse_ports, format_ports, FIELD(dport)},
	[MATCH_NETNS] = {"-n", NULL, parse_netns, format_netns, FIELD(netns)},
	[MATCH_SNG_HASH] = {"--sng-hash", NULL, parse_hash, format_hash, FIELD(sng)},
	[MATCH_AGG_HASH] = {"--agg-hash", NULL, parse_hash, format_hash, FIELD(agg)},
	[MATCH_ANON_EXEC] = {"--anon-exec", NULL, NULL, NULL, 0},
	[MATCH_SET] = {"--set", NULL, parse_set, format_set, FIELD(set)},
	[MATCH_SCRIPT] = {"--script", NULL, parse_hash, format_hash, FIELD(script)},
	[MATCH_ORIGIN] = {"--origin", NULL, parse_origin, format_origin, FIELD(origin)},
	[MATCH_UID] = {"--uid", NULL, parse_ids, format_ids, FIELD(uid)},
	[MATCH_GID] = {"--gid", NULL, parse_ids, format_ids, FIELD(gid)},
	[MATCH_CGROUP] = {"--cgroup", NULL, parse_cgroup, format_note, FIELD(cgroup)},
	[MATCH_CONTAINER] = {"--container", NULL, parse_container, format_set, FIELD(container)},
	[MATCH_COMM] = {"--comm", NULL, parse_comm, format_note, FIELD(comm)},
};
static_assert(LENGTH(matches) == MATCH_COUNT, "every match has a row");

/* What a rule states of itself and not of packets: cannot be negated. */
enum setting {
	SETTING_CHAIN,
	SETTING_VERDICT,
	SETTING_MONITOR, /* has no value */
	SETTING_EXPIRES,
	SETTING_NOTE,
	SETTING_COUNT,
};

static const struct option settings[] = {
	[SETTING_CHAIN] = {"-c", "--chain", parse_chain, format_chain, FIELD(chain)},
	[SETTING_VERDICT] = {"-v", "--vrdct", parse_verdict, format_verdict, 0},
	[SETTING_MONITOR] = {"--monitor", NULL, NULL, NULL, 0},
	[SETTING_EXPIRES] = {"--expires", NULL, parse_expires, format_expires, FIELD(expires_s)},
	[SETTING_NOTE] = {"--note", NULL, parse_note, format_note, FIELD(note)},
};
static_assert(LENGTH(settings) == SETTING_COUNT, "every setting has a row");

/* All options in one count: the matches, then the settings. */
#define OPTION_COUNT   (MATCH_COUNT + SETTING_COUNT)
#define OPTION_BIT(i)  MATCH_BIT(i)
#define SETTING_BIT(s) OPTION_BIT(MATCH_COUNT + (s))
#define MATCH_BITS_ALL (MATCH_BIT(MATCH_COUNT) - 1)
#define RULE_WORDS_MAX (3 * MATCH_COUNT + 2 * SETTING_COUNT)
static_assert(OPTION_COUNT < 32, "a bit for each option");

static const struct option *option_at(size_t i)
{
	return i < MATCH_COUNT ? &matches[i] : &settings[i - MATCH_COUNT];
}

bool rule_word_is_not(const char *word)
{
	return strcmp(word, "-!") == 0 || strcmp(word, "--not") == 0;
}

/* Its place in the count of all options; OPTION_COUNT: none. */
static size_t find_option(const char *word)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = option_at(i);

		if (strcmp(word, o->word) == 0 || (o->synonym && strcmp(word, o->synonym) == 0))
			break;
	}
	return i;
}

int rule_option_width(const char *word)
{
	size_t i = find_option(word);

	if (rule_word_is_not(word))
		return 1;
	if (i == OPTION_COUNT)
		return 0;
	return option_at(i)->parse ? 2 : 1;
}

struct reader {
	char *const *next, *const *end;
	uint32_t seen; /* OPTION_BITs */
	struct rule rule;
	struct rule_error *err;
};

static int parse_value(const struct option *o, const char *word, const char *value, struct rule *r,
		       struct rule_error *err)
{
	struct rule_error why;

	if (o->parse(value, (char *)r + o->field, &why))
		return refuse(err, "%s %s: %.180s", word, show(value).text, why.text);
	return 0;
}

int rule_parse_value(enum match m, const char *option, const char *value, struct rule *r,
		     struct rule_error *err)
{
	return parse_value(&matches[m], option, value, r, err);
}

static int read_value(struct reader *in, const char *word, const struct option *o)
{
	if (!o->parse)
		return 0;
	if (in->next == in->end)
		return refuse(in->err, "%s: expected a value after it", word);
	return parse_value(o, word, *in->next++, &in->rule, in->err);
}

static int read_option(struct reader *in)
{
	const char *word = *in->next++;
	bool negated = rule_word_is_not(word);
	size_t i;

	if (negated) {
		if (in->next == in->end)
			return refuse(in->err, "%s: expected a match after it", word);
		word = *in->next++;
	}
	i = find_option(word);
	if (negated && (rule_word_is_not(word) || (i >= MATCH_COUNT && i < OPTION_COUNT)))
		return refuse(in->err, "-! %s: expected a match after -!", word);
	if (i == OPTION_COUNT)
		return refuse(in->err, "%s: expected an option of a rule", show(word).text);
	if (in->seen & OPTION_BIT(i))
		return refuse(in->err, "%s: option given twice: expected once", word);
	in->seen |= OPTION_BIT(i);
	if (negated)
		in->rule.neg |= MATCH_BIT(i);
	return read_value(in, word, option_at(i));
}

static int check_families(const struct rule *r, struct rule_error *err)
{
	const uint32_t both = MATCH_BIT(MATCH_SRC) | MATCH_BIT(MATCH_DST);
	char src[CIDR_TEXT_LEN], dst[CIDR_TEXT_LEN];

	if ((r->have & both) != both || r->src.family == r->dst.family)
		return 0;
	cidr_format(&r->src, src);
	cidr_format(&r->dst, dst);
	return refuse(err, "-s %s -d %s: expected addresses of one family", src, dst);
}

static int check_ports(const struct rule *r, struct rule_error *err)
{
	char proto[VALUE_MAX];

	/* "Any protocol but icmp" leaves those that have ports. */
	if (!(r->have & ~r->neg & MATCH_BIT(MATCH_PROTO)) || rule_proto_has_ports(r->proto))
		return 0;
	format_proto(&r->proto, proto);
	for (size_t m = MATCH_SPORT; m <= MATCH_DPORT; m++)
		if (r->have & MATCH_BIT(m))
			return refuse(err,
				      "%s: protocol %.16s has no ports: expected -p tcp, udp, "
				      "udplite, sctp or dccp",
				      matches[m].word, proto);
	return 0;
}

static int check_whole(const struct reader *in)
{
	int r;

	if (!(in->seen & SETTING_BIT(SETTING_CHAIN)))
		return refuse(in->err, "missing -c: expected INPUT, OUTPUT or FORWARD");
	if (!(in->seen & SETTING_BIT(SETTING_VERDICT)))
		return refuse(in->err, "missing -v: expected " VERDICTS);
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

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Unquotes the word at *at in place and moves *at past it. */
static int take_word(char **at, struct rule_error *err)
{
	char *word = *at, *from = *at, *to = *at;
	bool quoted = false;

	for (; *from && (quoted || !is_blank(*from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && *from == '\\' && *++from != '"' && *from != '\\')
			return refuse(err, "a \\ in quotes: expected \\\" or \\\\");
		*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	if (quoted)
		return refuse(err, "%s: expected a closing \"", show(word).text);
	return 0;
}

int rule_split(char *line, char *words[], int max, struct rule_error *err)
{
	int n = 0;

	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line || n == max)
			return n;
		words[n++] = line;
		if (take_word(&line, err))
			return -EINVAL;
	}
}

int rule_parse_text(const char *text, struct rule *out, struct rule_error *err)
{
	/* More words than this are not looked at: that many cannot all be right, and the room for
	 * one option more keeps the error at the first that is wrong. */
	char *words[RULE_WORDS_MAX + 3];
	_cleanup_free_ char *line = strdup(text);
	int n;

	if (!line) {
		refuse(err, "out of memory");
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
	const struct option *o = option_at(i);
	bool negated = i < MATCH_COUNT && r->neg & MATCH_BIT(i);
	char value[VALUE_MAX] = "";

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
