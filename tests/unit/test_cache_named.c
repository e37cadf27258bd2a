/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules name, and so what tells packets apart: by a table, and as a property: packets that the
 * kernel's cache takes for the same, of random rules, match the same rules.
 */
#include "fw/cache_named.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/cache_key.h"
#include "fw/decide.h"
#include "random.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct packet packet_of(uint8_t proto, const char *src, uint16_t sport, const char *dst,
			       uint16_t dport)
{
	struct packet p = {.proto = proto, .has_proto = true, .has_ports = true};
	const int family = strchr(src, ':') ? AF_INET6 : AF_INET;

	p.family = family == AF_INET ? 4 : 6;
	p.l4_offset = family == AF_INET ? 20 : 40;
	CU_ASSERT_EQUAL(inet_pton(family, src, p.saddr), 1);
	CU_ASSERT_EQUAL(inet_pton(family, dst, p.daddr), 1);
	p.sport = sport;
	p.dport = dport;
	return p;
}

/* The key of a packet under these rules. */
static struct cache_key key_of(const struct rule_chain *c, uint8_t also, const struct packet *p)
{
	static const struct note_holder holder = {.tgid = 7, .start_ns = 8, .map_stamp = 9};
	static struct cache_named named;
	struct cache_key key;
	uint8_t mask = 0;

	memset(&named, 0, sizeof(named));
	memset(&key, 0, sizeof(key));
	cache_key_named(c, &named);
	CU_ASSERT_TRUE(cache_key_mask(c, &mask));
	CU_ASSERT_TRUE(cache_key_make(CACHE_OUT, mask | also, &named, 1, 2, p, &holder, 1, &key));
	return key;
}

#define RULES_OF_A_ROW 3

static void what_no_rule_names_makes_no_difference(void)
{
	static const char a[] = "10.0.0.1", b[] = "10.1.0.2", c[] = "2001:db8::1", d[] = "fd00::2";
	static const struct {
		const char *rules[RULES_OF_A_ROW];
		uint8_t proto;
		const char *src;
		uint16_t sport;
		const char *dst;
		uint16_t dport;
		unsigned int mask;
	} rows[] = {
		/* ports */
		{{"-p tcp --dport 80"}, IPPROTO_TCP, a, 9, b, 80, CACHE_DPORT},
		{{"-p tcp --dport 80"}, IPPROTO_TCP, a, 80, b, 79, 0},
		{{"-p tcp --dport 80"}, IPPROTO_UDP, a, 9, b, 80, 0},
		{{"-! -p tcp --dport 80"}, IPPROTO_UDP, a, 9, b, 80, CACHE_DPORT},
		{{"--dport 80"}, IPPROTO_UDP, a, 9, b, 80, CACHE_DPORT},
		{{"--dport 1:65535"}, IPPROTO_UDP, a, 9, b, 65535, CACHE_DPORT},
		{{"--dport 1:65535"}, IPPROTO_UDP, a, 9, b, 0, 0},
		{{"--sport 63:64"}, IPPROTO_TCP, a, 63, b, 1, CACHE_SPORT},
		{{"--sport 63:64"}, IPPROTO_TCP, a, 64, b, 1, CACHE_SPORT},
		{{"--sport 63:64"}, IPPROTO_TCP, a, 65, b, 1, 0},
		{{"-! --sport 63:64"}, IPPROTO_TCP, a, 64, b, 1, CACHE_SPORT},
		{{"--sport 5", "--dport 6"}, IPPROTO_TCP, a, 5, b, 6, CACHE_SPORT | CACHE_DPORT},
		/* addresses: all is looked at as soon as a rule names one */
		{{"-d 10.1.0.0/16"}, IPPROTO_TCP, a, 1, b, 2, CACHE_DADDR},
		{{"-d 10.1.9.9"}, IPPROTO_TCP, a, 1, b, 2, CACHE_DADDR},
		{{"-d 10.2.0.0/16"}, IPPROTO_TCP, a, 1, b, 2, 0},
		{{"-d 10.0.0.0/15"}, IPPROTO_TCP, a, 1, b, 2, CACHE_DADDR},
		{{"-d 0.0.0.0/0"}, IPPROTO_TCP, a, 1, b, 2, CACHE_DADDR},
		{{"-s 10.1.0.0/16"}, IPPROTO_TCP, a, 1, b, 2, 0},
		{{"-! -d 10.1.0.0/16"}, IPPROTO_TCP, a, 1, b, 2, CACHE_DADDR},
		{{"-! -d 10.2.0.0/16"}, IPPROTO_TCP, a, 1, b, 2, 0},
		{{"-d fd00::/32"}, IPPROTO_TCP, c, 1, d, 2, CACHE_DADDR},
		{{"-d fd00::/8"}, IPPROTO_TCP, c, 1, d, 2, CACHE_DADDR},
		{{"-d fd00::9"}, IPPROTO_TCP, c, 1, d, 2, CACHE_DADDR},
		{{"-d fd00:1::/32"}, IPPROTO_TCP, c, 1, d, 2, 0},
		{{"-s 2001::/16"}, IPPROTO_TCP, c, 1, d, 2, CACHE_SADDR},
		{{"-s 10.0.0.0/8"}, IPPROTO_TCP, c, 1, d, 2, 0},
		/* both */
		{{"-d 10.2.0.0/16 -p tcp --dport 80"}, IPPROTO_TCP, a, 1, b, 80, 0},
		{{"-d 10.1.0.0/16 -p tcp --dport 80"},
		 IPPROTO_TCP,
		 a,
		 1,
		 b,
		 81,
		 CACHE_DADDR | CACHE_DPORT},
		{{"-! -d 10.2.0.0/16 -p tcp --dport 80"}, IPPROTO_TCP, a, 1, b, 80, CACHE_DPORT},
		{{"-d 10.2.0.0/16 --sport 5", "--dport 80"}, IPPROTO_TCP, a, 5, b, 80, CACHE_DPORT},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct rule_chain chain;
		struct packet p = packet_of(rows[i].proto, rows[i].src, rows[i].sport, rows[i].dst,
					    rows[i].dport);

		memset(&chain, 0, sizeof(chain));
		for (int r = 0; r < RULES_OF_A_ROW && rows[i].rules[r]; r++) {
			struct rule_error err;
			char text[RULE_TEXT_MAX];
			struct rule rule;

			snprintf(text, sizeof(text), "-c OUTPUT -v DROP %s", rows[i].rules[r]);
			if (expect(rule_parse_text(text, &rule, &err) == 0, "%s", err.text))
				rule_chain_insert(&chain, &rule, chain.list.n);
		}
		expect_int(rows[i].rules[0], key_of(&chain, 0, &p).tuple.mask, rows[i].mask);
		expect_int(rows[i].rules[0], key_of(&chain, CACHE_FLOW, &p).tuple.mask, CACHE_FLOW);
		rule_chain_clear(&chain);
	}
}

/* --- As a property -------------------------------------------------------------------------- */

#define SETS	200
#define RULES	40 /* more than are read without an index */
#define PACKETS 120

/* Few different ones, so that packets and rules meet, at their edges too. */
static void random_address(struct rng *rng, uint8_t family, uint8_t *addr)
{
	memset(addr, 0, 16);
	addr[0] = rng_below(rng, 4) ? 10 : 11;
	addr[1] = (uint8_t)rng_below(rng, 3);
	addr[2] = (uint8_t)rng_below(rng, 2);
	addr[family == 4 ? 3 : 15] = (uint8_t)rng_below(rng, 3);
}

static uint16_t random_port(struct rng *rng)
{
	static const uint16_t ports[] = {0, 1, 63, 64, 65, 127, 128, 1023, 1024, 65534, 65535};

	return ports[rng_below(rng, N(ports))];
}

static struct cidr random_prefix(struct rng *rng, uint8_t family)
{
	struct cidr c = {.family = family};

	random_address(rng, family, c.addr);
	c.len = (uint8_t)(rng_below(rng, 3) ? rng_below(rng, family == 4 ? 33 : 129) : 16);
	for (unsigned int i = c.len; i < 128; i++)
		c.addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return c;
}

static struct port_range random_range(struct rng *rng)
{
	uint16_t a = random_port(rng), b = rng_below(rng, 2) ? a : random_port(rng);

	return a < b ? (struct port_range){a, b} : (struct port_range){b, a};
}

static struct rule random_rule(struct rng *rng)
{
	static const uint32_t criteria = MATCH_BIT(MATCH_SRC) | MATCH_BIT(MATCH_DST) |
					 MATCH_BIT(MATCH_PROTO) | MATCH_BIT(MATCH_SPORT) |
					 MATCH_BIT(MATCH_DPORT);
	const uint8_t family = rng_below(rng, 2) ? 4 : 6;
	struct rule r = {.chain = CHAIN_OUTPUT, .verdict = VERDICT_DROP};

	r.have = (uint32_t)(rng_next(rng) & rng_next(rng)) & criteria;
	r.neg = r.have & (uint32_t)(rng_next(rng) & rng_next(rng));
	r.src = random_prefix(rng, family);
	r.dst = random_prefix(rng, family);
	r.proto = rng_below(rng, 2) ? IPPROTO_TCP : IPPROTO_UDP;
	r.sport = random_range(rng);
	r.dport = random_range(rng);
	return r;
}

static struct packet random_packet(struct rng *rng)
{
	struct packet p = {.has_proto = true, .has_ports = true};

	p.family = rng_below(rng, 2) ? 4 : 6;
	p.l4_offset = p.family == 4 ? 20 : 40;
	p.proto = rng_below(rng, 2) ? IPPROTO_TCP : IPPROTO_UDP;
	random_address(rng, p.family, p.saddr);
	random_address(rng, p.family, p.daddr);
	p.sport = random_port(rng);
	p.dport = random_port(rng);
	return p;
}

static bool match_alike(const struct rule_chain *c, const struct packet *a, const struct packet *b)
{
	const struct holders nobody = {.origin = ORIGIN_KERNEL};
	struct finding found;

	for (size_t i = 0; i < c->list.n; i++)
		if (decide_rule(rule_chain_at(c, i), a, &nobody, &found) !=
		    decide_rule(rule_chain_at(c, i), b, &nobody, &found))
			return false;
	return true;
}

/* A chain as it comes to be: by one command, and changed by others since. */
static void make_chain(struct rng *rng, struct rule_chain *c)
{
	const size_t n = rng_below(rng, RULES), changes = rng_below(rng, 5);

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < n; i++) {
		struct rule r = random_rule(rng);

		CU_ASSERT_EQUAL(rule_chain_append(c, &r), 0);
	}
	CU_ASSERT_EQUAL(rule_chain_make_index(c), 0);
	for (size_t i = 0; i < changes; i++) {
		struct rule r = random_rule(rng);

		if (c->list.n && rng_below(rng, 2))
			rule_chain_remove(c, rng_below(rng, c->list.n));
		else
			rule_chain_insert(c, &r, rng_below(rng, c->list.n + 1));
	}
}

static void what_has_one_key_matches_the_same_rules(void)
{
	struct rng rng = rng_new();
	unsigned int wrong = 0, alike = 0;

	for (int s = 0; s < SETS; s++) {
		struct packet p[PACKETS];
		struct cache_key key[PACKETS];
		struct rule_chain c;

		make_chain(&rng, &c);
		for (int i = 0; i < PACKETS; i++) {
			p[i] = random_packet(&rng);
			key[i] = key_of(&c, 0, &p[i]);
		}
		for (int i = 0; i < PACKETS; i++)
			for (int k = 0; k < i; k++)
				if (memcmp(&key[i], &key[k], sizeof(key[i])) == 0) {
					alike += memcmp(&p[i], &p[k], sizeof(p[i])) != 0;
					wrong += !match_alike(&c, &p[i], &p[k]);
				}
		rule_chain_clear(&c);
	}
	expect_int("pairs that one key has, and rules tell apart", wrong, 0);
	expect(alike > SETS, "only %u pairs of one key: the test says nothing", alike);
}

static const struct unit_test tests[] = {
	{"what no rule names makes no difference", what_no_rule_names_makes_no_difference},
	{"what has one key matches the same rules", what_has_one_key_matches_the_same_rules},
};

UNIT_SUITE("fw/cache_named", tests)
