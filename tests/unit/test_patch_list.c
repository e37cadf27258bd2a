/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patches of a rule set, and what decide() makes of them: compared with a reference that reads the
 * words of each patch as the manual has them. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "expect.h"
#include "fw/decide.h"
#include "fw/decision_cache.h"
#include "random.h"
#include "unit.h"

#define TIMES	    300
#define PATCHES	    40
#define PACKETS	    300
#define CHAIN_UNDER CHAIN_OUTPUT

static const enum verdict accept_all[CHAIN_COUNT];

static struct patch patch_of(const char *text)
{
	struct rule_error err = {""};
	struct patch p;

	if (!expect(patch_parse_text(text, &p, &err) == 0, "%s: %s", text, err.text))
		CU_FAIL_FATAL("no patch");
	return p;
}

static void step(struct ruleset **rs, struct ruleset *next)
{
	ruleset_unref(*rs);
	*rs = next;
}

static void add(struct ruleset **rs, const char *text)
{
	struct patch p = patch_of(text);
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL_FATAL(ruleset_add_patch(*rs, &p, &next), 0);
	CU_ASSERT_EQUAL(next->epoch, (*rs)->epoch + 1);
	step(rs, next);
}

static void remove_id(struct ruleset **rs, uint64_t id)
{
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL_FATAL(ruleset_remove_patch(*rs, id, &next), 0);
	step(rs, next);
}

static void add_rule(struct ruleset **rs, const char *text)
{
	struct ruleset *next = NULL;
	struct rule_error err;
	struct rule r;

	CU_ASSERT_EQUAL_FATAL(rule_parse_text(text, &r, &err), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_append(*rs, &r, 1, &next), 0);
	step(rs, next);
}

/* --- The reference ---------------------------------------------------------------------------- */

/* What a patch says, beside its text. */
struct said {
	char text[128];
	int family; /* of its network; 0: it names none */
	uint8_t net[16];
	unsigned int len;
	int first, last; /* of its ports; -1: it names none */
	int proto;	 /* the same */
	bool monitor, elsewhere;
};

static bool in_net(const struct said *s, const struct packet *p, const uint8_t *addr)
{
	if (p->family != s->family)
		return false;
	for (unsigned int bit = 0; bit < s->len; bit++)
		if ((addr[bit / 8] ^ s->net[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool is_end(const struct said *s, const struct packet *p, const uint8_t *addr, uint16_t port)
{
	return (!s->family || in_net(s, p, addr)) &&
	       (s->first < 0 || (port >= s->first && port <= s->last));
}

static bool says(const struct said *s, const struct packet *p)
{
	return !s->elsewhere && (s->proto < 0 || s->proto == p->proto) &&
	       (is_end(s, p, p->saddr, p->sport) || is_end(s, p, p->daddr, p->dport));
}

/* --- Random ones ------------------------------------------------------------------------------ */

static void some_address(struct rng *rng, int family, uint8_t out[16])
{
	memset(out, 0, 16);
	out[0] = family == 4 ? 10 : 0xfd;
	out[1] = (uint8_t)rng_below(rng, 2);
	out[(family == 4 ? 4 : 16) - 1] = (uint8_t)rng_below(rng, 4);
}

static struct said some_patch(struct rng *rng)
{
	static const unsigned int lens[2][5] = {{0, 8, 16, 31, 32}, {0, 7, 16, 127, 128}};
	struct said s = {.first = -1, .proto = -1};
	char *at = s.text, addr[INET6_ADDRSTRLEN];

	if (rng_below(rng, 4)) {
		s.family = rng_below(rng, 2) ? 4 : 6;
		s.len = lens[s.family == 6][rng_below(rng, 5)];
		some_address(rng, s.family, s.net);
		inet_ntop(s.family == 4 ? AF_INET : AF_INET6, s.net, addr, sizeof(addr));
		at += sprintf(at, "--cidr %s/%u ", addr, s.len);
	}
	if (!s.family || rng_below(rng, 2)) {
		s.first = 1 + (int)rng_below(rng, 4);
		s.last = s.first + (int)rng_below(rng, 3);
		at += sprintf(at, "--port %d:%d ", s.first, s.last);
	}
	if (rng_below(rng, 2)) {
		s.proto = rng_below(rng, 2) ? 6 : 17;
		at += sprintf(at, "-p %d ", s.proto);
	}
	s.monitor = rng_below(rng, 4) == 0;
	s.elsewhere = rng_below(rng, 5) == 0;
	sprintf(at, "%s%s--note x", s.monitor ? "--monitor " : "",
		s.elsewhere	    ? "-c INPUT "
		: rng_below(rng, 2) ? "-c OUTPUT "
				    : "");
	return s;
}

static struct packet some_packet(struct rng *rng)
{
	struct packet p = {.family = rng_below(rng, 2) ? 4 : 6, .has_proto = true};

	p.proto = rng_below(rng, 2) ? 6 : 17;
	p.has_ports = true;
	p.sport = (uint16_t)rng_below(rng, 8);
	p.dport = (uint16_t)rng_below(rng, 8);
	some_address(rng, p.family, p.saddr);
	some_address(rng, p.family, p.daddr);
	return p;
}

/* Ids rise with the order in which they were added. */
static bool agrees(const struct ruleset *rs, struct decision_cache *cache, const struct said *all,
		   size_t n, const struct packet *p, size_t *dropped)
{
	static const struct objset none = {.complete = true};
	const struct holders who = {
		.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 1, .objects = &none}}};
	uint64_t want = 0, monitored[REASON_MONITORED_MAX];
	size_t n_monitored = 0;
	struct reason got, cached;
	enum verdict v = decide(rs, CHAIN_UNDER, p, &who, &got);

	for (size_t i = 0; i < n && !want; i++) {
		if (!says(&all[i], p))
			continue;
		if (!all[i].monitor)
			want = i + 1;
		else if (n_monitored < REASON_MONITORED_MAX)
			monitored[n_monitored++] = i + 1;
	}
	*dropped += want != 0;
	if (got.n_monitored != n_monitored || !got.rule || got.rule->rule.patch != want ||
	    v != (want ? VERDICT_DROP : VERDICT_ACCEPT))
		return false;
	for (size_t i = 0; i < n_monitored; i++)
		if (got.monitored[i].rule->rule.patch != monitored[i])
			return false;
	return decision_cache_decide(cache, rs, CHAIN_UNDER, p, &who, &cached) == v &&
	       cached.rule == got.rule;
}

static void as_they_are_read(void)
{
	struct decision_cache *cache = decision_cache_new();
	struct rng rng = rng_new();
	size_t dropped = 0, wrong = 0;
	uint64_t epoch = 1;

	for (size_t t = 0; t < TIMES; t++) {
		struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all);
		struct said all[PATCHES];
		size_t n = rng_below(&rng, PATCHES + 1);

		rs->epoch = epoch;
		add_rule(&rs, "-c OUTPUT -v ACCEPT");
		for (size_t i = 0; i < n; i++) {
			all[i] = some_patch(&rng);
			add(&rs, all[i].text);
		}
		for (size_t i = 0; i < PACKETS; i++) {
			struct packet p = some_packet(&rng);

			wrong += !agrees(rs, cache, all, n, &p, &dropped);
		}
		epoch = rs->epoch + 1;
		ruleset_unref(rs);
	}
	decision_cache_free(cache);
	expect_int("decisions that differ", (long long)wrong, 0);
	CU_ASSERT(dropped > TIMES * PACKETS / 10);
	CU_ASSERT(dropped < TIMES * PACKETS * 9 / 10);
}

/* What a process says of itself is no part of what is remembered of decisions. */
static void names_are_asked_each_time(void)
{
	static const struct objset none = {.complete = true, .number = 5};
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 1, .objects = &none}}};
	struct decision_cache *cache = decision_cache_new();
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all);
	struct packet p = {.family = 4, .has_proto = true, .proto = 6, .has_ports = true};
	struct reason why;

	add(&rs, "--comm curl --note x");
	who.h[0].facts.known = true;
	strcpy(who.h[0].facts.comm, "wget");
	CU_ASSERT_EQUAL(decision_cache_decide(cache, rs, CHAIN_UNDER, &p, &who, &why),
			VERDICT_ACCEPT);
	strcpy(who.h[0].facts.comm, "curl");
	CU_ASSERT_EQUAL(decision_cache_decide(cache, rs, CHAIN_UNDER, &p, &who, &why),
			VERDICT_DROP);
	remove_id(&rs, 1);
	CU_ASSERT_EQUAL(decision_cache_decide(cache, rs, CHAIN_UNDER, &p, &who, &why),
			VERDICT_ACCEPT);
	ruleset_unref(rs);
	decision_cache_free(cache);
}

/* --- Ids, counters, time ---------------------------------------------------------------------- */

static void expect_ids(const struct ruleset *rs, const uint64_t *want, size_t n)
{
	expect_int("patches", (long long)rs->patches.n, (long long)n);
	for (size_t i = 0; i < n && i < rs->patches.n; i++)
		expect_int("id", (long long)rs->patches.entries[i]->patch.id, (long long)want[i]);
}

static void no_id_comes_twice(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all), *next = NULL;
	struct patch p = patch_of("--port 5 --note x");

	for (int i = 0; i < 3; i++)
		add(&rs, "--port 5 --note x");
	remove_id(&rs, 3);
	remove_id(&rs, 1);
	add(&rs, "--port 6 --note y");
	expect_ids(rs, (const uint64_t[]){2, 4}, 2);
	CU_ASSERT_EQUAL(ruleset_remove_patch(rs, 3, &next), -ENOENT);
	p.id = 4;
	CU_ASSERT_EQUAL(ruleset_add_patch(rs, &p, &next), -EEXIST);
	p.id = 1; /* as a text has it that is restored */
	CU_ASSERT_EQUAL_FATAL(ruleset_add_patch(rs, &p, &next), 0);
	step(&rs, next);
	expect_ids(rs, (const uint64_t[]){1, 2, 4}, 3);
	p.id = PATCH_ID_LAST + 1;
	CU_ASSERT_EQUAL(ruleset_add_patch(rs, &p, &next), -E2BIG);
	ruleset_reserve_ids(rs, 90);
	ruleset_reserve_ids(rs, 7);
	add(&rs, "--port 6 --note y");
	expect_ids(rs, (const uint64_t[]){1, 2, 4, 90}, 4);
	ruleset_unref(rs);
}

static void there_is_a_bound(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all), *next = NULL;
	struct patch p = patch_of("--port 5 --note x");

	for (int i = 0; i < PATCHES_MAX; i++)
		CU_ASSERT_EQUAL(ruleset_load_patch(rs, &p), 0);
	CU_ASSERT_EQUAL(ruleset_load_patch(rs, &p), -E2BIG);
	CU_ASSERT_EQUAL(ruleset_load_patches(rs), 0);
	CU_ASSERT_EQUAL(ruleset_add_patch(rs, &p, &next), -E2BIG);
	CU_ASSERT_EQUAL(rs->patches.chains[CHAIN_INPUT].list.n, 2 * PATCHES_MAX);
	ruleset_unref(rs);
}

/* What a packet that meets it counts in, whichever end it is and whatever came since. */
static void counters_stay(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all);
	struct rule_count *count;

	add(&rs, "--port 5 --note x");
	count = rs->patches.entries[0]->count;
	for (int i = 0; i < 20; i++)
		add(&rs, "--port 6 --note y");
	remove_id(&rs, 7);
	add_rule(&rs, "-c OUTPUT -v ACCEPT");
	CU_ASSERT_PTR_EQUAL(rs->patches.entries[0]->count, count);
	for (int c = 0; c < CHAIN_COUNT; c++)
		for (size_t i = 0; i < 2; i++)
			CU_ASSERT_PTR_EQUAL(rule_list_at(&rs->patches.chains[c].list, i)->count,
					    count);
	ruleset_unref(rs);
}

static void they_expire(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all), *next = NULL;

	add(&rs, "--port 5 --note x --expires 1970-01-01T00:03:20Z");
	add(&rs, "--port 6 --note x");
	add(&rs, "--port 7 --note x --expires 1970-01-01T00:01:40Z");
	CU_ASSERT_EQUAL(ruleset_next_rule_expiry(rs), 100);
	CU_ASSERT_EQUAL(ruleset_expire_rules(rs, 99, &next), -EALREADY);
	CU_ASSERT_EQUAL_FATAL(ruleset_expire_rules(rs, 100, &next), 0);
	step(&rs, next);
	expect_ids(rs, (const uint64_t[]){1, 2}, 2);
	CU_ASSERT_EQUAL(rs->patches.chains[CHAIN_INPUT].list.n, 4);
	CU_ASSERT_EQUAL(ruleset_next_rule_expiry(rs), 200);
	CU_ASSERT_EQUAL_FATAL(ruleset_expire_rules(rs, 5000, &next), 0);
	step(&rs, next);
	expect_ids(rs, (const uint64_t[]){2}, 1);
	CU_ASSERT_EQUAL(ruleset_next_rule_expiry(rs), 0);
	ruleset_unref(rs);
}

static void sets_of_patches_stay(void)
{
	const struct set_item items[] = {{"", "", "/a", {{1}}, 0}};
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all), *next = NULL;
	struct patch p = patch_of("--set web --note x");
	struct set *web, *again;
	size_t index = 99;

	CU_ASSERT_EQUAL(ruleset_add_patch(rs, &p, &next), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(set_new("web", items, 1, &web), 0);
	CU_ASSERT_EQUAL_FATAL(set_new("web", items, 1, &again), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(rs, web, &next), 0);
	step(&rs, next);
	add(&rs, "--set web --note x");
	CU_ASSERT_EQUAL(ruleset_drop_set(rs, "web", &next), -EBUSY);
	CU_ASSERT_PTR_EQUAL(ruleset_user(rs, "web", &index), &rs->patches.entries[0]->patch.rule);
	CU_ASSERT_EQUAL(index, 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(rs, again, &next), 0);
	step(&rs, next);
	CU_ASSERT_PTR_EQUAL(rule_chain_at(&rs->patches.chains[CHAIN_INPUT], 0)->members, again);
	CU_ASSERT(ruleset_asks(rs, CHAIN_FORWARD, MATCH_BIT(MATCH_SET)));
	remove_id(&rs, 1);
	CU_ASSERT_FALSE(ruleset_asks(rs, CHAIN_FORWARD, MATCH_BIT(MATCH_SET)));
	CU_ASSERT_EQUAL_FATAL(ruleset_drop_set(rs, "web", &next), 0);
	step(&rs, next);
	ruleset_unref(rs);
	set_unref(web);
	set_unref(again);
}

static const struct unit_test tests[] = {
	{"patches decide as they are read, before all rules", as_they_are_read},
	{"names of processes are asked each time", names_are_asked_each_time},
	{"no id comes twice", no_id_comes_twice},
	{"there is a bound", there_is_a_bound},
	{"counters stay with their patch", counters_stay},
	{"they leave when their time is over", they_expire},
	{"a set that a patch names stays", sets_of_patches_stay},
};
UNIT_SUITE("fw/patch_list", tests)
