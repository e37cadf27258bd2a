/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/fragment.h"

#include <stdlib.h>

#include "expect.h"
#include "random.h"
#include "unit.h"

#define DATA 64 /* bytes of the datagram, a UDP header first */
#define NS   1000000000ull

static const uint64_t seed[2] = {3, 4};

struct wire {
	uint8_t bytes[256];
	size_t n;
};

static void data_of(uint8_t out[DATA])
{
	for (int i = 0; i < DATA; i++)
		out[i] = (uint8_t)(i * 7);
	memcpy(out, "\x0f\xa0\x00\x35\x00\x40\x00\x00", 8);
}

/* [from, to) of the datagram, as a fragment of it. */
static struct wire cut(int family, size_t from, size_t to, bool more)
{
	struct wire w = {.n = family == 4 ? 20 : 48};
	uint8_t data[DATA];

	data_of(data);
	if (family == 4) {
		memcpy(w.bytes, "\x45\0\0\0\x12\x34\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2", 20);
		w.bytes[3] = (uint8_t)(20 + to - from);
		w.bytes[6] = more ? 0x20 : 0;
		w.bytes[7] = (uint8_t)(from / 8);
	} else {
		memcpy(w.bytes, "\x60\0\0\0\0\0\x2c\x40", 8);
		w.bytes[5] = (uint8_t)(8 + to - from);
		w.bytes[23] = 1;
		w.bytes[39] = 2;
		w.bytes[40] = 17;
		w.bytes[43] = (uint8_t)(from | more);
		w.bytes[47] = 9;
	}
	memcpy(w.bytes + w.n, data + from, to - from);
	w.n += to - from;
	return w;
}

static enum fragment_result add(struct fragments *f, const struct wire *w, uint64_t now,
				struct fragment_whole *out)
{
	struct packet p;

	packet_parse(w->bytes, w->n, w->n, &p);
	return fragments_add(f, 1, &p, w->bytes, w->n, now, out);
}

static enum fragment_result add_cut(struct fragments *f, int family, size_t from, size_t to,
				    bool more, struct fragment_whole *out)
{
	struct wire w = cut(family, from, to, more);

	return add(f, &w, 1, out);
}

static struct fragments *fresh(void)
{
	struct fragments *f = fragments_new(&fragment_limits_default, seed);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

static void expect_whole(int family, const struct fragment_whole *whole)
{
	size_t header = family == 4 ? 20 : 40;
	uint8_t data[DATA];
	struct packet p;

	data_of(data);
	packet_parse(whole->data, whole->length, whole->length, &p);
	CU_ASSERT(p.family == family && p.proto == 17 && !p.malformed && !p.fragment.is);
	CU_ASSERT(p.sport == 4000 && p.dport == 53 && p.payload_length == DATA - 8);
	CU_ASSERT(whole->length == header + DATA);
	CU_ASSERT(memcmp(whole->data + header, data, DATA) == 0);
}

static void any_order_makes_the_whole(void)
{
	struct rng rng = rng_new();

	for (int run = 0; run < 4000; run++) {
		int family = run % 2 ? 4 : 6, order[DATA / 8], left = DATA / 8;
		struct fragments *f = fresh();
		struct fragment_whole whole;

		for (int i = 0; i < DATA / 8; i++)
			order[i] = i;
		while (left) {
			int i = (int)rng_below(&rng, (uint64_t)left), at = 8 * order[i];
			enum fragment_result r = add_cut(f, family, (size_t)at, (size_t)at + 8,
							 at + 8 < DATA, &whole);

			order[i] = order[--left];
			CU_ASSERT(r == (left ? FRAGMENT_HELD : FRAGMENT_WHOLE));
			if (left && rng_below(&rng, 2))
				CU_ASSERT(add_cut(f, family, (size_t)at, (size_t)at + 8,
						  at + 8 < DATA, &whole) == FRAGMENT_HELD);
		}
		expect_whole(family, &whole);
		fragments_passed(f);
		CU_ASSERT(fragments_count(f) == 0);
		fragments_free(f);
	}
}

static void a_drop_holds(void)
{
	for (int family = 4; family <= 6; family += 2) {
		struct fragments *f = fresh();
		struct fragment_whole whole;

		CU_ASSERT(add_cut(f, family, 0, 32, true, &whole) == FRAGMENT_HELD);
		CU_ASSERT(add_cut(f, family, 32, 64, false, &whole) == FRAGMENT_WHOLE);
		CU_ASSERT(add_cut(f, family, 32, 64, false, &whole) == FRAGMENT_BAD);
		CU_ASSERT(add_cut(f, family, 0, 32, true, &whole) == FRAGMENT_BAD);
		fragments_free(f);
	}
}

static void contradictions_condemn(void)
{
	static const struct {
		size_t from, to;
		bool more;
	} cases[] = {
		{8, 24, true},	 /* overlaps behind */
		{24, 40, true},	 /* before */
		{16, 24, true},	 /* within */
		{8, 40, true},	 /* around */
		{16, 32, false}, /* an end before the end */
		{64, 64, false}, /* nothing */
		{40, 45, true},	 /* not of eight bytes, and more to come */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int family = 4; family <= 6; family += 2) {
			struct fragments *f = fresh();
			struct fragment_whole whole;

			add_cut(f, family, 16, 32, true, &whole);
			add_cut(f, family, 56, 64, false, &whole);
			expect(add_cut(f, family, cases[i].from, cases[i].to, cases[i].more,
				       &whole) == FRAGMENT_BAD,
			       "case %zu, IPv%d", i, family);
			CU_ASSERT(add_cut(f, family, 0, 16, true, &whole) == FRAGMENT_BAD);
			fragments_free(f);
		}
}

static void other_bytes_in_one_place_condemn(void)
{
	struct wire w = cut(6, 0, 32, true);
	struct fragments *f = fresh();
	struct fragment_whole whole;

	CU_ASSERT(add(f, &w, 1, &whole) == FRAGMENT_HELD);
	CU_ASSERT(add(f, &w, 1, &whole) == FRAGMENT_HELD);
	w.bytes[60] ^= 1;
	CU_ASSERT(add(f, &w, 1, &whole) == FRAGMENT_BAD);
	CU_ASSERT(fragments_stat(f, FRAGMENT_STAT_OVERLAP) == 1);
	fragments_free(f);
}

static void all_is_bounded(void)
{
	struct fragment_limits limits = fragment_limits_default;
	struct fragment_whole whole;
	struct fragments *f;
	size_t n = 0;

	limits.datagrams = 1000;
	limits.memory = 100000;
	f = fragments_new(&limits, seed);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (int i = 0; i < 10000; i++) {
		struct wire w = cut(6, 0, 32, true);

		w.bytes[44] = (uint8_t)(i >> 8);
		w.bytes[45] = (uint8_t)i;
		n += add(f, &w, 1, &whole) == FRAGMENT_HELD;
		CU_ASSERT(fragments_memory(f) <= limits.memory);
	}
	CU_ASSERT(n > 50 && n < 1000 && fragments_stat(f, FRAGMENT_STAT_REFUSED) == 10000 - n);
	/* Time alone makes room. */
	{
		struct wire w = cut(4, 0, 32, true);

		CU_ASSERT(add(f, &w, 60 * NS, &whole) == FRAGMENT_FULL);
		CU_ASSERT(add(f, &w, 60 * NS + 1, &whole) == FRAGMENT_HELD);
	}
	CU_ASSERT(fragments_stat(f, FRAGMENT_STAT_EXPIRED) >= n);
	fragments_free(f);
}

static void others_are_left_alone(void)
{
	struct wire w = cut(4, 0, 64, false);
	struct fragments *f = fresh();
	struct fragment_whole whole;

	CU_ASSERT(add(f, &w, 1, &whole) == FRAGMENT_NOT);
	w = cut(6, 0, 64, false); /* an atomic fragment: RFC 6946 */
	CU_ASSERT(add(f, &w, 1, &whole) == FRAGMENT_NOT);
	CU_ASSERT(fragments_count(f) == 0);
	fragments_free(f);
}

static const struct unit_test tests[] = {
	{"any order and repetition make the whole", any_order_makes_the_whole},
	{"the completing fragment never gets out", a_drop_holds},
	{"overlaps and false ends condemn", contradictions_condemn},
	{"other bytes in one place condemn", other_bytes_in_one_place_condemn},
	{"number and memory are bounded; time frees them", all_is_bounded},
	{"whole datagrams are left alone", others_are_left_alone},
};
UNIT_SUITE("fw/fragment", tests)
