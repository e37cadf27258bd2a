/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/cidr.h"
#include "expect.h"
#include "random.h"
#include "unit.h"

static void accepts(void)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.1/32", "192.0.2.1/32"},
		{"192.0.2.255/31", "192.0.2.254/31"},
		{"192.0.2.255/25", "192.0.2.128/25"},
		{"192.0.2.255/24", "192.0.2.0/24"},
		{"192.0.2.255/9", "192.0.0.0/9"},
		{"255.255.255.255/1", "128.0.0.0/1"},
		{"255.255.255.255/0", "0.0.0.0/0"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:DB8::1/128", "2001:db8::1/128"},
		{"2001:db8:ffff::/33", "2001:db8:8000::/33"},
		{"2001:db8:ffff::/32", "2001:db8::/32"},
		{"ffff::/0", "::/0"},
		{"::ffff:192.0.2.1/96", "::ffff:0.0.0.0/96"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[CIDR_TEXT_LEN];
		struct cidr c;

		if (!expect_int(rows[i].text, cidr_parse(rows[i].text, &c), 0))
			continue;
		cidr_format(&c, text);
		expect_text(rows[i].text, text, rows[i].canonical);
	}
}

static void refuses(void)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{"", -EINVAL},
		{"/", -EINVAL},
		{"/24", -EINVAL},
		{"localhost", -EINVAL},
		{"10.0.0", -EINVAL},
		{"10.0.0.0.0", -EINVAL},
		{"10.0.0.256", -EINVAL},
		{"010.0.0.1", -EINVAL},
		{"0x0a.0.0.1", -EINVAL},
		{"10.0.0.1 ", -EINVAL},
		{" 10.0.0.1", -EINVAL},
		{"10.0.0.0/", -EINVAL},
		{"10.0.0.0/+8", -EINVAL},
		{"10.0.0.0/-1", -EINVAL},
		{"10.0.0.0/ 8", -EINVAL},
		{"10.0.0.0/8 ", -EINVAL},
		{"10.0.0.0/08", -EINVAL},
		{"10.0.0.0/0x8", -EINVAL},
		{"10.0.0.0/8/8", -EINVAL},
		{"10.0.0.0/255.0.0.0", -EINVAL},
		{"10.0.0.0//8", -EINVAL},
		{"10.0.0.0/33", -ERANGE},
		{"10.0.0.0/256", -ERANGE},
		{"10.0.0.0/264", -ERANGE},
		{"10.0.0.0/4294967304", -ERANGE},
		{"10.0.0.0/18446744073709551624", -ERANGE},
		{"::/129", -ERANGE},
		{"::/256", -ERANGE},
		{"::/-1", -EINVAL},
		{"::1%lo", -EINVAL},
		{"[::1]", -EINVAL},
		{":::", -EINVAL},
		{"1:2:3:4:5:6:7:8:9", -EINVAL},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", -EINVAL},
		{"::ffff:192.0.2.256", -EINVAL},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", -EINVAL}, /* 46 characters */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cidr c, before;

		memset(&c, 0x5a, sizeof(c));
		before = c;
		expect_int(rows[i].text, cidr_parse(rows[i].text, &c), rows[i].error);
		expect(memcmp(&c, &before, sizeof(c)) == 0, "%s: output changed", rows[i].text);
	}
}

static bool bit(const uint8_t *bytes, unsigned int i)
{
	return bytes[i / 8] & (0x80 >> i % 8);
}

/* Another way to the same answer. */
static bool contains_by_bits(const struct cidr *c, const uint8_t *addr)
{
	for (unsigned int i = 0; i < c->len; i++)
		if (bit(c->addr, i) != bit(addr, i))
			return false;
	return true;
}

static struct cidr random_cidr(struct rng *rng, uint8_t *full)
{
	struct cidr c = {.family = rng_below(rng, 2) ? 4 : 6};
	unsigned int width = c.family == 4 ? 32 : 128;

	c.len = (uint8_t)rng_below(rng, width + 1);
	for (unsigned int i = 0; i < width / 8; i++)
		full[i] = (uint8_t)rng_next(rng);
	for (unsigned int i = 0; i < c.len; i++)
		if (bit(full, i))
			c.addr[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return c;
}

static void contains_random(void)
{
	struct rng rng = rng_new();
	unsigned int inside = 0;

	for (int n = 0; n < 200000; n++) {
		uint8_t addr[16] = {0};
		struct cidr c = random_cidr(&rng, addr);
		unsigned int width = c.family == 4 ? 32 : 128;
		bool want;

		/* Near the edge, where it matters: most have one bit flipped, somewhere. */
		if (rng_below(&rng, 4)) {
			unsigned int i = (unsigned int)rng_below(&rng, width);

			addr[i / 8] ^= (uint8_t)(0x80 >> i % 8);
		}
		want = contains_by_bits(&c, addr);
		inside += want;
		if (!expect(cidr_contains(&c, c.family, addr) == want, "family %u len %u", c.family,
			    c.len))
			return;
		CU_ASSERT_FALSE(cidr_contains(&c, c.family ^ 2, addr));
	}
	expect(inside > 20000 && inside < 180000, "%u of 200000 inside", inside);
}

static void families_apart(void)
{
	static const uint8_t zero[16];
	struct cidr any4, any6;

	CU_ASSERT_EQUAL(cidr_parse("0.0.0.0/0", &any4), 0);
	CU_ASSERT_EQUAL(cidr_parse("::/0", &any6), 0);
	CU_ASSERT_TRUE(cidr_contains(&any4, 4, zero));
	CU_ASSERT_FALSE(cidr_contains(&any4, 6, zero));
	CU_ASSERT_FALSE(cidr_contains(&any4, 0, zero));
	CU_ASSERT_TRUE(cidr_contains(&any6, 6, zero));
	CU_ASSERT_FALSE(cidr_contains(&any6, 4, zero));
}

static void round_trip(void)
{
	struct rng rng = rng_new();

	for (int n = 0; n < 20000; n++) {
		uint8_t full[16];
		struct cidr c = random_cidr(&rng, full), again;
		char text[CIDR_TEXT_LEN];

		cidr_format(&c, text);
		expect_int(text, cidr_parse(text, &again), 0);
		expect(memcmp(&c, &again, sizeof(c)) == 0, "%s reads as another", text);
	}
}

static const struct unit_test tests[] = {
	{"addresses and prefixes are read, bits past the prefix cleared", accepts},
	{"anything else is refused, the output untouched", refuses},
	{"membership agrees with a bit by bit reference", contains_random},
	{"one family never holds the other", families_apart},
	{"what is written is read back", round_trip},
};
UNIT_SUITE("common/cidr", tests)
