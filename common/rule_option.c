/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rule_option.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"
#include "rule_line.h"
#include "rule_proto.h"
#include "utf8.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static int parse_chain(const char *text, void *field, struct rule_error *why)
{
	static_assert(CHAIN_COUNT == 3, "the message names every chain");
	if (chain_parse(text, field))
		return rule_refuse(why, "expected INPUT, OUTPUT or FORWARD");
	return 0;
}

static void format_chain(const void *field, char out[RULE_VALUE_MAX])
{
	strcpy(out, chain_name(*(const enum chain *)field));
}

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
		return rule_refuse(why, "expected " MARK_WORD "0xVALUE or " MARK_WORD
					"0xVALUE/0xMASK, of up to 8 hexadecimal digits each");
	*out = mark;
	return 0;
}

/* Of the whole rule: a verdict can have a mark with it. */
static int parse_verdict(const char *text, void *field, struct rule_error *why)
{
	struct rule *r = field;
	enum verdict v;

	static_assert(VERDICT_COUNT == 5, "RULE_VERDICTS names every verdict");
	if (strncmp(text, MARK_WORD, strlen(MARK_WORD)) == 0) {
		r->verdict = VERDICT_MARK;
		return parse_mark(text + strlen(MARK_WORD), &r->mark, why);
	}
	if (verdict_parse(text, &v) || v == VERDICT_MARK)
		return rule_refuse(why, "expected " RULE_VERDICTS);
	r->verdict = v;
	return 0;
}

static void format_verdict(const void *field, char out[RULE_VALUE_MAX])
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
		return rule_refuse(why, "expected a prefix length 0..%d",
				   strchr(text, ':') ? 128 : 32);
	if (r)
		return rule_refuse(why, "expected an IPv4 or IPv6 address, or ADDR/LEN");
	return 0;
}

static void format_cidr(const void *field, char out[RULE_VALUE_MAX])
{
	cidr_format(field, out);
}

static int parse_proto(const char *text, void *field, struct rule_error *why)
{
	uint8_t *proto = field;
	uint64_t number;

	if (!rule_proto_find(text, proto))
		return 0;
	if (decimal_parse(text, strlen(text), UINT8_MAX, &number))
		return rule_refuse(why,
				   "expected a number 0..255 or a name such as tcp, udp, icmp, "
				   "icmpv6, sctp, gre or esp");
	*proto = (uint8_t)number;
	return 0;
}

static void format_proto(const void *field, char out[RULE_VALUE_MAX])
{
	uint8_t proto = *(const uint8_t *)field;
	const char *name = rule_proto_name(proto);

	if (name)
		strcpy(out, name);
	else
		snprintf(out, RULE_VALUE_MAX, "%u", proto);
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
		return rule_refuse(why, "expected %s or a range N:M", what);
	if (*first > *last)
		return rule_refuse(why, "expected a range N:M with N no greater than M");
	return 0;
}

static void format_range(uint32_t first, uint32_t last, char out[RULE_VALUE_MAX])
{
	if (first == last)
		snprintf(out, RULE_VALUE_MAX, "%u", first);
	else
		snprintf(out, RULE_VALUE_MAX, "%u:%u", first, last);
}

static int parse_ports(const char *text, void *field, struct rule_error *why)
{
	uint64_t first = 0, last = 0;

	if (parse_range(text, UINT16_MAX, "a port 0..65535", &first, &last, why))
		return -EINVAL;
	*(struct port_range *)field = (struct port_range){(uint16_t)first, (uint16_t)last};
	return 0;
}

static void format_ports(const void *field, char out[RULE_VALUE_MAX])
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
		return rule_refuse(why, "expected net:[INODE], as a link in /proc/PID/ns shows it");
	*(uint64_t *)field = inode;
	return 0;
}

static void format_netns(const void *field, char out[RULE_VALUE_MAX])
{
	snprintf(out, RULE_VALUE_MAX, "net:[%" PRIu64 "]", *(const uint64_t *)field);
}

static int parse_hash(const char *text, void *field, struct rule_error *why)
{
	int r = hex_parse_sha256(text, field);

	if (r == -EMSGSIZE)
		return rule_refuse(why, "expected 64 hexadecimal digits, got %zu", strlen(text));
	if (r)
		return rule_refuse(why, "expected 64 hexadecimal digits, got other characters");
	return 0;
}

static void format_hash(const void *field, char out[RULE_VALUE_MAX])
{
	hex_format_sha256(field, out);
}

static int parse_set(const char *text, void *field, struct rule_error *why)
{
	const char *fault = set_name_fault(text);

	if (fault)
		return rule_refuse(why, "%s", fault);
	strcpy(field, text);
	return 0;
}

static void format_set(const void *field, char out[RULE_VALUE_MAX])
{
	strcpy(out, field);
}

static int parse_origin(const char *text, void *field, struct rule_error *why)
{
	static_assert(ORIGIN_COUNT == 3, "the message names every origin");
	if (origin_parse(text, field))
		return rule_refuse(why, "expected known, kernel or unknown");
	return 0;
}

static void format_origin(const void *field, char out[RULE_VALUE_MAX])
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

static void format_ids(const void *field, char out[RULE_VALUE_MAX])
{
	const struct id_range *ids = field;

	format_range(ids->first, ids->last, out);
}

/* As proc_pid_comm(5) shows it: the kernel keeps no more of a longer one. */
static int parse_comm(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len == 0 || len > RULE_COMM_MAX)
		return rule_refuse(why, "expected 1 to %d bytes, got %zu", RULE_COMM_MAX, len);
	if (!utf8_is_printable(text))
		return rule_refuse(why, "expected UTF-8 text without control characters");
	memcpy(field, text, len + 1);
	return 0;
}

/* As proc_pid_cgroup(5) has it: without what the kernel never writes. */
static int parse_cgroup(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len > RULE_CGROUP_MAX)
		return rule_refuse(why, "expected at most %d bytes, got %zu", RULE_CGROUP_MAX, len);
	if (!utf8_is_printable(text))
		return rule_refuse(why, "expected UTF-8 text without control characters");
	if (*text != '/' || strstr(text, "//") || (len > 1 && text[len - 1] == '/'))
		return rule_refuse(why, "expected a path as in /proc/PID/cgroup");
	memcpy(field, text, len + 1);
	return 0;
}

static int parse_container(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len < RULE_CONTAINER_MIN || len > RULE_CONTAINER_MAX ||
	    strspn(text, "0123456789abcdef") != len)
		return rule_refuse(why, "expected %d to %d hexadecimal digits, in lower case",
				   RULE_CONTAINER_MIN, RULE_CONTAINER_MAX);
	memcpy(field, text, len + 1);
	return 0;
}

static int parse_expires(const char *text, void *field, struct rule_error *why)
{
	/* 0 stands for a rule that does not expire. */
	uint64_t seconds = 0;

	if (instant_parse(text, &seconds) || seconds == 0)
		return rule_refuse(why, "expected a time such as 2026-12-31T23:59:59Z");
	*(uint64_t *)field = seconds;
	return 0;
}

static void format_expires(const void *field, char out[RULE_VALUE_MAX])
{
	instant_format(*(const uint64_t *)field, out);
}

/* A rule travels in JSON and is shown on terminals: its note must survive the one and not steer the
 * other. */
static int parse_note(const char *text, void *field, struct rule_error *why)
{
	size_t len = strlen(text);

	if (len > RULE_NOTE_MAX)
		return rule_refuse(why, "expected at most %d bytes, got %zu", RULE_NOTE_MAX, len);
	if (!utf8_is_printable(text))
		return rule_refuse(why, "expected UTF-8 text without control characters");
	memcpy(field, text, len + 1);
	return 0;
}

static void format_note(const void *field, char out[RULE_VALUE_MAX])
{
	rule_quote(field, out);
}

#define FIELD(name) offsetof(struct rule, name)

static const struct rule_option matches[] = {
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

static const struct rule_option settings[] = {
	[SETTING_CHAIN] = {"-c", "--chain", parse_chain, format_chain, FIELD(chain)},
	[SETTING_VERDICT] = {"-v", "--vrdct", parse_verdict, format_verdict, 0},
	[SETTING_MONITOR] = {"--monitor", NULL, NULL, NULL, 0},
	[SETTING_EXPIRES] = {"--expires", NULL, parse_expires, format_expires, FIELD(expires_s)},
	[SETTING_NOTE] = {"--note", NULL, parse_note, format_note, FIELD(note)},
};
static_assert(LENGTH(settings) == SETTING_COUNT, "every setting has a row");
static_assert(OPTION_COUNT < 32, "a bit for each option");

const struct rule_option *rule_option_at(size_t i)
{
	return i < MATCH_COUNT ? &matches[i] : &settings[i - MATCH_COUNT];
}

size_t rule_option_find(const char *word)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		const struct rule_option *o = rule_option_at(i);

		if (strcmp(word, o->word) == 0 || (o->synonym && strcmp(word, o->synonym) == 0))
			break;
	}
	return i;
}
