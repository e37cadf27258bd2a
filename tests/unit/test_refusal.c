/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "expect.h"
#include "fw/refusal.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define ID	 0x1234

static const uint8_t ipv4[] = {0x45, 0, 0,   0, 0, 1, 0,   0,  64,  0,
			       0,    0, 192, 0, 2, 1, 198, 51, 100, 7};
static const uint8_t ipv6[] = {0x60, 0, 0, 0, 0, 0, 0, 64, 0x20, 1, 0x0d, 0xb8, 0,    0,
			       0,    0, 0, 0, 0, 0, 0, 0,  0,	 1, 0x20, 1,	0x0d, 0xb8,
			       0,    0, 0, 0, 0, 0, 0, 0,  0,	 0, 0,	  2};

struct bytes {
	uint8_t b[256];
	size_t n;
	struct packet packet;
};

/* A packet with this upper part. */
static struct bytes packet_of(int family, uint8_t proto, const uint8_t *upper, size_t n)
{
	struct bytes p = {.n = (family == 4 ? sizeof(ipv4) : sizeof(ipv6)) + n};

	memcpy(p.b, family == 4 ? ipv4 : ipv6, p.n - n);
	memcpy(p.b + p.n - n, upper, n);
	p.b[family == 4 ? 9 : 6] = proto;
	p.b[family == 4 ? 3 : 5] = (uint8_t)(family == 4 ? p.n : n);
	packet_parse(p.b, p.n, p.n, &p.packet);
	return p;
}

static struct bytes tcp_of(int family, uint8_t flags, size_t data)
{
	uint8_t tcp[64] = {0x0f, 0xa0, 0, 80, 0xff, 0xff, 0xff, 0xff, 0x22, 0x33, 0x44, 0x55, 0x50};

	tcp[13] = flags;
	return packet_of(family, 6, tcp, 20 + data);
}

static struct bytes refusal_of(const struct bytes *p)
{
	struct bytes out = {.n = 0};

	out.n = refusal_make(&p->packet, p->b, p->n, ID, out.b);
	packet_parse(out.b, out.n, out.n, &out.packet);
	return out;
}

static uint32_t ones(uint32_t so_far, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		so_far += (uint32_t)b[i] << (i % 2 ? 0 : 8);
	return so_far;
}

/* A sum over all that it covers, the checksum included, is all ones (RFC 1071). */
static bool adds_up(const struct bytes *p)
{
	size_t header = p->packet.family == 4 ? 20 : 40, n = p->n - header;
	uint32_t sum = ones(0, p->b + header, n);

	if (p->packet.proto != 1)
		sum = ones(sum + p->packet.proto + (uint32_t)n, p->b + (header == 20 ? 12 : 8),
			   header == 20 ? 8 : 32);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void expect_sent_back(const char *what, const struct bytes *p, const struct bytes *r)
{
	expect(r->packet.family == p->packet.family && !r->packet.malformed, "%s: malformed", what);
	expect(memcmp(r->packet.saddr, p->packet.daddr, 16) == 0, "%s: source", what);
	expect(memcmp(r->packet.daddr, p->packet.saddr, 16) == 0, "%s: destination", what);
	expect(adds_up(r), "%s: checksum", what);
	if (r->packet.family == 4) {
		expect(r->b[4] == ID >> 8 && r->b[5] == (ID & 0xff), "%s: identification", what);
		expect((ones(0, r->b, 20) & 0xffff) + (ones(0, r->b, 20) >> 16) == 0xffff,
		       "%s: header checksum", what);
	}
}

static void tcp_is_reset(void)
{
	static const struct {
		const char *what;
		uint8_t flags;
		size_t data;
		uint8_t want_flags;
		uint32_t seq, ack;
	} rows[] = {
		{"SYN", 0x02, 0, 0x14, 0, 0},	       {"SYN with data", 0x02, 5, 0x14, 0, 5},
		{"ACK", 0x10, 9, 0x04, 0x22334455, 0}, {"FIN ACK", 0x11, 0, 0x04, 0x22334455, 0},
		{"FIN", 0x01, 3, 0x14, 0, 3},	       {"nothing", 0x00, 1, 0x14, 0, 0},
	};

	for (int family = 4; family <= 6; family += 2)
		for (size_t i = 0; i < N(rows); i++) {
			struct bytes p = tcp_of(family, rows[i].flags, rows[i].data);
			struct bytes r = refusal_of(&p);

			expect_sent_back(rows[i].what, &p, &r);
			expect_int(rows[i].what, r.packet.proto, 6);
			expect_int(rows[i].what, r.packet.tcp_flags, rows[i].want_flags);
			expect_int(rows[i].what, r.packet.tcp_seq, rows[i].seq);
			expect_int(rows[i].what, r.packet.tcp_ack, rows[i].ack);
			expect_int(rows[i].what, r.packet.sport, p.packet.dport);
			expect_int(rows[i].what, r.packet.dport, p.packet.sport);
		}
}

static void others_are_unreachable(void)
{
	static const uint8_t upper[16] = {0x0f, 0xa0, 0, 80, 0, 16};
	static const struct {
		const char *what;
		uint8_t proto, code4, code6;
	} rows[] = {
		{"udp", 17, 3, 4},  {"udplite", 136, 3, 4}, {"sctp", 132, 3, 4},
		{"gre", 47, 13, 1}, {"esp", 50, 13, 1},
	};

	for (int family = 4; family <= 6; family += 2)
		for (size_t i = 0; i < N(rows); i++) {
			struct bytes p = packet_of(family, rows[i].proto, upper, sizeof(upper));
			struct bytes r = refusal_of(&p);
			size_t header = family == 4 ? 20 : 40;

			expect_sent_back(rows[i].what, &p, &r);
			expect_int(rows[i].what, r.packet.proto, family == 4 ? 1 : 58);
			expect_int(rows[i].what, r.b[header], family == 4 ? 3 : 1);
			expect_int(rows[i].what, r.b[header + 1],
				   family == 4 ? rows[i].code4 : rows[i].code6);
			expect_int(rows[i].what, (long long)r.n, (long long)(header + 8 + p.n));
			expect(memcmp(r.b + header + 8, p.b, p.n) == 0, "%s: quote", rows[i].what);
		}
}

static void some_are_not_answered(void)
{
	static const uint8_t udp[8] = {0x0f, 0xa0, 0, 80, 0, 8}, error[8] = {3, 3};
	static const uint8_t hosts[][4] = {{0, 0, 0, 0}, {224, 0, 0, 1}, {255, 255, 255, 255}};
	struct bytes p = tcp_of(4, 0x04, 0), r = refusal_of(&p);

	expect_int("RST", (long long)r.n, 0);
	p = packet_of(4, 1, error, sizeof(error));
	expect_int("ICMP error", (long long)refusal_of(&p).n, 0);
	p = packet_of(6, 58, error, sizeof(error));
	expect_int("ICMPv6 error", (long long)refusal_of(&p).n, 0);
	p = packet_of(4, 17, udp, sizeof(udp));
	CU_ASSERT(refusal_of(&p).n > 0);
	p.packet.later_fragment = true;
	expect_int("later fragment", (long long)refusal_of(&p).n, 0);
	p = packet_of(4, 17, udp, 7);
	expect_int("malformed", (long long)refusal_of(&p).n, 0);
	p = packet_of(4, 17, udp, sizeof(udp));
	p.n = 27;
	expect_int("too little of it", (long long)refusal_of(&p).n, 0);
	for (size_t i = 0; i < 2 * N(hosts); i++) {
		p = packet_of(4, 17, udp, sizeof(udp));
		memcpy(i % 2 ? p.packet.saddr : p.packet.daddr, hosts[i / 2], 4);
		expect(refusal_of(&p).n == 0, "host %zu", i);
	}
	p = packet_of(6, 17, udp, sizeof(udp));
	p.packet.daddr[0] = 0xff;
	expect_int("multicast", (long long)refusal_of(&p).n, 0);
	p = packet_of(6, 17, udp, sizeof(udp));
	memset(p.packet.saddr, 0, 16);
	expect_int("nowhere", (long long)refusal_of(&p).n, 0);
	memset(&p.packet, 0, sizeof(p.packet));
	expect_int("no header", (long long)refusal_of(&p).n, 0);
}

static void long_packets_are_quoted_in_part(void)
{
	uint8_t upper[200] = {0x0f, 0xa0, 0, 80, 0, 200};
	struct bytes p = packet_of(6, 17, upper, sizeof(upper)), r = refusal_of(&p);

	expect_sent_back("long", &p, &r);
	CU_ASSERT_EQUAL(r.n, REFUSAL_MAX);
}

static const struct unit_test tests[] = {
	{"TCP is reset as its sender takes it", tcp_is_reset},
	{"others are unreachable", others_are_unreachable},
	{"some are not answered", some_are_not_answered},
	{"long packets are quoted in part", long_packets_are_quoted_in_part},
};
UNIT_SUITE("fw/refusal", tests)
