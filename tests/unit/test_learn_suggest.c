/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/learn_suggest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "random.h"
#include "unit.h"

#define SEEN_MAX 4096

/* What was seen: filled by see(), until begin(). */
static struct learn_entry seen[SEEN_MAX];
static size_t n_seen;

static const struct learn_options exact = {32, 128, LEARN_WIDE_MAX};
static const struct learn_options usual = {32, 128, LEARN_WIDE_DEFAULT};

static void begin(void)
{
	n_seen = 0;
}

static struct learn_entry *see(const char *addr, uint16_t port)
{
	struct learn_entry *e = &seen[n_seen++];

	CU_ASSERT_FATAL(n_seen <= SEEN_MAX);
	*e = (struct learn_entry){.chain = CHAIN_OUTPUT,
				  .proto = IPPROTO_TCP,
				  .way = LEARN_TO,
				  .port = port,
				  .family = strchr(addr, ':') ? 6 : 4,
				  .packets = 1};
	CU_ASSERT_EQUAL_FATAL(inet_pton(e->family == 4 ? AF_INET : AF_INET6, addr, e->addr), 1);
	return e;
}

/* 10.0.x.y for each x.y in first..last. */
static void see_hosts(unsigned int first, unsigned int last, uint16_t port)
{
	char addr[32];

	for (unsigned int i = first; i <= last; i++) {
		snprintf(addr, sizeof(addr), "10.0.%u.%u", i / 256, i % 256);
		see(addr, port);
	}
}

/* "10.0.0.0/31 80:81 k4; any 443 k20", in order. */
static void tell(const struct suggestion *s, size_t n, char *out)
{
	char peer[CIDR_TEXT_LEN], ports[16];

	*out = '\0';
	for (size_t i = 0; i < n; i++) {
		strcpy(peer, "any");
		if (!s[i].any)
			cidr_format(&s[i].peer, peer);
		snprintf(ports, sizeof(ports), s[i].ports.first == s[i].ports.last ? "%u" : "%u:%u",
			 s[i].ports.first, s[i].ports.last);
		sprintf(out + strlen(out), "%s%s %s k%zu", i ? "; " : "", peer, ports, s[i].kinds);
	}
}

static void expect_rules(const struct learn_options *o, const char *want)
{
	struct suggestion *s;
	char got[4096];
	size_t n;

	CU_ASSERT_EQUAL_FATAL(learn_suggest(seen, n_seen, o, &s, &n), 0);
	CU_ASSERT_FATAL(n < 50);
	tell(s, n, got);
	expect_text("rules", got, want);
	free(s);
}

static size_t count_rules(const struct learn_options *o)
{
	struct suggestion *s;
	size_t n;

	CU_ASSERT_EQUAL_FATAL(learn_suggest(seen, n_seen, o, &s, &n), 0);
	free(s);
	return n;
}

static void ports_make_a_range_without_gaps(void)
{
	begin();
	expect_rules(&exact, "");
	see("10.0.0.1", 82);
	see("10.0.0.1", 80);
	see("10.0.0.1", 81);
	see("10.0.0.1", 84);
	see("10.0.0.1", 65535);
	see("10.0.0.1", 0);
	expect_rules(&exact, "10.0.0.1/32 0 k1; 10.0.0.1/32 80:82 k3; 10.0.0.1/32 84 k1; "
			     "10.0.0.1/32 65535 k1");
}

static void addresses_make_a_prefix_without_gaps(void)
{
	begin();
	see_hosts(0, 7, 80);
	expect_rules(&exact, "10.0.0.0/29 80 k8");
	begin();
	see_hosts(1, 7, 80);
	expect_rules(&exact, "10.0.0.1/32 80 k1; 10.0.0.2/31 80 k2; 10.0.0.4/30 80 k4");
	begin();
	see("fd00::2", 80);
	see("fd00::3", 80);
	see("10.0.0.2", 80);
	expect_rules(&exact, "10.0.0.2/32 80 k1; fd00::2/127 80 k2");
	begin();
	see_hosts(0, 1023, 80);
	expect_rules(&exact, "10.0.0.0/22 80 k1024");
}

/* A block of addresses and ports is one rule; where it is none, whichever order gives fewer. */
static void the_fewest_of_both_ways(void)
{
	begin();
	for (uint16_t port = 80; port < 90; port++)
		see_hosts(0, 3, port);
	expect_rules(&exact, "10.0.0.0/30 80:89 k40");

	begin(); /* one host with four ports in a row, its neighbour with every other of them */
	for (uint16_t port = 80; port < 84; port++)
		see("10.0.0.0", port);
	see("10.0.0.1", 80);
	see("10.0.0.1", 82);
	expect_rules(&exact, "10.0.0.1/32 80 k1; 10.0.0.0/32 80:83 k4; 10.0.0.1/32 82 k1");

	begin(); /* a port with two neighbours, the next with one of them and a third */
	see_hosts(0, 3, 80);
	see_hosts(0, 0, 81);
	see_hosts(2, 2, 81);
	expect_rules(&exact, "10.0.0.0/30 80 k4; 10.0.0.0/32 81 k1; 10.0.0.2/32 81 k1");
}

static void a_prefix_that_is_asked_for(void)
{
	const struct learn_options o = {24, 64, LEARN_WIDE_MAX};

	begin();
	see_hosts(5, 7, 80);
	see_hosts(300, 300, 80);
	see("fd00::1", 80);
	see("fd00:0:0:0:1::1", 80);
	see("fd00:0:0:2::1", 80);
	expect_rules(&o, "10.0.0.0/23 80 k4; fd00::/64 80 k2; fd00:0:0:2::/64 80 k1");
	expect_rules(&(struct learn_options){0, 0, LEARN_WIDE_MAX}, "0.0.0.0/0 80 k4; ::/0 80 k3");
}

static void a_port_with_many_addresses_is_for_any(void)
{
	begin();
	for (unsigned int i = 0; i < 16; i++)
		see_hosts(2 * i, 2 * i, 80);
	see_hosts(1, 1, 443);
	expect_rules(&(struct learn_options){32, 128, 15}, "any 80 k16; 10.0.0.1/32 443 k1");
	CU_ASSERT_EQUAL(count_rules(&usual), 17);
	see("fd00::1", 80);
	expect_rules(&usual, "any 80 k17; 10.0.0.1/32 443 k1");
	expect_rules(&(struct learn_options){32, 128, 0}, "any 80 k17; any 443 k1");
	begin();
	see_hosts(0, 31, 80); /* many, and one prefix */
	expect_rules(&usual, "10.0.0.0/27 80 k32");
}

/* Neither makes one rule with the other. */
static void what_differs_otherwise_stays_apart(void)
{
	begin();
	see("10.0.0.0", 80);
	see("10.0.0.1", 80)->party = 1;
	see("10.0.0.1", 80)->proto = IPPROTO_UDP;
	see("10.0.0.1", 80)->chain = CHAIN_INPUT;
	see("10.0.0.1", 80)->way = LEARN_FROM;
	expect_rules(&exact, "10.0.0.1/32 80 k1; 10.0.0.0/32 80 k1; 10.0.0.1/32 80 k1; "
			     "10.0.0.1/32 80 k1; 10.0.0.1/32 80 k1");
}

static void what_passes_without_a_port_needs_no_other(void)
{
	begin();
	see("10.0.0.1", 80);
	see("10.0.0.2", 80);
	see("10.0.0.1", 0)->way = LEARN_BARE;
	expect_rules(&exact, "10.0.0.2/32 80 k1; 10.0.0.1/32 0 k1");
	see("10.0.0.1", 53)->way = LEARN_FROM;
	expect_rules(&exact, "10.0.0.2/32 80 k1; 10.0.0.1/32 0 k1");
	see("10.0.0.0", 80);
	expect_rules(&exact, "10.0.0.0/31 80 k2; 10.0.0.2/32 80 k1; 10.0.0.1/32 0 k1");
	n_seen--;
	for (size_t i = 0; i < n_seen; i++)
		seen[i].chain = CHAIN_FORWARD; /* the bare one is about the destination */
	expect_rules(&exact, "10.0.0.2/32 80 k1; 10.0.0.1/32 53 k1; 10.0.0.1/32 0 k1");
}

/* --- Any seen, by a slow reference ---------------------------------------------------------- */

#define HOSTS 16
#define PORTS 12

struct grid {
	bool cell[2][HOSTS][PORTS]; /* by family */
};

static void see_grid(struct rng *rng, struct grid *g)
{
	unsigned int density = 1 + (unsigned int)rng_below(rng, 9);
	char addr[32];

	begin();
	memset(g, 0, sizeof(*g));
	for (int f = 0; f < 2; f++)
		for (unsigned int h = 0; h < HOSTS; h++)
			for (uint16_t p = 0; p < PORTS; p++) {
				if (rng_below(rng, 10) >= density)
					continue;
				g->cell[f][h][p] = true;
				snprintf(addr, sizeof(addr), f ? "fd00::%x" : "10.0.0.%u", h);
				see(addr, p);
			}
	for (size_t i = n_seen; i > 1; i--) { /* in any order */
		size_t k = rng_below(rng, i);
		struct learn_entry e = seen[k];

		seen[k] = seen[i - 1];
		seen[i - 1] = e;
	}
}

static bool covers(const struct suggestion *s, int f, unsigned int h, uint16_t p)
{
	uint8_t addr[16] = {0};

	if (p < s->ports.first || p > s->ports.last)
		return false;
	memcpy(addr, f ? (uint8_t[4]){0xfd, 0, 0, 0} : (uint8_t[4]){10, 0, 0, (uint8_t)h}, 4);
	if (f)
		addr[15] = (uint8_t)h;
	return s->any || cidr_contains(&s->peer, f ? 6 : 4, addr);
}

static size_t count_covers(const struct suggestion *s, size_t n, int f, unsigned int h, uint16_t p)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += covers(&s[i], f, h, p);
	return found;
}

/* A rule for each run of ports of each host: what it must not be worse than. */
static size_t count_plain(const struct grid *g)
{
	size_t n = 0;

	for (int f = 0; f < 2; f++)
		for (unsigned int h = 0; h < HOSTS; h++)
			for (uint16_t p = 0; p < PORTS; p++)
				n += g->cell[f][h][p] && (!p || !g->cell[f][h][p - 1]);
	return n;
}

static void just_what_was_seen_is_covered_and_once(void)
{
	struct rng rng = rng_new();
	struct suggestion *s;
	struct grid g;
	size_t n, kinds, wrong = 0;

	for (int i = 0; i < 2000; i++) {
		see_grid(&rng, &g);
		CU_ASSERT_EQUAL_FATAL(learn_suggest(seen, n_seen, &exact, &s, &n), 0);
		kinds = 0;
		for (size_t k = 0; k < n; k++)
			kinds += s[k].kinds;
		wrong += kinds != n_seen || n > count_plain(&g);
		for (int f = 0; f < 2; f++)
			for (unsigned int h = 0; h < HOSTS; h++)
				for (uint16_t p = 0; p < PORTS; p++)
					wrong += count_covers(s, n, f, h, p) != g.cell[f][h][p];
		free(s);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Whatever the options, nothing that was seen is left out. */
static void no_option_leaves_anything_out(void)
{
	struct rng rng = rng_new();
	struct suggestion *s;
	struct grid g;
	size_t n, wrong = 0;

	for (int i = 0; i < 2000; i++) {
		struct learn_options o = {(uint8_t)rng_below(&rng, 33),
					  (uint8_t)rng_below(&rng, 129),
					  (uint32_t)rng_below(&rng, HOSTS)};

		see_grid(&rng, &g);
		CU_ASSERT_EQUAL_FATAL(learn_suggest(seen, n_seen, &o, &s, &n), 0);
		for (size_t k = 0; k < n; k++)
			wrong += !s[k].any && s[k].kinds > (size_t)HOSTS * PORTS;
		for (int f = 0; f < 2; f++)
			for (unsigned int h = 0; h < HOSTS; h++)
				for (uint16_t p = 0; p < PORTS; p++)
					wrong += g.cell[f][h][p] && !count_covers(s, n, f, h, p);
		free(s);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* The control thread answers nobody else meanwhile. */
static void a_full_table_is_covered_at_once(void)
{
	const struct learn_options o = {32, 128, LEARN_WIDE_MAX};
	struct learn_entry *full = calloc(LEARN_ENTRIES_MAX, sizeof(*full));
	struct rng rng = rng_new();
	struct suggestion *s;
	clock_t began = clock();
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(full);
	for (size_t i = 0; i < LEARN_ENTRIES_MAX; i++) {
		uint64_t addr = rng_next(&rng);

		full[i] = (struct learn_entry){.proto = IPPROTO_UDP,
					       .way = i % 2 ? LEARN_BARE : LEARN_TO,
					       .port = i % 2 ? 0 : (uint16_t)addr,
					       .family = 6,
					       .packets = 1};
		memcpy(full[i].addr, &addr, sizeof(addr));
	}
	CU_ASSERT_EQUAL_FATAL(learn_suggest(full, LEARN_ENTRIES_MAX, &o, &s, &n), 0);
	CU_ASSERT_EQUAL(n, LEARN_ENTRIES_MAX);
	expect((clock() - began) / CLOCKS_PER_SEC < 3, "it took %ld s",
	       (long)((clock() - began) / CLOCKS_PER_SEC));
	free(s);
	free(full);
}

static const struct unit_test tests[] = {
	{"ports make a range without gaps", ports_make_a_range_without_gaps},
	{"addresses make a prefix without gaps", addresses_make_a_prefix_without_gaps},
	{"the fewest of both ways", the_fewest_of_both_ways},
	{"a prefix that is asked for", a_prefix_that_is_asked_for},
	{"a port with many addresses is for any", a_port_with_many_addresses_is_for_any},
	{"what differs otherwise stays apart", what_differs_otherwise_stays_apart},
	{"what passes without a port needs no other", what_passes_without_a_port_needs_no_other},
	{"just what was seen is covered, and once", just_what_was_seen_is_covered_and_once},
	{"a full table is covered at once", a_full_table_is_covered_at_once},
	{"no option leaves anything out", no_option_leaves_anything_out},
};

UNIT_SUITE("fw/learn_suggest", tests)
