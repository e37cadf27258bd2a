/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/hex.h"
#include "expect.h"
#include "random.h"
#include "unit.h"

#define ASCENDING "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define MIXED	  "FfeEdDcCbBaA9988776655443322110000112233445566778899aAbBcCdDeEfF"

static void known(void)
{
	static const uint8_t mixed_start[] = {0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99};
	char text[SHA256_HEX_LEN + 1];
	struct sha256 d;

	CU_ASSERT_EQUAL(hex_parse_sha256(ASCENDING, &d), 0);
	for (uint8_t i = 0; i < SHA256_LEN; i++)
		CU_ASSERT_EQUAL(d.b[i], i);
	hex_format_sha256(&d, text);
	expect_text("ascending", text, ASCENDING);
	CU_ASSERT_EQUAL(hex_parse_sha256(MIXED, &d), 0);
	CU_ASSERT_EQUAL(memcmp(d.b, mixed_start, sizeof(mixed_start)), 0);
}

static void wrong_length(void)
{
	char text[200];

	for (size_t len = 0; len < sizeof(text); len++) {
		struct sha256 d = {{7}};

		memset(text, 'a', len);
		text[len] = '\0';
		expect_int("length", hex_parse_sha256(text, &d), len == 64 ? 0 : -EMSGSIZE);
		expect_int("first byte", d.b[0], len == 64 ? 0xaa : 7);
	}
}

static void wrong_digit(void)
{
	for (size_t at = 0; at < SHA256_HEX_LEN; at++)
		for (int c = 1; c < 256; c++) {
			char text[] = ASCENDING;
			struct sha256 d = {{7}};
			int want = strchr("0123456789abcdefABCDEF", c) ? 0 : -EINVAL;

			text[at] = (char)c;
			expect(hex_parse_sha256(text, &d) == want, "character %d at %zu", c, at);
			if (want)
				CU_ASSERT_EQUAL(d.b[0], 7);
		}
}

static void round_trip(void)
{
	struct rng rng = rng_new();

	for (int n = 0; n < 1000; n++) {
		char text[SHA256_HEX_LEN + 1];
		struct sha256 d, again;

		for (size_t i = 0; i < SHA256_LEN; i++)
			d.b[i] = (uint8_t)rng_next(&rng);
		hex_format_sha256(&d, text);
		CU_ASSERT_EQUAL(strlen(text), SHA256_HEX_LEN);
		CU_ASSERT_EQUAL(hex_parse_sha256(text, &again), 0);
		CU_ASSERT_EQUAL(sha256_cmp(&d, &again), 0);
	}
}

static void order(void)
{
	for (size_t i = 0; i < SHA256_LEN; i++) {
		struct sha256 a = {{0}}, b = {{0}};

		a.b[i] = 0x7f;
		b.b[i] = 0x80;
		expect(sha256_cmp(&a, &b) < 0, "a < b by byte %zu", i);
		expect(sha256_cmp(&b, &a) > 0, "b > a by byte %zu", i);
	}
}

static const struct unit_test tests[] = {
	{"digits of either case are read, lower case is written", known},
	{"any length but 64 is refused", wrong_length},
	{"any other character at any place is refused", wrong_digit},
	{"what is written is read back", round_trip},
	{"digests compare as bytes, the first foremost", order},
};
UNIT_SUITE("common/hex", tests)
