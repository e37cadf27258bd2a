/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/wire.h"
#include "expect.h"
#include "random.h"
#include "unit.h"

static const struct wire_header good = {
	.magic = WIRE_MAGIC,
	.version = WIRE_VERSION,
	.command = WIRE_EXPLAIN,
	.status = WIRE_REFUSED,
	.length = 0x00010203,
};

static void layout(void)
{
	static const uint8_t want[WIRE_HEADER_LEN] = {
		'A', 'C', 'F', 'W', 1, 0, WIRE_EXPLAIN, 0, 1, 0, 0, 0, 3, 2, 1, 0};
	uint8_t got[WIRE_HEADER_LEN];

	wire_pack(&good, got);
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
}

static void every_command(void)
{
	for (uint16_t c = 0; c < WIRE_COMMAND_COUNT; c++) {
		struct wire_header h = good, again;
		uint8_t bytes[WIRE_HEADER_LEN];

		h.command = c;
		wire_pack(&h, bytes);
		expect(wire_unpack(bytes, WIRE_REQUEST_MAX * 2, &again) == 0, "command %u", c);
		CU_ASSERT_EQUAL(memcmp(&h, &again, sizeof(h)), 0);
	}
}

static void only_a_restore_is_long(void)
{
	for (int c = 0; c < WIRE_COMMAND_COUNT; c++)
		CU_ASSERT_EQUAL(wire_request_max(c), c == WIRE_RESTORE || c == WIRE_SIG_LOAD
							     ? WIRE_RESTORE_MAX
							     : WIRE_REQUEST_MAX);
}

static void refuses(void)
{
	static const struct {
		const char *what;
		struct wire_header h;
		uint32_t max;
		int error;
	} rows[] = {
		{"zeros", {0}, 100, -EPROTO},
		{"magic", {0x41434657, 1, 0, 0, 0, 0}, 100, -EPROTO},
		{"version 0", {WIRE_MAGIC, 0, 0, 0, 0, 0}, 100, -EPROTONOSUPPORT},
		{"version 2", {WIRE_MAGIC, 2, 0, 0, 0, 0}, 100, -EPROTONOSUPPORT},
		{"version 257", {WIRE_MAGIC, 257, 0, 0, 0, 0}, 100, -EPROTONOSUPPORT},
		{"reserved", {WIRE_MAGIC, 1, 0, 0, 1, 0}, 100, -EPROTO},
		{"reserved, high", {WIRE_MAGIC, 1, 0, 0, 0x8000, 0}, 100, -EPROTO},
		{"command", {WIRE_MAGIC, 1, WIRE_COMMAND_COUNT, 0, 0, 0}, 100, -EOPNOTSUPP},
		{"command 65535", {WIRE_MAGIC, 1, 65535, 0, 0, 0}, 100, -EOPNOTSUPP},
		{"length", {WIRE_MAGIC, 1, 0, 0, 0, 101}, 100, -EMSGSIZE},
		{"length, most", {WIRE_MAGIC, 1, 0, 0, 0, UINT32_MAX}, WIRE_REPLY_MAX, -EMSGSIZE},
		{"length of a request",
		 {WIRE_MAGIC, 1, 0, 0, 0, 262145},
		 WIRE_REQUEST_MAX,
		 -EMSGSIZE},
		{"nothing allowed", {WIRE_MAGIC, 1, 0, 0, 0, 1}, 0, -EMSGSIZE},
		{"just fits", {WIRE_MAGIC, 1, 0, 0, 0, 100}, 100, 0},
		{"empty", {WIRE_MAGIC, 1, 0, 0, 0, 0}, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_header out = good;
		uint8_t bytes[WIRE_HEADER_LEN];

		wire_pack(&rows[i].h, bytes);
		expect_int(rows[i].what, wire_unpack(bytes, rows[i].max, &out), rows[i].error);
		if (rows[i].error)
			expect(memcmp(&out, &good, sizeof(out)) == 0, "%s: output changed",
			       rows[i].what);
	}
}

static void one_bit_off(void)
{
	uint8_t bytes[WIRE_HEADER_LEN];
	struct wire_header out;

	wire_pack(&good, bytes);
	for (unsigned int i = 0; i < 8 * WIRE_HEADER_LEN; i++) {
		uint8_t again[WIRE_HEADER_LEN];
		int r;

		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		r = wire_unpack(bytes, UINT32_MAX, &out);
		if (i / 8 < 6 || i / 8 == 10 || i / 8 == 11)
			expect(r < 0, "bit %u of what is fixed", i);
		if (r == 0) {
			wire_pack(&out, again);
			expect(memcmp(bytes, again, sizeof(bytes)) == 0, "bit %u is lost", i);
		}
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void garbage(void)
{
	struct rng rng = rng_new();

	for (int n = 0; n < 10000; n++) {
		struct wire_header out;
		uint8_t bytes[WIRE_HEADER_LEN];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rng_next(&rng);
		bytes[0] = 0;
		CU_ASSERT_EQUAL(wire_unpack(bytes, UINT32_MAX, &out), -EPROTO);
	}
}

static const struct unit_test tests[] = {
	{"the header's bytes are as the protocol says", layout},
	{"every command passes, and nothing is lost", every_command},
	{"every broken rule has its error, the output untouched", refuses},
	{"one bit off is another header or none", one_bit_off},
	{"garbage is refused", garbage},
	{"only a restore and signatures may be long", only_a_restore_is_long},
};
UNIT_SUITE("common/wire", tests)
