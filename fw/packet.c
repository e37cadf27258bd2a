// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/probe_abi.h"
#include "common/rule_proto.h"

#define IPV4_HEADER    20
#define IPV6_HEADER    40
#define LENGTH_MAX     65535 /* of a 16-bit length field; a GSO packet past it writes 0 there */
#define EXTENSIONS_MAX 16    /* IPv6 extension headers followed before giving up */
#define TCP_FIN	       0x01  /* RFC 9293 section 3.1 */
#define TCP_SYN	       0x02
#define FRAGMENT_MORE  0x2000
#define FRAGMENT_OFF   0x1fff

struct view {
	const uint8_t *data;
	size_t copied; /* bytes at data */
	size_t end;    /* where the packet ends; may lie before or behind copied */
	bool malformed;
};

/* Whether the packet has n bytes at offset; that it lacks them makes it malformed. */
static bool inside(struct view *v, size_t offset, size_t n)
{
	if (n <= v->end && offset <= v->end - n)
		return true;
	v->malformed = true;
	return false;
}

/* The only way to header bytes: n of them at offset, or NULL. */
static const uint8_t *bytes_at(struct view *v, size_t offset, size_t n)
{
	if (!inside(v, offset, n) || n > v->copied || offset > v->copied - n)
		return NULL;
	return v->data + offset;
}

static uint16_t be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)be16(b) << 16 | be16(b + 2);
}

static uint64_t fingerprint(struct view *v, const struct packet *p, uint8_t proto, uint16_t id,
			    size_t offset, int n_words)
{
	__u64 addr[4], words[ABI_PRINT_WORDS_LONG] = {0};
	size_t want = 8 * (size_t)n_words;
	const uint8_t *b;

	if (want > v->end - offset)
		want = v->end - offset;
	b = bytes_at(v, offset, want);
	if (!b)
		return 0;
	memcpy(words, b, want);
	memcpy(&addr[0], p->saddr, 16);
	memcpy(&addr[2], p->daddr, 16);
	return abi_print(addr, proto, id, words, n_words);
}

/* Before v->end is narrowed to what the packet says of its length: the probes do not read that. */
static void take_prints(struct view *v, struct packet *p, uint8_t proto, uint16_t id, size_t offset)
{
	if (!inside(v, offset, 0))
		return;
	if (proto == IPPROTO_TCP) {
		p->print = fingerprint(v, p, proto, id, offset, ABI_PRINT_WORDS_TCP);
		p->print_short = p->print;
		return;
	}
	p->print = fingerprint(v, p, proto, id, offset, ABI_PRINT_WORDS_LONG);
	p->print_short = fingerprint(v, p, proto, id, offset, ABI_PRINT_WORDS_SHORT);
}

static void read_tcp(struct view *v, struct packet *p)
{
	const uint8_t *tcp = bytes_at(v, p->l4_offset, 14);
	size_t header;

	if (!tcp)
		return;
	p->tcp_flags = tcp[13];
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < 20)
		v->malformed = true;
	if (!inside(v, p->l4_offset, header))
		return;
	p->has_tcp = true;
	p->tcp_seq = be32(tcp + 4);
	p->tcp_ack = be32(tcp + 8);
	p->payload_offset = p->l4_offset + (uint32_t)header;
	p->payload_length = (uint32_t)v->end - p->payload_offset;
	p->tcp_span = (uint32_t)(v->end - p->l4_offset - header) + (tcp[13] & TCP_SYN ? 1 : 0) +
		      (tcp[13] & TCP_FIN ? 1 : 0);
}

static void read_udp(struct view *v, struct packet *p, bool first_fragment)
{
	const uint8_t *udp = bytes_at(v, p->l4_offset, 8);
	size_t have = v->end - p->l4_offset, length;

	if (!udp)
		return;
	length = be16(udp + 4);
	if (length == 0 && have > LENGTH_MAX)
		length = have;
	if (length < 8 || (length > have && !first_fragment)) {
		v->malformed = true;
		return;
	}
	p->payload_offset = p->l4_offset + 8;
	p->payload_length = (uint32_t)(length < have ? length : have) - 8;
}

static void read_icmp(struct view *v, struct packet *p)
{
	const uint8_t *icmp = bytes_at(v, p->l4_offset, 1);
	bool echo;

	if (!icmp)
		return;
	p->icmp_type = icmp[0];
	if (p->proto == IPPROTO_ICMPV6) {
		p->icmp_error = icmp[0] < 128;
		echo = icmp[0] == 128 || icmp[0] == 129 || icmp[0] == 160 || icmp[0] == 161;
	} else {
		p->icmp_error = (icmp[0] >= 3 && icmp[0] <= 5) || icmp[0] == 11 || icmp[0] == 12;
		echo = icmp[0] == 0 || icmp[0] == 8 || icmp[0] == 42 || icmp[0] == 43;
	}
	icmp = echo ? bytes_at(v, p->l4_offset, 6) : NULL;
	if (icmp)
		p->sport = be16(icmp + 4);
	p->has_icmp = icmp || !echo;
}

static const struct upper {
	uint8_t proto;
	uint8_t header; /* least bytes of it */
	bool ports;
} uppers[] = {
	{IPPROTO_TCP, 20, true},    {IPPROTO_UDP, 8, true},   {IPPROTO_ICMP, 8, false},
	{IPPROTO_ICMPV6, 4, false}, {IPPROTO_SCTP, 12, true}, {IPPROTO_DCCP, 12, true},
	{IPPROTO_UDPLITE, 8, true},
};

static const struct upper *upper_find(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(uppers) / sizeof(uppers[0]); i++)
		if (uppers[i].proto == proto)
			return &uppers[i];
	return NULL;
}

static void read_upper(struct view *v, struct packet *p, bool first_fragment)
{
	const struct upper *u = upper_find(p->proto);
	const uint8_t *ports;

	if (!u)
		return;
	inside(v, p->l4_offset, u->header);
	ports = u->ports ? bytes_at(v, p->l4_offset, 4) : NULL;
	if (ports) {
		p->sport = be16(ports);
		p->dport = be16(ports + 2);
		p->has_ports = true;
	}
	if (p->proto == IPPROTO_TCP)
		read_tcp(v, p);
	else if (p->proto == IPPROTO_UDP)
		read_udp(v, p, first_fragment);
	else if (!u->ports)
		read_icmp(v, p);
}

/* Its data begin at data_at and end with the packet. */
static void take_fragment(struct view *v, struct packet *p, struct packet_fragment f)
{
	if (!inside(v, f.data_at, 0) || v->end - f.data_at > LENGTH_MAX)
		return;
	f.length = (uint16_t)(v->end - f.data_at);
	f.is = true;
	p->fragment = f;
}

static void read_ipv4_fragment(struct view *v, struct packet *p, const uint8_t *ip, size_t header)
{
	uint16_t field = be16(ip + 6);

	if (!(field & (FRAGMENT_OFF | FRAGMENT_MORE)))
		return;
	take_fragment(v, p,
		      (struct packet_fragment){.more = field & FRAGMENT_MORE,
					       .next = ip[9],
					       .next_at = 9,
					       .header = (uint16_t)header,
					       .data_at = (uint16_t)header,
					       .offset = (uint16_t)((field & FRAGMENT_OFF) * 8),
					       .id = be16(ip + 4)});
}

static void read_ipv4(struct view *v, struct packet *p)
{
	const uint8_t *ip = bytes_at(v, 0, IPV4_HEADER);
	size_t header, total;
	uint16_t fragment, id;

	if (!ip)
		return;
	p->family = 4;
	memcpy(p->saddr, ip + 12, 4);
	memcpy(p->daddr, ip + 16, 4);
	header = (size_t)(ip[0] & 15) * 4;
	if (header < IPV4_HEADER) {
		v->malformed = true;
		return;
	}
	memcpy(&id, ip + 4, 2);
	take_prints(v, p, ip[9], id, header);
	total = be16(ip + 2);
	if (total == 0 && v->end > LENGTH_MAX)
		total = v->end;
	if (total < header || !inside(v, 0, total)) {
		v->malformed = true;
		return;
	}
	v->end = total;
	p->proto = ip[9];
	p->has_proto = true;
	read_ipv4_fragment(v, p, ip, header);
	fragment = be16(ip + 6);
	p->later_fragment = fragment & FRAGMENT_OFF;
	if (p->later_fragment)
		return;
	p->l4_offset = (uint32_t)header;
	read_upper(v, p, fragment & FRAGMENT_MORE);
}

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_DSTOPTS || next == IPPROTO_AH;
}

static size_t extension_length(uint8_t kind, const uint8_t *b)
{
	if (kind == IPPROTO_FRAGMENT)
		return 8;
	return kind == IPPROTO_AH ? (b[1] + 2u) * 4 : (b[1] + 1u) * 8;
}

/* The fragment header b ends at data_at; the header before it names it at next_at. One that says
 * that it is all of its datagram is none (RFC 6946). */
static void read_ipv6_fragment(struct view *v, struct packet *p, const uint8_t *b, size_t next_at,
			       size_t data_at)
{
	uint16_t field = be16(b + 2);

	if (!(field & 0xfff9) || p->fragment.is || data_at > UINT16_MAX)
		return;
	take_fragment(v, p,
		      (struct packet_fragment){.more = field & 1,
					       .next = b[0],
					       .next_at = (uint16_t)next_at,
					       .header = (uint16_t)(data_at - 8),
					       .data_at = (uint16_t)data_at,
					       .offset = field & 0xfff8,
					       .id = be32(b + 4)});
}

/* From the header `next` at offset on, along the chain to the upper layer. */
static void read_ipv6_chain(struct view *v, struct packet *p, uint8_t next, size_t offset)
{
	bool first_fragment = false;
	size_t next_at = 6;

	p->proto = next;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(p->proto); i++) {
		const uint8_t *b = bytes_at(v, offset, 8);
		uint8_t kind = p->proto;
		size_t length;

		if (!b)
			return;
		length = extension_length(kind, b);
		if (!inside(v, offset, length))
			return;
		if (kind == IPPROTO_FRAGMENT)
			read_ipv6_fragment(v, p, b, next_at, offset + length);
		next_at = offset;
		offset += length;
		p->proto = b[0];
		if (kind != IPPROTO_FRAGMENT)
			continue;
		p->later_fragment = be16(b + 2) & 0xfff8;
		first_fragment |= b[3] & 1;
		if (p->later_fragment)
			break;
	}
	p->has_proto = !is_extension(p->proto);
	if (!p->has_proto || p->later_fragment)
		return;
	p->l4_offset = (uint32_t)offset;
	read_upper(v, p, first_fragment);
}

static void read_ipv6(struct view *v, struct packet *p)
{
	const uint8_t *ip = bytes_at(v, 0, IPV6_HEADER);
	size_t payload;

	if (!ip)
		return;
	p->family = 6;
	memcpy(p->saddr, ip + 8, 16);
	memcpy(p->daddr, ip + 24, 16);
	take_prints(v, p, ip[6], 0, IPV6_HEADER);
	payload = be16(ip + 4);
	if (payload == 0 && v->end - IPV6_HEADER > LENGTH_MAX)
		payload = v->end - IPV6_HEADER;
	if (!inside(v, IPV6_HEADER, payload))
		return;
	v->end = IPV6_HEADER + payload;
	read_ipv6_chain(v, p, ip[6], IPV6_HEADER);
}

void packet_parse(const void *data, size_t copied, size_t length, struct packet *out)
{
	struct view v = {.data = data, .copied = copied < length ? copied : length, .end = length};
	const uint8_t *first = bytes_at(&v, 0, 1);

	*out = (struct packet){.length = (uint32_t)length};
	if (first && first[0] >> 4 == 4)
		read_ipv4(&v, out);
	else if (first && first[0] >> 4 == 6)
		read_ipv6(&v, out);
	else if (first)
		v.malformed = true;
	out->malformed = v.malformed;
}

static void put16(uint8_t *out, size_t value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

int packet_unfragmented_header(const struct packet *p, const void *data, size_t copied,
			       size_t length, uint8_t *out)
{
	const struct packet_fragment *f = &p->fragment;
	const size_t uncounted = p->family == 6 ? IPV6_HEADER : 0;

	if (!f->is || f->offset || copied < f->header)
		return -EINVAL;
	if (length > LENGTH_MAX || f->header - uncounted + length > LENGTH_MAX)
		return -EMSGSIZE;
	memcpy(out, data, f->header);
	out[f->next_at] = f->next;
	put16(out + (p->family == 6 ? 4 : 2), f->header - uncounted + length);
	if (p->family == 4) {
		put16(out + 6, 0);
		put16(out + 10, 0);
	}
	return 0;
}

static const struct proto_name {
	uint8_t proto;
	const char *name;
} proto_names[] = {
	{IPPROTO_TCP, "tcp"},	{IPPROTO_UDP, "udp"},	      {IPPROTO_ICMP, "icmp"},
	{IPPROTO_SCTP, "sctp"}, {IPPROTO_ICMPV6, "icmpv6"},   {IPPROTO_DCCP, "dccp"},
	{IPPROTO_GRE, "gre"},	{IPPROTO_UDPLITE, "udplite"}, {IPPROTO_ESP, "esp"},
	{IPPROTO_AH, "ah"},	{IPPROTO_IGMP, "igmp"},
};

#define PROTO_TEXT_LEN 16

static void format_proto(const struct packet *p, char out[PROTO_TEXT_LEN])
{
	if (!p->has_proto) {
		snprintf(out, PROTO_TEXT_LEN, "proto ?");
		return;
	}
	for (size_t i = 0; i < sizeof(proto_names) / sizeof(proto_names[0]); i++)
		if (proto_names[i].proto == p->proto) {
			snprintf(out, PROTO_TEXT_LEN, "%s", proto_names[i].name);
			return;
		}
	snprintf(out, PROTO_TEXT_LEN, "proto %u", p->proto);
}

#define END_TEXT_LEN (INET6_ADDRSTRLEN + 9)

static void format_end(const struct packet *p, const uint8_t addr[16], uint16_t port,
		       char out[END_TEXT_LEN])
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(p->family == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	if (!p->has_ports)
		snprintf(out, END_TEXT_LEN, "%s", text);
	else if (p->family == 4)
		snprintf(out, END_TEXT_LEN, "%s:%u", text, port);
	else
		snprintf(out, END_TEXT_LEN, "[%s]:%u", text, port);
}

void packet_format(const struct packet *p, char out[PACKET_TEXT_LEN])
{
	char proto[PROTO_TEXT_LEN], from[END_TEXT_LEN], to[END_TEXT_LEN];

	if (p->family == 0) {
		snprintf(out, PACKET_TEXT_LEN, "no IP header");
		return;
	}
	format_proto(p, proto);
	format_end(p, p->saddr, p->sport, from);
	format_end(p, p->daddr, p->dport, to);
	snprintf(out, PACKET_TEXT_LEN, "%s %s -> %s", proto, from, to);
}

bool packet_may_have_ports(const struct packet *p)
{
	return !p->family || !p->has_proto || p->later_fragment || p->malformed ||
	       rule_proto_has_ports(p->proto);
}

/* The sum of 16-bit words in network order, not folded (RFC 1071). */
static uint64_t sum_words(const uint8_t *data, size_t n)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	return i < n ? sum + ((uint32_t)data[i] << 8) : sum;
}

bool packet_checksum_fits(const struct packet *p, const void *data, size_t copied)
{
	const size_t end = (size_t)p->payload_offset + p->payload_length;
	const size_t address = p->family == 4 ? 4 : 16;
	uint64_t sum;

	if (!p->has_tcp || end > copied || p->l4_offset >= end)
		return true;
	sum = sum_words(p->saddr, address) + sum_words(p->daddr, address) + IPPROTO_TCP + end -
	      p->l4_offset + sum_words((const uint8_t *)data + p->l4_offset, end - p->l4_offset);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}
