// SPDX-License-Identifier: GPL-2.0-or-later
#include "refusal.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "common/rule_proto.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER  20
#define ICMP_HEADER 8
#define HOP_LIMIT   64

#define TCP_RST 0x04 /* RFC 9293 section 3.1 */
#define TCP_ACK 0x10

#define ICMP4_UNREACHABLE 3 /* RFC 792, RFC 1812 section 5.2.7.1 */
#define ICMP4_PORT	  3
#define ICMP4_PROHIBITED  13
#define ICMP6_UNREACHABLE 1 /* RFC 4443 section 3.1 */
#define ICMP6_PORT	  4
#define ICMP6_PROHIBITED  1

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

/* The Internet checksum (RFC 1071), before it is complemented. */
static uint32_t sum(uint32_t so_far, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		so_far += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (so_far >> 16)
		so_far = (so_far & 0xffff) + (so_far >> 16);
	return so_far;
}

static bool is_one_host(const struct packet *p, const uint8_t addr[16])
{
	static const uint8_t none[16];

	if (p->family == 6)
		return addr[0] != 0xff && memcmp(addr, none, 16) != 0;
	return addr[0] != 0 && (addr[0] == 127 || addr[0] < 224);
}

static bool may_be_answered(const struct packet *p)
{
	return p->family && p->has_proto && !p->malformed && !p->later_fragment && !p->icmp_error &&
	       !(p->proto == IPPROTO_TCP && (!p->has_tcp || p->tcp_flags & TCP_RST)) &&
	       is_one_host(p, p->saddr) && is_one_host(p, p->daddr);
}

static size_t ip_header(const struct packet *p)
{
	return p->family == 4 ? IPV4_HEADER : IPV6_HEADER;
}

/* Back to where it came from. Returns the pseudo header's sum (RFC 9293, RFC 8200 section 8.1). */
static uint32_t put_ip(const struct packet *p, uint8_t proto, size_t payload, uint16_t id,
		       uint8_t *out)
{
	const size_t addr = p->family == 4 ? 4 : 16;
	uint32_t so_far = proto + (uint32_t)payload;

	if (p->family == 4) {
		out[0] = 0x45;
		put16(out + 2, IPV4_HEADER + (uint32_t)payload);
		put16(out + 4, id);
		out[8] = HOP_LIMIT;
		out[9] = proto;
	} else {
		out[0] = 0x60;
		put16(out + 4, (uint32_t)payload);
		out[6] = proto;
		out[7] = HOP_LIMIT;
	}
	memcpy(out + ip_header(p) - 2 * addr, p->daddr, addr);
	memcpy(out + ip_header(p) - addr, p->saddr, addr);
	if (p->family == 4)
		put16(out + 10, ~sum(0, out, IPV4_HEADER));
	return sum(so_far, out + ip_header(p) - 2 * addr, 2 * addr);
}

static size_t make_reset(const struct packet *p, uint16_t id, uint8_t *out)
{
	uint8_t *tcp = out + ip_header(p);
	uint32_t pseudo = put_ip(p, IPPROTO_TCP, TCP_HEADER, id, out);

	put16(tcp, p->dport);
	put16(tcp + 2, p->sport);
	tcp[12] = TCP_HEADER / 4 << 4;
	tcp[13] = TCP_RST;
	if (p->tcp_flags & TCP_ACK) {
		put32(tcp + 4, p->tcp_ack);
	} else {
		put32(tcp + 8, p->tcp_seq + p->tcp_span);
		tcp[13] |= TCP_ACK;
	}
	put16(tcp + 16, ~sum(pseudo, tcp, TCP_HEADER));
	return ip_header(p) + TCP_HEADER;
}

static size_t make_unreachable(const struct packet *p, const void *head, size_t n, uint16_t id,
			       uint8_t *out)
{
	bool ports = rule_proto_has_ports(p->proto);
	uint8_t *icmp = out + ip_header(p);
	uint32_t pseudo =
		put_ip(p, p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, ICMP_HEADER + n, id, out);

	if (p->family == 4) {
		pseudo = 0; /* ICMP has none */
		icmp[0] = ICMP4_UNREACHABLE;
		icmp[1] = ports ? ICMP4_PORT : ICMP4_PROHIBITED;
	} else {
		icmp[0] = ICMP6_UNREACHABLE;
		icmp[1] = ports ? ICMP6_PORT : ICMP6_PROHIBITED;
	}
	memcpy(icmp + ICMP_HEADER, head, n);
	put16(icmp + 2, ~sum(pseudo, icmp, ICMP_HEADER + n));
	return ip_header(p) + ICMP_HEADER + n;
}

size_t refusal_make(const struct packet *p, const void *head, size_t head_len, uint16_t id,
		    uint8_t out[REFUSAL_MAX])
{
	size_t n = head_len < REFUSAL_QUOTE ? head_len : REFUSAL_QUOTE;

	memset(out, 0, REFUSAL_MAX);
	if (!may_be_answered(p))
		return 0;
	if (p->proto == IPPROTO_TCP)
		return make_reset(p, id, out);
	/* Whoever gets it looks for the socket by what is quoted of the upper header. */
	if (n < p->length && n < p->l4_offset + 8)
		return 0;
	return make_unreachable(p, head, n, id, out);
}
