/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/probe_abi.h"
#include "expect.h"
#include "fw/packet.h"
#include "packet_hex.h"
#include "random.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
struct row {
	const char *name, *hex;
	size_t length;	    /* 0: what hex gives */
	struct packet want; /* addresses, length and prints aside */
};

#define KNOWN(f, number, offset) \
	.family = (f), .proto = (number), .has_proto = true, .l4_offset = (offset)
#define ICMP(type) .has_icmp = true, .icmp_type = (type)
#define WITH_PORTS .has_ports = true, .sport = 4000, .dport = 80

static const struct row rows[] = {
	/* clang-format off */
	{"tcp over IPv4", IP4("0028", "4000", "06") TCP, 0,
	 {KNOWN(4, 6, 20), WITH_PORTS, .tcp_flags = 0x12}},
	{"udp over IPv4", IP4("0020", "0000", "11") UDP12, 0, {KNOWN(4, 17, 20), WITH_PORTS}},
	{"udp-lite covers only its header", IP4("0020", "0000", "88") UDP12, 0,
	 {KNOWN(4, 136, 20), WITH_PORTS}},
	{"sctp", IP4("0020", "0000", "84") PORTS "00000001 00000002", 0,
	 {KNOWN(4, 132, 20), WITH_PORTS}},
	{"dccp", IP4("0020", "0000", "21") PORTS "00000001 00000002", 0,
	 {KNOWN(4, 33, 20), WITH_PORTS}},
	{"IPv4 options", IP4_OPTIONS("002c", "06") TCP, 0,
	 {KNOWN(4, 6, 24), WITH_PORTS, .tcp_flags = 0x12}},
	{"another protocol", IP4("0018", "0000", "2f") "00000800", 0, {KNOWN(4, 47, 20)}},
	{"tunnels are not entered", IP4("0034", "0000", "04") IP4("0020", "0000", "11") UDP12, 0,
	 {KNOWN(4, 4, 20)}},
	{"trailing bytes are not the packet's", IP4("001c", "0000", "11") UDP "ffffffff", 0,
	 {KNOWN(4, 17, 20), WITH_PORTS}},

	{"echo request", IP4("001c", "0000", "01") "0800 0000 1234 0001", 0,
	 {KNOWN(4, 1, 20), ICMP(8), .sport = 0x1234}},
	{"echo reply", IP4("001c", "0000", "01") "0000 0000 1234 0001", 0,
	 {KNOWN(4, 1, 20), ICMP(0), .sport = 0x1234}},
	{"time stamp has no echo identifier", IP4("001c", "0000", "01") "0d00 0000 1234 0001", 0,
	 {KNOWN(4, 1, 20), ICMP(13)}},
	{"unreachable", IP4("001c", "0000", "01") "0301 0000 0000 0000", 0,
	 {KNOWN(4, 1, 20), ICMP(3), .icmp_error = true}},
	{"time exceeded", IP4("001c", "0000", "01") "0b00 0000 0000 0000", 0,
	 {KNOWN(4, 1, 20), ICMP(11), .icmp_error = true}},
	{"echo request over IPv6", IP6("0008", "3a") "8000 0000 1234 0001", 0,
	 {KNOWN(6, 58, 40), ICMP(128), .sport = 0x1234}},
	{"packet too big", IP6("0008", "3a") "0200 0000 0000 0500", 0,
	 {KNOWN(6, 58, 40), ICMP(2), .icmp_error = true}},
	{"neighbour solicitation is no error", IP6("0008", "3a") "8700 0000 0000 0000", 0,
	 {KNOWN(6, 58, 40), ICMP(135)}},
	{"extended echo reply", IP4("001c", "0000", "01") "2b00 0000 1234 0100", 0,
	 {KNOWN(4, 1, 20), ICMP(43), .sport = 0x1234}},
	{"extended echo reply over IPv6", IP6("0008", "3a") "a100 0000 1234 0100", 0,
	 {KNOWN(6, 58, 40), ICMP(161), .sport = 0x1234}},

	{"first fragment", IP4("001c", "2000", "11") PORTS "0400 0000", 0,
	 {KNOWN(4, 17, 20), WITH_PORTS}},
	{"later fragment", IP4("0020", "2001", "11") UDP12, 0,
	 {KNOWN(4, 17, 0), .later_fragment = true}},
	{"last fragment", IP4("0020", "00b9", "06") UDP12, 0,
	 {KNOWN(4, 6, 0), .later_fragment = true}},
	{"fragment too small for its header", IP4("001c", "2000", "06") PORTS "11111111", 0,
	 {KNOWN(4, 6, 20), WITH_PORTS, .malformed = true}},

	{"tcp over IPv6", IP6("0014", "06") TCP, 0,
	 {KNOWN(6, 6, 40), WITH_PORTS, .tcp_flags = 0x12}},
	{"hop by hop, routing, options", IP6("0020", "00") EXT("2b") EXT("3c") EXT("11") UDP, 0,
	 {KNOWN(6, 17, 64), WITH_PORTS}},
	{"authentication header", IP6("0014", "33") AH("11") UDP, 0,
	 {KNOWN(6, 17, 52), WITH_PORTS}},
	{"atomic fragment", IP6("0010", "2c") FRAGMENT("11", "0000") UDP, 0,
	 {KNOWN(6, 17, 48), WITH_PORTS}},
	{"first fragment over IPv6", IP6("0010", "2c") FRAGMENT("11", "0001") PORTS "0400 0000", 0,
	 {KNOWN(6, 17, 48), WITH_PORTS}},
	{"later fragment over IPv6", IP6("0010", "2c") FRAGMENT("11", "0009") UDP, 0,
	 {KNOWN(6, 17, 0), .later_fragment = true}},
	{"later fragment of an extension header", IP6("0010", "2c") FRAGMENT("3c", "0009") UDP, 0,
	 {.family = 6, .proto = 60, .later_fragment = true}},
	{"no next header", IP6("0000", "3b"), 0, {KNOWN(6, 59, 40)}},
	{"encrypted", IP6("0008", "32") "00000001 00000001", 0, {KNOWN(6, 50, 40)}},
	{"sixteen extension headers", IP6("0088", "3c")
	 EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c")
	 EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("11") UDP, 0,
	 {KNOWN(6, 17, 168), WITH_PORTS}},
	{"seventeen are too many", IP6("0090", "3c")
	 EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c")
	 EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c")
	 EXT("11") UDP, 0, {.family = 6, .proto = 60}},

	{"nothing", "", 0, {.malformed = true}},
	{"version 5", "5500 0020", 0, {.malformed = true}},
	{"IPv4 header cut short", "4500 0020 0001", 0, {.malformed = true}},
	{"IPv6 header cut short", "6000 0000 0008", 0, {.malformed = true}},
	{"header length 16", "4400 001c 0001 0000 4011 0000" SRC4 DST4 UDP, 0,
	 {.family = 4, .malformed = true}},
	{"total length less than the header", IP4("0013", "0000", "11") UDP, 0,
	 {.family = 4, .malformed = true}},
	{"total length less than the options", IP4_OPTIONS("0014", "11") UDP, 0,
	 {.family = 4, .malformed = true}},
	{"total length 0", IP4("0000", "0000", "11") UDP, 0, {.family = 4, .malformed = true}},
	{"total length past the packet", IP4("001d", "0000", "11") UDP, 0,
	 {.family = 4, .malformed = true}},
	{"options past the packet", "4f00 001c 0001 0000 4011 0000" SRC4 DST4 UDP, 0,
	 {.family = 4, .malformed = true}},
	{"ports past the total length", IP4("0016", "0000", "11") UDP, 0,
	 {KNOWN(4, 17, 20), .malformed = true}},
	{"payload length past the packet", IP6("0009", "11") UDP, 0,
	 {.family = 6, .malformed = true}},
	{"payload length 0 with a payload", IP6("0000", "11") UDP, 0,
	 {KNOWN(6, 17, 40), .malformed = true}},
	{"extension header past the packet", IP6("0008", "3c") "11 05 0104 00000000", 0,
	 {.family = 6, .proto = 60, .malformed = true}},
	{"chain ends in an extension header", IP6("0008", "3c") EXT("2b"), 0,
	 {.family = 6, .proto = 43, .malformed = true}},
	{"tcp header of 16 bytes", IP4("0028", "0000", "06")
	 PORTS "11111111 22222222 4010 ffff 0000 0000", 0,
	 {KNOWN(4, 6, 20), WITH_PORTS, .tcp_flags = 0x10, .malformed = true}},
	{"tcp options past the packet", IP4("0028", "0000", "06")
	 PORTS "11111111 22222222 6010 ffff 0000 0000", 0,
	 {KNOWN(4, 6, 20), WITH_PORTS, .tcp_flags = 0x10, .malformed = true}},
	{"udp length less than its header", IP4("001c", "0000", "11") PORTS "0007 0000", 0,
	 {KNOWN(4, 17, 20), WITH_PORTS, .malformed = true}},
	{"udp length past the packet", IP4("001c", "0000", "11") PORTS "0009 0000", 0,
	 {KNOWN(4, 17, 20), WITH_PORTS, .malformed = true}},

	{"big tcp over IPv4", IP4("0000", "4000", "06") TCP, 180000,
	 {KNOWN(4, 6, 20), WITH_PORTS, .tcp_flags = 0x12}},
	{"big tcp over IPv6", IP6("0000", "06") TCP, 180000,
	 {KNOWN(6, 6, 40), WITH_PORTS, .tcp_flags = 0x12}},
	{"65535 is not big", IP4("0000", "4000", "06") TCP, 65535, {.family = 4, .malformed = true}},
	{"gso packet of 64 KiB", IP4("ffff", "4000", "06") TCP, 65535,
	 {KNOWN(4, 6, 20), WITH_PORTS, .tcp_flags = 0x12}},
	/* clang-format on */
};

static void expect_packet(const char *name, const struct packet *p, const struct packet *want)
{
	expect(p->family == want->family, "%s: family %u", name, p->family);
	expect(p->proto == want->proto, "%s: proto %u", name, p->proto);
	expect(p->has_proto == want->has_proto, "%s: has_proto %d", name, p->has_proto);
	expect(p->has_ports == want->has_ports, "%s: has_ports %d", name, p->has_ports);
	expect(p->later_fragment == want->later_fragment, "%s: later_fragment", name);
	expect(p->malformed == want->malformed, "%s: malformed %d", name, p->malformed);
	expect(p->icmp_error == want->icmp_error, "%s: icmp_error", name);
	expect(p->has_icmp == want->has_icmp, "%s: has_icmp %d", name, p->has_icmp);
	expect(p->icmp_type == want->icmp_type, "%s: icmp_type %u", name, p->icmp_type);
	expect(p->tcp_flags == want->tcp_flags, "%s: tcp_flags %#x", name, p->tcp_flags);
	expect(p->sport == want->sport, "%s: sport %u", name, p->sport);
	expect(p->dport == want->dport, "%s: dport %u", name, p->dport);
	expect(p->l4_offset == want->l4_offset, "%s: l4_offset %u", name, p->l4_offset);
}

static void headers_are_read(void)
{
	uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < N(rows); i++) {
		size_t n = hex_bytes(rows[i].hex, bytes);
		size_t length = rows[i].length ? rows[i].length : n;
		struct packet p = parse(bytes, n, length);

		expect_packet(rows[i].name, &p, &rows[i].want);
		expect(p.length == length, "%s: length %u", rows[i].name, p.length);
	}
}

static void addresses_are_read(void)
{
	static const uint8_t v4[16] = {192, 0, 2, 1};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};
	uint8_t bytes[BYTES_MAX];
	struct packet p;

	p = parse(bytes, hex_bytes(IP4("0020", "0000", "11") UDP12, bytes), 32);
	CU_ASSERT(!memcmp(p.saddr, v4, 16));
	p = parse(bytes, hex_bytes(IP6("0008", "11") UDP, bytes), 48);
	CU_ASSERT(!memcmp(p.daddr, v6, 16));
}

/* What a shorter copy still shows is what the whole shows, and the packet is not to blame for it.
 */
static void short_copies_only_hide(void)
{
	uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < N(rows); i++) {
		size_t n = hex_bytes(rows[i].hex, bytes);
		size_t length = rows[i].length ? rows[i].length : n;
		struct packet whole = parse(bytes, n, length);

		for (size_t copied = 0; copied < n; copied++) {
			struct packet p = parse(bytes, copied, length);

			expect(p.malformed <= whole.malformed, "%s: %zu bytes: malformed",
			       rows[i].name, copied);
			expect(!p.has_proto || (whole.has_proto && p.proto == whole.proto),
			       "%s: %zu bytes: proto", rows[i].name, copied);
			expect(!p.has_ports || (p.sport == whole.sport && p.dport == whole.dport),
			       "%s: %zu bytes: ports", rows[i].name, copied);
			expect(p.has_ports || p.proto == 1 || p.proto == 58 || !p.sport,
			       "%s: %zu bytes: a port from nowhere", rows[i].name, copied);
			expect(!p.print || p.print == whole.print, "%s: %zu bytes: print",
			       rows[i].name, copied);
			expect(!p.print_short || p.print_short == whole.print_short,
			       "%s: %zu bytes: short print", rows[i].name, copied);
		}
	}
}

/* As the probes do it: words from after the IP header, zeros where the packet ends. */
static uint64_t print_of(const uint8_t *bytes, size_t n, int n_words)
{
	bool v6 = bytes[0] >> 4 == 6;
	size_t header = v6 ? 40 : (bytes[0] & 15) * 4u;
	uint8_t padded[BYTES_MAX] = {0};
	__u64 addr[4] = {0}, words[ABI_PRINT_WORDS_LONG];
	__u16 id = 0;

	memcpy(padded, bytes, n);
	memcpy(&addr[0], bytes + (v6 ? 8 : 12), v6 ? 16 : 4);
	memcpy(&addr[2], bytes + (v6 ? 24 : 16), v6 ? 16 : 4);
	memcpy(words, padded + header, sizeof(words));
	if (!v6)
		memcpy(&id, bytes + 4, 2);
	return abi_print(addr, bytes[v6 ? 6 : 9], id, words, n_words);
}

static void prints_are_those_of_the_probes(void)
{
	static const struct {
		const char *hex;
		int words;
	} cases[] = {
		{IP4("0028", "4000", "06") TCP, 2},
		{IP4_OPTIONS("002c", "06") TCP, 2},
		{IP6("0014", "06") TCP, 2},
		{IP4("001c", "2000", "06") PORTS "11111111", 2},
		{IP4("001c", "0000", "11") UDP, 5},
		{IP4("0020", "2001", "11") UDP12, 5},
		{IP4("0044", "0000", "04") IP4("0030", "0000", "11") UDP12 TCP "00000000", 5},
		{IP6("0014", "00") EXT("3c") UDP12, 5},
		{IP6("0008", "3a") "8000 0000 1234 0001", 5},
		{IP6("0000", "3b"), 5},
		{IP6("0001", "11") UDP12,
		 5}, /* what the header says of the length does not count */
	};
	uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		size_t n = hex_bytes(cases[i].hex, bytes);
		struct packet p = parse(bytes, n, n);
		int words_short = cases[i].words == 2 ? 2 : 1;

		expect(p.print == print_of(bytes, n, cases[i].words), "print of case %zu", i);
		expect(p.print_short == print_of(bytes, n, words_short), "short print of case %zu",
		       i);
	}
}

/* Bytes that the packet has but the copy lacks are not zeros. */
static void prints_need_their_bytes(void)
{
	uint8_t bytes[BYTES_MAX] = {0};
	struct packet p;

	hex_bytes(IP4("0064", "0000", "11") PORTS "0050 0000", bytes);
	p = parse(bytes, 60, 100);
	CU_ASSERT(p.print != 0 && p.print_short != 0 && p.print != p.print_short);
	p = parse(bytes, 59, 100);
	CU_ASSERT(p.print == 0 && p.print_short != 0);
	p = parse(bytes, 27, 100);
	CU_ASSERT(p.print == 0 && p.print_short == 0);
	hex_bytes(IP4("0064", "0000", "06") TCP, bytes);
	p = parse(bytes, 36, 100);
	CU_ASSERT(p.print != 0 && p.print == p.print_short);
	p = parse(bytes, 35, 100);
	CU_ASSERT(p.print == 0 && p.print_short == 0);
}

static void noise_is_survived(void)
{
	static const uint8_t chain[] = {0, 43, 44, 51, 60, 6, 17, 58};
	struct rng rng = rng_new();
	uint8_t bytes[256];

	for (int i = 0; i < 20000; i++) {
		size_t copied = rng_below(&rng, sizeof(bytes));
		size_t length = copied + (rng_below(&rng, 2) ? rng_below(&rng, 70000) : 0);
		struct packet p;

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = rng_below(&rng, 3) ? chain[rng_below(&rng, N(chain))]
						      : (uint8_t)rng_next(&rng);
		bytes[0] = rng_below(&rng, 2) ? 0x60 : 0x40 | (bytes[0] & 15);
		p = parse(bytes, copied, length);
		CU_ASSERT(p.length == length);
		CU_ASSERT(!p.has_ports || (p.has_proto && !p.later_fragment));
		CU_ASSERT(p.l4_offset <= length);
	}
}

static void text_is_readable(void)
{
	static const struct {
		const char *hex, *text;
	} cases[] = {
		{IP4("0028", "4000", "06") TCP, "tcp 192.0.2.1:4000 -> 192.0.2.2:80"},
		{IP6("0008", "11") UDP, "udp [2001:db8::1]:4000 -> [2001:db8::2]:80"},
		{IP6("0008", "3a") "8000 0000 1234 0001", "icmpv6 2001:db8::1 -> 2001:db8::2"},
		{IP4("0020", "2001", "11") UDP12, "udp 192.0.2.1 -> 192.0.2.2"},
		{IP4("0014", "0000", "fd"), "proto 253 192.0.2.1 -> 192.0.2.2"},
		{IP4("0000", "0000", "06"), "proto ? 192.0.2.1 -> 192.0.2.2"},
		{"00", "no IP header"},
	};
	uint8_t bytes[BYTES_MAX];
	char text[PACKET_TEXT_LEN];

	for (size_t i = 0; i < N(cases); i++) {
		size_t n = hex_bytes(cases[i].hex, bytes);
		struct packet p = parse(bytes, n, n);

		packet_format(&p, text);
		expect_text("text", text, cases[i].text);
	}
}

static void longest_text_fits(void)
{
	struct packet p = {.family = 6,
			   .proto = 136,
			   .has_proto = true,
			   .has_ports = true,
			   .sport = 65535,
			   .dport = 65535};
	char text[PACKET_TEXT_LEN];

	memset(p.saddr, 0xff, 16);
	memset(p.daddr, 0xff, 16);
	packet_format(&p, text);
	CU_ASSERT(strlen(text) < PACKET_TEXT_LEN - 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ffff]:65535"));
}

/* What an answer to it must say: only of TCP whose header is whole. */
static void tcp_numbers(void)
{
	static const struct {
		const char *name, *hex;
		bool has;
		uint32_t span;
	} cases[] = {
		{"SYN ACK", IP4("0028", "0000", "06") TCP, true, 1},
		{"with data", IP4("002b", "0000", "06") TCP "616263", true, 4},
		{"padding does not count", IP4("0028", "0000", "06") TCP "000000", true, 1},
		{"FIN", IP6("0015", "06") PORTS "11111111 22222222 5011 ffff 0000 0000 61", true,
		 2},
		{"options",
		 IP6("0018", "06") PORTS "11111111 22222222 6010 ffff 0000 0000 01010101", true, 0},
		{"cut", IP4("0028", "0000", "06") PORTS "11111111 22222222 6010 ffff 0000 0000",
		 false, 0},
		{"udp", IP4("001c", "0000", "11") UDP, false, 0},
	};

	for (size_t i = 0; i < N(cases); i++) {
		uint8_t bytes[BYTES_MAX];
		size_t n = hex_bytes(cases[i].hex, bytes);
		struct packet p;

		packet_parse(bytes, n, n, &p);
		expect_int(cases[i].name, p.has_tcp, cases[i].has);
		expect_int(cases[i].name, p.tcp_span, cases[i].span);
		expect_int(cases[i].name, p.tcp_seq, cases[i].has ? 0x11111111 : 0);
		expect_int(cases[i].name, p.tcp_ack, cases[i].has ? 0x22222222 : 0);
	}
}

static const struct unit_test tests[] = {
	{"TCP numbers are read", tcp_numbers},
	{"headers are read", headers_are_read},
	{"addresses are read", addresses_are_read},
	{"short copies only hide", short_copies_only_hide},
	{"prints are those of the probes", prints_are_those_of_the_probes},
	{"prints need their bytes", prints_need_their_bytes},
	{"noise is survived", noise_is_survived},
	{"text is readable", text_is_readable},
	{"longest text fits", longest_text_fits},
};
UNIT_SUITE("fw/packet", tests)
