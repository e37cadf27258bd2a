/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw/packet.c: where the payload lies, and parts of datagrams. */
#include <errno.h>

#include "expect.h"
#include "packet_hex.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void payloads_are_found(void)
{
	static const struct {
		const char *name, *hex;
		size_t copied, length; /* 0: what hex gives */
		uint32_t offset, payload;
	} cases[] = {
		{"tcp", IP4("002b", "0000", "06") TCP "616263", 0, 0, 40, 3},
		{"no data", IP4("0028", "0000", "06") TCP, 0, 0, 40, 0},
		{"padding is none", IP4("0029", "0000", "06") TCP "610000", 0, 0, 40, 1},
		{"IPv4 options", IP4_OPTIONS("002d", "06") TCP "61", 0, 0, 44, 1},
		{"tcp options",
		 IP4("002d", "0000", "06") PORTS
		 "11111111 22222222 6010 ffff 0000 0000 01010101 61",
		 0, 0, 44, 1},
		{"tcp over IPv6", IP6("0016", "06") TCP "6162", 0, 0, 60, 2},
		{"behind an extension header", IP6("001e", "00") EXT("06") TCP "6162", 0, 0, 68, 2},
		{"not copied", IP4("0064", "0000", "06") TCP, 40, 100, 40, 60},
		{"copied up to the flags", IP4("0064", "0000", "06") TCP, 34, 100, 40, 60},
		{"not even these", IP4("0064", "0000", "06") TCP, 33, 100, 0, 0},
		{"big", IP4("0000", "0000", "06") TCP, 40, 180000, 40, 179960},
		{"tcp header of 16 bytes",
		 IP4("002b", "0000", "06") PORTS "11111111 22222222 4010 ffff 0000 0000 616263", 0,
		 0, 36, 7},
		{"tcp options past the packet",
		 IP4("0028", "0000", "06") PORTS "11111111 22222222 6010 ffff 0000 0000", 0, 0, 0,
		 0},
		{"udp", IP4("0020", "0000", "11") UDP12, 0, 0, 28, 4},
		{"empty udp", IP4("001c", "0000", "11") UDP, 0, 0, 28, 0},
		{"what udp does not cover", IP4("0020", "0000", "11") UDP "61626364", 0, 0, 28, 0},
		{"udp over IPv6", IP6("000c", "11") UDP12, 0, 0, 48, 4},
		{"udp length past the packet", IP4("001c", "0000", "11") PORTS "0009 0000", 0, 0, 0,
		 0},
		{"first fragment of udp", IP4("0020", "2000", "11") PORTS "0400 0000 61626364", 0,
		 0, 28, 4},
		{"later fragment", IP4("0020", "2001", "11") UDP12, 0, 0, 0, 0},
		{"udp-lite", IP4("0020", "0000", "88") UDP12, 0, 0, 0, 0},
		{"echo", IP4("001d", "0000", "01") "0800 0000 1234 0001 61", 0, 0, 0, 0},
	};
	uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		size_t n = hex_bytes(cases[i].hex, bytes);
		struct packet p = parse(bytes, cases[i].copied ? cases[i].copied : n,
					cases[i].length ? cases[i].length : n);

		expect(p.payload_offset == cases[i].offset, "%s: offset %u", cases[i].name,
		       p.payload_offset);
		expect(p.payload_length == cases[i].payload, "%s: length %u", cases[i].name,
		       p.payload_length);
	}
}

static void parts_are_described(void)
{
	static const struct {
		const char *name, *hex;
		struct packet_fragment want;
	} cases[] = {
		{"a whole one", IP4("0020", "4000", "11") UDP12, {0}},
		{"first", IP4("0020", "2000", "11") UDP12, {true, true, 17, 9, 20, 20, 0, 12, 1}},
		{"middle", IP4("0020", "2003", "11") UDP12, {true, true, 17, 9, 20, 20, 24, 12, 1}},
		{"last",
		 IP4("0020", "1fff", "06") UDP12,
		 {true, false, 6, 9, 20, 20, 65528, 12, 1}},
		{"with options",
		 "4600 0020 abcd 2001 40 11 0000" SRC4 DST4 "94040000" UDP,
		 {true, true, 17, 9, 24, 24, 8, 8, 0xabcd}},
		{"padding is not of it",
		 IP4("001c", "2001", "11") UDP "ffff",
		 {true, true, 17, 9, 20, 20, 8, 8, 1}},
		{"first over IPv6",
		 IP6("0010", "2c") FRAGMENT("11", "0001") UDP,
		 {true, true, 17, 6, 40, 48, 0, 8, 7}},
		{"last over IPv6",
		 IP6("0010", "2c") FRAGMENT("11", "fff8") UDP,
		 {true, false, 17, 6, 40, 48, 65528, 8, 7}},
		{"behind an extension header",
		 IP6("0018", "00") EXT("2c") FRAGMENT("06", "0009") UDP,
		 {true, true, 6, 40, 48, 56, 8, 8, 7}},
		{"atomic (RFC 6946)", IP6("0010", "2c") FRAGMENT("11", "0000") UDP, {0}},
		{"reserved bits alone", IP6("0010", "2c") FRAGMENT("11", "0006") UDP, {0}},
		{"fragment header cut short", IP6("0004", "2c") "11 00 0001", {0}},
	};
	uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		size_t n = hex_bytes(cases[i].hex, bytes);
		struct packet p = parse(bytes, n, n);
		const struct packet_fragment *f = &p.fragment, *want = &cases[i].want;

		expect(f->is == want->is && f->more == want->more, "%s: is %d, more %d",
		       cases[i].name, f->is, f->more);
		expect(f->next == want->next && f->next_at == want->next_at, "%s: next %u at %u",
		       cases[i].name, f->next, f->next_at);
		expect(f->header == want->header && f->data_at == want->data_at,
		       "%s: header %u, data at %u", cases[i].name, f->header, f->data_at);
		expect(f->offset == want->offset && f->length == want->length,
		       "%s: offset %u, length %u", cases[i].name, f->offset, f->length);
		expect(f->id == want->id, "%s: id %#x", cases[i].name, f->id);
	}
}

/* The whole's header, and so what the whole is read as. */
static void wholes_have_headers(void)
{
	static const struct {
		const char *name, *part, *header;
		size_t length;
	} cases[] = {
		{"IPv4", IP4("0020", "2000", "11") UDP12, IP4("0020", "0000", "11"), 12},
		{"checksum and flags are 0", "4500 0020 0001 a000 40 11 beef" SRC4 DST4 UDP12,
		 "4500 0414 0001 0000 40 11 0000" SRC4 DST4, 1024},
		{"options stay", "4600 0024 0001 2000 40 11 0000" SRC4 DST4 "94040000" UDP12,
		 IP4_OPTIONS("0024", "11"), 12},
		{"the longest", IP4("0020", "2000", "11") UDP12, IP4("ffff", "0000", "11"), 65515},
		{"IPv6", IP6("0014", "2c") FRAGMENT("11", "0001") UDP12, IP6("000c", "11"), 12},
		{"extension headers before it stay",
		 IP6("001c", "00") EXT("2c") FRAGMENT("11", "0001") UDP12,
		 IP6("0014", "00") EXT("11"), 12},
		{"the longest over IPv6", IP6("0014", "2c") FRAGMENT("11", "0001") UDP12,
		 IP6("ffff", "11"), 65535},
	};
	uint8_t part[BYTES_MAX], want[BYTES_MAX], got[BYTES_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		size_t n = hex_bytes(cases[i].part, part),
		       header = hex_bytes(cases[i].header, want);
		struct packet p = parse(part, n, n);

		memset(got, 0xee, sizeof(got));
		expect_int(cases[i].name,
			   packet_unfragmented_header(&p, part, n, cases[i].length, got), 0);
		expect_int(cases[i].name, p.fragment.header, (long long)header);
		expect(memcmp(got, want, header) == 0, "%s: header", cases[i].name);
		expect(got[header] == 0xee, "%s: writes past it", cases[i].name);
	}
}

static void others_have_none(void)
{
	static const struct {
		const char *name, *hex;
		size_t copied, length;
		int result;
	} cases[] = {
		{"no fragment", IP4("0020", "0000", "11") UDP12, 32, 12, -EINVAL},
		{"not the first", IP4("0020", "2001", "11") UDP12, 32, 12, -EINVAL},
		{"not copied", IP4("0020", "2000", "11") UDP12, 19, 12, -EINVAL},
		{"too long", IP4("0020", "2000", "11") UDP12, 32, 65516, -EMSGSIZE},
		{"too long over IPv6", IP6("0014", "2c") FRAGMENT("11", "0001") UDP12, 60, 65536,
		 -EMSGSIZE},
		{"with its extension headers",
		 IP6("001c", "00") EXT("2c") FRAGMENT("11", "0001") UDP12, 68, 65528, -EMSGSIZE},
		{"a length that wraps around", IP4("0020", "2000", "11") UDP12, 32, SIZE_MAX,
		 -EMSGSIZE},
	};
	uint8_t bytes[BYTES_MAX], got[64];

	for (size_t i = 0; i < N(cases); i++) {
		size_t n = hex_bytes(cases[i].hex, bytes);
		struct packet p = parse(bytes, n, n);

		memset(got, 0xee, sizeof(got));
		expect_int(cases[i].name,
			   packet_unfragmented_header(&p, bytes, cases[i].copied, cases[i].length,
						      got),
			   cases[i].result);
		expect(got[0] == 0xee, "%s: output touched", cases[i].name);
	}
}

static const struct unit_test tests[] = {
	{"payloads are found", payloads_are_found},
	{"parts of datagrams are described", parts_are_described},
	{"the header of a whole datagram", wholes_have_headers},
	{"what begins none has no such header", others_have_none},
};
UNIT_SUITE("fw/packet: payload and fragments", tests)
