/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/cache_key.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <string.h>

#include "expect.h"
#include "unit.h"

/* A chain of these rules. */
static void chain_of(struct rule_chain *c, const char *const rules[], size_t n)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < n; i++) {
		struct rule_error err;
		struct rule rule;
		int r = rule_parse_text(rules[i], &rule, &err);

		if (expect(r == 0, "%s: %s", rules[i], err.text))
			rule_chain_insert(c, &rule, c->list.n);
	}
}

static void mask_is_what_rules_look_at(void)
{
	static const struct {
		const char *rule;
		bool kept;
		unsigned int mask;
	} rows[] = {
		{"-c OUTPUT -v DROP", true, 0},
		{"-c OUTPUT -v DROP -p tcp", true, 0},
		{"-c OUTPUT -v DROP --anon-exec", true, 0},
		{"-c OUTPUT -v DROP -s 10.0.0.0/8", true, CACHE_SADDR},
		{"-c OUTPUT -v DROP -d fd00::/8", true, CACHE_DADDR},
		{"-c OUTPUT -v DROP -p udp --sport 53", true, CACHE_SPORT},
		{"-c OUTPUT -v DROP -! -p tcp -! --dport 1:1023", true, CACHE_DPORT},
		{"-c OUTPUT -v DROP -d 10.0.0.1 -p tcp --dport 80 --monitor", true,
		 CACHE_DADDR | CACHE_DPORT},
		{"-c OUTPUT -v DROP --uid 0", false, 0},
		{"-c OUTPUT -v DROP --gid 1:2", false, 0},
		{"-c OUTPUT -v DROP --comm nc", false, 0},
		{"-c OUTPUT -v DROP --cgroup /a", false, 0},
		{"-c OUTPUT -v DROP --container 0123456789ab", false, 0},
		{"-c OUTPUT -v DROP -! --script "
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		 false, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const char *const more = "-c OUTPUT -v ACCEPT -p udp --dport 53";
		struct rule_chain c;
		uint8_t mask = 0xff;
		bool kept;

		chain_of(&c, &rows[i].rule, 1);
		kept = cache_key_mask(&c, &mask);
		expect(kept == rows[i].kept, "%s: kept", rows[i].rule);
		expect_int(rows[i].rule, mask, kept ? rows[i].mask : 0xff);
		rule_chain_clear(&c);
		chain_of(&c, (const char *const[]){rows[i].rule, more}, 2);
		if (cache_key_mask(&c, &mask))
			expect_int(rows[i].rule, mask, rows[i].mask | CACHE_DPORT);
		rule_chain_clear(&c);
	}
}

static void hooks_are_of_their_chain(void)
{
	for (int c = 0; c < CHAIN_COUNT; c++)
		for (uint8_t h = NF_INET_PRE_ROUTING; h <= NF_INET_POST_ROUTING; h++) {
			enum cache_hook hook;
			bool any = cache_key_hook(c, h, &hook);
			bool out = c == CHAIN_OUTPUT && h == NF_INET_LOCAL_OUT;
			bool in = c == CHAIN_INPUT && h == NF_INET_LOCAL_IN;

			expect(any == (in || out), "%s, hook %u", chain_name(c), h);
			if (any)
				expect_int("hook", hook, in ? CACHE_IN : CACHE_OUT);
		}
}

static const struct packet plain = {
	.family = 4,
	.proto = IPPROTO_TCP,
	.has_proto = true,
	.has_ports = true,
	.sport = 0x1234,
	.dport = 80,
	.saddr = {10, 0, 0, 1},
	.daddr = {10, 0, 0, 2},
	.l4_offset = 20,
};

#define COOKIE 77

static const struct note_holder holder = {
	.tgid = 7, .start_ns = 8, .map_stamp = 9, .exec_pages = 10};

static bool makes(const struct packet *p, const struct note_holder *h, size_t n, uint8_t mask,
		  struct cache_key *key)
{
	static struct cache_named named; /* all of it: what is not, is test_cache_named.c's */

	memset(&named, 0xff, sizeof(named));
	memset(key, 0xee, sizeof(*key));
	return cache_key_make(CACHE_IN, mask, &named, 5, COOKIE, p, h, n, key);
}

static void key_has_what_the_mask_has(void)
{
	for (unsigned int mask = 0; mask < 32; mask++) {
		struct cache_key key, want;

		memset(&want, 0, sizeof(want));
		want.netns = 5;
		want.cookie = mask & CACHE_SOCKET ? COOKIE : 0;
		want.hook = CACHE_IN;
		want.n_who = 1;
		want.who[0] = (struct cache_who){7, 0, 8, 9, 10};
		want.tuple.proto = IPPROTO_TCP;
		want.tuple.family = 4;
		want.tuple.mask = (uint8_t)mask;
		memcpy(&want.tuple.addr[0], plain.saddr, mask & CACHE_SADDR ? 16 : 0);
		memcpy(&want.tuple.addr[2], plain.daddr, mask & CACHE_DADDR ? 16 : 0);
		want.tuple.sport = mask & CACHE_SPORT ? htons(0x1234) : 0;
		want.tuple.dport = mask & CACHE_DPORT ? htons(80) : 0;
		expect(makes(&plain, &holder, 1, (uint8_t)mask, &key), "mask %u", mask);
		expect(memcmp(&key, &want, sizeof(key)) == 0, "mask %u: another key", mask);
	}
}

/* Each is such a packet but for one thing. */
static void no_key_for_what_the_kernel_does_not_look_at(void)
{
	struct packet p[8];
	struct cache_key key;

	for (size_t i = 0; i < 8; i++)
		p[i] = plain;
	p[0].family = 0;
	p[1].has_ports = false;
	p[2].later_fragment = true;
	p[3].malformed = true;
	p[4].l4_offset = 24;
	p[5].proto = IPPROTO_SCTP;
	p[6].family = 6; /* its header is longer */
	p[7].proto = IPPROTO_ICMP;
	for (size_t i = 0; i < 8; i++)
		expect(!makes(&p[i], &holder, 1, 15, &key), "packet %zu", i);
	p[6].l4_offset = 40;
	expect(makes(&p[6], &holder, 1, 15, &key), "IPv6");
}

static void no_key_for_holders_that_change(void)
{
	struct note_holder h[ABI_MEMO_HOLDERS + 1];
	struct cache_key key;

	for (size_t i = 0; i <= ABI_MEMO_HOLDERS; i++)
		h[i] = holder;
	expect(!makes(&plain, h, 0, 0, &key), "holders, and none of them named");
	expect(makes(&plain, h, ABI_MEMO_HOLDERS, 0, &key), "as many as fit");
	expect(!makes(&plain, h, ABI_MEMO_HOLDERS + 1, 0, &key), "one more");
	h[1].in_flight = 1;
	expect(!makes(&plain, h, 2, 0, &key), "a mapping call is under way");
	expect(makes(&plain, h, 1, 0, &key), "of another");
	h[1].in_flight = 0;
	h[1].map_stamp = 0;
	expect(!makes(&plain, h, 2, 0, &key), "a process that is not known");
}

/* Of kernel origin; no list of holders makes the same. */
static void nobody_has_a_key_of_his_own(void)
{
	struct cache_key key, held;

	expect(makes(&plain, NULL, 0, CACHE_DPORT | CACHE_SOCKET, &key), "nobody");
	expect_int("socket", (long long)key.cookie, 0);
	expect_int("holders", key.n_who, 0);
	expect_int("namespace", (long long)key.netns, 5);
	expect_int("port", key.tuple.dport, htons(80));
	for (size_t i = 0; i < ABI_MEMO_HOLDERS; i++)
		expect_int("start", (long long)key.who[i].start_ns, 0);
	expect(makes(&plain, &holder, 1, CACHE_DPORT | CACHE_SOCKET, &held), "somebody");
	expect(memcmp(&key, &held, sizeof(key)) != 0, "the same key");
}

static const struct unit_test tests[] = {
	{"the mask is what the rules look at", mask_is_what_rules_look_at},
	{"hooks are of their chain", hooks_are_of_their_chain},
	{"a key has what the mask has, and 0", key_has_what_the_mask_has},
	{"no key for packets that the kernel does not look at",
	 no_key_for_what_the_kernel_does_not_look_at},
	{"no key for holders that change", no_key_for_holders_that_change},
	{"nobody has a key of his own", nobody_has_a_key_of_his_own},
};

UNIT_SUITE("fw/cache_key", tests)
