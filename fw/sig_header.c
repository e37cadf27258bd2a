// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_header.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sig_rule.h"

#define WORD_MAX 64
#define NEST_MAX 8

static const char *const protos[SIG_PROTOS] = {
	[SIG_IP] = "ip",     [SIG_TCP] = "tcp",	  [SIG_UDP] = "udp",
	[SIG_ICMP] = "icmp", [SIG_HTTP] = "http",
};

/* Reads one item of a list into whichever kind of list it is. */
typedef int (*item_fn)(void *list, const char *word, bool negated, struct sig_error *err);

static const char *skip(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static bool take_word(const char **at, const char *ends, char out[WORD_MAX])
{
	const char *s = skip(*at);
	size_t n = strcspn(s, ends);

	if (n == 0 || n >= WORD_MAX)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	*at = s + n;
	return true;
}

static int add_address(void *list, const char *word, bool negated, struct sig_error *err)
{
	struct sig_addresses *a = list;
	struct cidr c;

	if (strcmp(word, "any") == 0)
		return negated ? sig_fault(err, -EINVAL, "!any", "matches nothing") : 0;
	if (cidr_parse(word, &c))
		return sig_fault(err, -EINVAL, word, "expected an address or prefix");
	if (a->n == SIG_LIST_MAX)
		return sig_fault(err, -ENOTSUP, word, "more than %d addresses", SIG_LIST_MAX);
	a->item[a->n].negated = negated;
	a->item[a->n++].cidr = c;
	a->any_plain |= !negated;
	return 0;
}

static bool parse_port(const char *s, size_t n, uint16_t *out)
{
	unsigned int v = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		v = v * 10 + (unsigned int)(s[i] - '0');
	}
	if (v > 65535)
		return false;
	*out = (uint16_t)v;
	return true;
}

static int add_port(void *list, const char *word, bool negated, struct sig_error *err)
{
	struct sig_ports *p = list;
	const char *colon = strchr(word, ':');
	uint16_t from = 0, to = 65535;
	bool good;

	if (strcmp(word, "any") == 0)
		return negated ? sig_fault(err, -EINVAL, "!any", "matches nothing") : 0;
	if (!colon) {
		good = parse_port(word, strlen(word), &from);
		to = from;
	} else {
		good = word[1] &&
		       (colon == word || parse_port(word, (size_t)(colon - word), &from)) &&
		       (!colon[1] || parse_port(colon + 1, strlen(colon + 1), &to)) && from <= to;
	}
	if (!good)
		return sig_fault(err, -EINVAL, word, "expected a port or FROM:TO");
	if (p->n == SIG_LIST_MAX)
		return sig_fault(err, -ENOTSUP, word, "more than %d ports", SIG_LIST_MAX);
	p->item[p->n].negated = negated;
	p->item[p->n].from = from;
	p->item[p->n++].to = to;
	p->any_plain |= !negated;
	return 0;
}

/* A word or a list; lists in lists are taken as one. */
static int take_list(const char **at, item_fn add, void *list, bool negated, int depth,
		     struct sig_error *err)
{
	const char *s = skip(*at);
	char word[WORD_MAX];
	int r;

	if (*s == '!') {
		if (negated)
			return sig_fault(err, -ENOTSUP, "!", "negated within what is negated");
		negated = true;
		s = skip(s + 1);
	}
	if (*s != '[') {
		if (!take_word(&s, " \t[],()!", word))
			return sig_fault(err, -EINVAL, "header", "an address or port is missing");
		*at = s;
		return add(list, word, negated, err);
	}
	if (depth == NEST_MAX)
		return sig_fault(err, -ENOTSUP, "[", "lists in more than %d lists", NEST_MAX);
	do {
		s++;
		r = take_list(&s, add, list, negated, depth + 1, err);
		if (r)
			return r;
		s = skip(s);
	} while (*s == ',');
	if (*s != ']')
		return sig_fault(err, -EINVAL, "[", "a list without its end");
	*at = s + 1;
	return 0;
}

static int take_side(const char **at, struct sig_side *side, struct sig_error *err)
{
	int r = take_list(at, add_address, &side->addresses, false, 0, err);

	return r ? r : take_list(at, add_port, &side->ports, false, 0, err);
}

static int take_proto(const char **at, enum sig_proto *out, struct sig_error *err)
{
	char word[WORD_MAX];

	if (!take_word(at, " \t", word))
		return sig_fault(err, -EINVAL, "header", "the protocol is missing");
	for (int i = 0; i < SIG_PROTOS; i++)
		if (strcmp(word, protos[i]) == 0) {
			*out = i;
			return 0;
		}
	return sig_fault(err, -ENOTSUP, word, "expected ip, tcp, udp, icmp or http");
}

int sig_header_parse(const char *text, const char **end, struct sig_header *out,
		     struct sig_error *err)
{
	struct sig_header *h = calloc(1, sizeof(*h));
	char arrow[WORD_MAX];
	int r;

	if (!h)
		return -ENOMEM;
	r = take_proto(&text, &h->proto, err);
	r = r ? r : take_side(&text, &h->from, err);
	if (!r && !take_word(&text, " \t", arrow))
		r = sig_fault(err, -EINVAL, "header", "-> is missing");
	if (!r && strcmp(arrow, "<>") == 0)
		h->both = true;
	else if (!r && strcmp(arrow, "->") != 0)
		r = sig_fault(err, -EINVAL, arrow, "expected -> or <>");
	r = r ? r : take_side(&text, &h->to, err);
	if (!r) {
		memcpy(out, h, sizeof(*out)); /* with its padding: see sig_header_same() */
		*end = text;
	}
	free(h);
	return r;
}

bool sig_header_same(const struct sig_header *a, const struct sig_header *b)
{
	/* Both were zeroed before they were filled in. */
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool addresses_have(const struct sig_addresses *a, uint8_t family, const uint8_t *addr)
{
	bool found = !a->any_plain;

	for (size_t i = 0; i < a->n; i++)
		if (cidr_contains(&a->item[i].cidr, family, addr)) {
			if (a->item[i].negated)
				return false;
			found = true;
		}
	return found;
}

bool sig_ports_have(const struct sig_ports *p, uint16_t port)
{
	bool found = !p->any_plain;

	for (size_t i = 0; i < p->n; i++)
		if (port >= p->item[i].from && port <= p->item[i].to) {
			if (p->item[i].negated)
				return false;
			found = true;
		}
	return found;
}

static bool side_has(const struct sig_side *s, const struct packet *p, const uint8_t *addr,
		     uint16_t port)
{
	return addresses_have(&s->addresses, p->family, addr) &&
	       (s->ports.n == 0 || (p->has_ports && sig_ports_have(&s->ports, port)));
}

static bool proto_fits(enum sig_proto proto, const struct packet *p)
{
	switch (proto) {
	case SIG_TCP:
	case SIG_HTTP:
		return p->proto == IPPROTO_TCP;
	case SIG_UDP:
		return p->proto == IPPROTO_UDP;
	case SIG_ICMP:
		return p->proto == (p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	default:
		return true;
	}
}

bool sig_header_fits(const struct sig_header *h, const struct packet *p)
{
	if (!p->family || !p->has_proto || !proto_fits(h->proto, p))
		return false;
	if (side_has(&h->from, p, p->saddr, p->sport) && side_has(&h->to, p, p->daddr, p->dport))
		return true;
	return h->both && side_has(&h->from, p, p->daddr, p->dport) &&
	       side_has(&h->to, p, p->saddr, p->sport);
}

static bool is_unknown(const uint8_t addr[16])
{
	static const uint8_t none[16];

	return memcmp(addr, none, sizeof(none)) == 0;
}

static bool side_may_have(const struct sig_side *s, const struct packet *p, const uint8_t *addr,
			  uint16_t port)
{
	return (is_unknown(addr) || addresses_have(&s->addresses, p->family, addr)) &&
	       (s->ports.n == 0 || !port || sig_ports_have(&s->ports, port));
}

bool sig_header_may_fit(const struct sig_header *h, const struct packet *p)
{
	if (p->has_proto && !proto_fits(h->proto, p))
		return false;
	if (side_may_have(&h->from, p, p->saddr, p->sport) &&
	    side_may_have(&h->to, p, p->daddr, p->dport))
		return true;
	return h->both && side_may_have(&h->from, p, p->daddr, p->dport) &&
	       side_may_have(&h->to, p, p->saddr, p->sport);
}
