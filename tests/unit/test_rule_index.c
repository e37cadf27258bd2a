/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide() finds its rules through an index, and what it said is remembered; here that is compared
 * with reading the rules one after the other, on random rule sets, edits of them, packets and
 * holders. All values are of few, so that rules match often, share keys, and differ in one thing
 * alone.
 */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "common/rule_proto.h"
#include "fw/decision_cache.h"
#include "random.h"
#include "unit.h"

#define CHAIN	      CHAIN_OUTPUT
#define RULE_SETS     4000 /* PROPERTY_TIMES, of the environment, times as many */
#define EDITS	      6	   /* of each */
#define PACKETS	      60   /* after each edit */
#define RULES_AT_MOST 200
#define HOLDERS	      3
#define OBJSETS	      8

static const enum verdict accept[CHAIN_COUNT];

static struct objset *objsets[OBJSETS];
static struct set *named[2];

static bool one_in(struct rng *rng, size_t n)
{
	return rng_below(rng, n) == 0;
}

static struct sha256 some_digest(struct rng *rng)
{
	return (struct sha256){{(uint8_t)(1 + rng_below(rng, 6))}};
}

static void make_objects(struct rng *rng)
{
	const struct set_item items[] = {{"", "", "/a", {{1}}, 0}, {"", "", "/b", {{2}}, 0}};

	for (size_t s = 0; s < OBJSETS; s++) {
		struct objset_item list[4];
		size_t n = rng_below(rng, 4);

		for (size_t i = 0; i < n; i++)
			list[i] = (struct objset_item){some_digest(rng), "/x"};
		objsets[s] = objset_new(list, n, !one_in(rng, 3));
		CU_ASSERT_PTR_NOT_NULL_FATAL(objsets[s]);
		objsets[s]->anonymous = one_in(rng, 3);
		objsets[s]->has_aggregate = objsets[s]->complete && !one_in(rng, 3);
		objsets[s]->aggregate = some_digest(rng);
	}
	CU_ASSERT_EQUAL_FATAL(set_new("one", items, 1, &named[0]), 0);
	CU_ASSERT_EQUAL_FATAL(set_new("two", items, 2, &named[1]), 0);
}

static void free_objects(void)
{
	for (size_t s = 0; s < OBJSETS; s++)
		objset_unref(objsets[s]);
	set_unref(named[0]);
	set_unref(named[1]);
}

/* Addresses differ in a few bits, high ones, middle ones and low ones. */
static void some_address(struct rng *rng, unsigned int family, uint8_t out[16])
{
	const size_t n = family == 4 ? 4 : 16;

	memset(out, 0, 16);
	out[0] = one_in(rng, 4) ? 0x80 : 0x20;
	out[n / 2] = (uint8_t)rng_below(rng, 2);
	out[n - 1] = (uint8_t)rng_below(rng, 4);
}

static struct cidr some_cidr(struct rng *rng)
{
	struct cidr c = {.family = one_in(rng, 2) ? 4 : 6};
	const unsigned int width = c.family == 4 ? 32 : 128;

	some_address(rng, c.family, c.addr);
	c.len = (uint8_t)(one_in(rng, 3) ? width : rng_below(rng, width + 1));
	for (unsigned int bit = c.len; bit < width; bit++)
		c.addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return c;
}

static uint32_t some_number(struct rng *rng, uint32_t most)
{
	const uint32_t some[] = {0, 1, 2, 3, 80, most / 2, most - 1, most};

	return some[rng_below(rng, sizeof(some) / sizeof(some[0]))];
}

static struct id_range some_range(struct rng *rng, uint32_t most)
{
	uint32_t a = some_number(rng, most), b = one_in(rng, 2) ? a : some_number(rng, most);

	return a < b ? (struct id_range){a, b} : (struct id_range){b, a};
}

static struct port_range some_ports(struct rng *rng)
{
	const struct id_range range = some_range(rng, UINT16_MAX);

	return (struct port_range){(uint16_t)range.first, (uint16_t)range.last};
}

static struct rule some_rule(struct rng *rng)
{
	static const uint8_t protos[] = {1, 6, 17};
	struct rule r = {.chain = CHAIN};
	const size_t n = rng_below(rng, 4);

	for (size_t i = 0; i < n; i++)
		r.have |= MATCH_BIT(rng_below(rng, MATCH_COUNT));
	for (int m = 0; m < MATCH_COUNT; m++)
		if ((r.have & MATCH_BIT(m)) && one_in(rng, 4))
			r.neg |= MATCH_BIT(m);
	r.verdict = (enum verdict)rng_below(rng, VERDICT_COUNT);
	r.monitor = one_in(rng, 5);
	r.src = some_cidr(rng);
	r.dst = some_cidr(rng);
	r.proto = protos[rng_below(rng, 3)];
	r.sport = some_ports(rng);
	r.dport = some_ports(rng);
	r.netns = 1 + rng_below(rng, 2);
	r.sng = some_digest(rng);
	r.agg = some_digest(rng);
	r.script = some_digest(rng);
	r.origin = (enum origin)rng_below(rng, ORIGIN_COUNT);
	r.uid = some_range(rng, UINT32_MAX);
	r.gid = some_range(rng, UINT32_MAX);
	strcpy(r.set, one_in(rng, 2) ? "one" : "two");
	strcpy(r.comm, one_in(rng, 2) ? "curl" : "a name of 15 by");
	strcpy(r.cgroup, "/a");
	strcpy(r.container, "0123456789ab");
	return r;
}

static struct packet some_packet(struct rng *rng)
{
	static const uint8_t protos[] = {1, 6, 17, 58};
	struct packet p = {.family = one_in(rng, 20) ? 0 : one_in(rng, 2) ? 4 : 6};

	p.has_proto = p.family && !one_in(rng, 10);
	p.proto = protos[rng_below(rng, 4)];
	p.has_ports = p.has_proto && rule_proto_has_ports(p.proto) && !one_in(rng, 6);
	p.sport = (uint16_t)some_number(rng, UINT16_MAX);
	p.dport = (uint16_t)some_number(rng, UINT16_MAX);
	p.later_fragment = !p.has_ports && one_in(rng, 2);
	p.malformed = one_in(rng, 20);
	some_address(rng, p.family, p.saddr);
	some_address(rng, p.family, p.daddr);
	return p;
}

static struct script some_script(struct rng *rng)
{
	return (struct script){(enum script_state)rng_below(rng, SCRIPT_KNOWN + 1),
			       some_digest(rng)};
}

static void some_holders(struct rng *rng, struct holders *h)
{
	h->origin = one_in(rng, 4) ? (enum origin)rng_below(rng, ORIGIN_COUNT) : ORIGIN_KNOWN;
	h->netns = rng_below(rng, 3);
	h->cookie = 1;
	h->has_uid = one_in(rng, 2);
	h->uid = some_number(rng, UINT32_MAX);
	h->gid = some_number(rng, UINT32_MAX);
	h->n = h->origin == ORIGIN_KERNEL ? 0
					  : rng_below(rng, HOLDERS) + (h->origin == ORIGIN_KNOWN);
	for (size_t i = 0; i < h->n; i++) {
		struct holder *one = &h->h[i];

		*one = (struct holder){.pid = 1 + (uint32_t)i,
				       .objects = objsets[rng_below(rng, OBJSETS)]};
		one->script = some_script(rng);
		one->facts.known = !one_in(rng, 4);
		one->facts.uid = some_number(rng, UINT32_MAX);
		one->facts.gid = some_number(rng, UINT32_MAX);
		strcpy(one->facts.comm, one_in(rng, 2) ? "curl" : "a name of 15 by");
		one->facts.cgroups = one_in(rng, 3) ? NULL : "0::/a\n";
	}
}

/* The reference: the first rule that matches and does not only log. */
static struct reason read_through(const struct rule_chain *c, const struct packet *p,
				  const struct holders *h)
{
	struct reason why = {.origin = h->origin};

	for (size_t i = 0; i < c->list.n; i++) {
		const struct rule_entry *e = rule_list_at(&c->list, i);
		struct finding found;

		if (!decide_rule(&e->rule, p, h, &found))
			continue;
		if (!e->rule.monitor) {
			why.rule = e;
			why.holder = found.holder;
			break;
		}
		if (why.n_monitored < REASON_MONITORED_MAX)
			why.monitored[why.n_monitored++] = (struct monitored){e, found.holder};
	}
	return why;
}

static bool alike(const struct reason *a, const struct reason *b)
{
	if (a->rule != b->rule || a->holder != b->holder || a->n_monitored != b->n_monitored)
		return false;
	for (size_t i = 0; i < a->n_monitored; i++)
		if (a->monitored[i].rule != b->monitored[i].rule ||
		    a->monitored[i].holder != b->monitored[i].holder)
			return false;
	return true;
}

/* A packet, and who sent it. */
struct question {
	struct packet packet;
	struct holders who;
};

/* One thing of it becomes what it is of another. */
static void vary(struct rng *rng, struct question *to, const struct question *from)
{
	struct packet *p = &to->packet;
	const struct packet *q = &from->packet;

	switch (rng_below(rng, 13)) {
	case 0:
		memcpy(p->saddr, q->saddr, sizeof(p->saddr));
		break;
	case 1:
		memcpy(p->daddr, q->daddr, sizeof(p->daddr));
		break;
	case 2:
		p->proto = q->proto;
		break;
	case 3:
		p->sport = q->sport;
		break;
	case 4:
		p->dport = q->dport;
		break;
	case 5:
		p->has_ports = q->has_ports;
		break;
	case 6:
		p->later_fragment = !p->later_fragment;
		break;
	case 7:
		p->malformed = !p->malformed;
		break;
	case 8:
		to->who.netns = from->who.netns;
		break;
	case 9:
		to->who.uid = from->who.uid;
		break;
	case 10:
		to->who.gid = from->who.gid;
		break;
	case 11:
		to->who.h[0].objects = objsets[rng_below(rng, OBJSETS)];
		break;
	case 12:
		to->who.h[0].script = some_script(rng);
		break;
	}
}

/* A new one; or the one before, but for one thing. */
static void ask(struct rng *rng, struct question *q)
{
	static struct question fresh;

	fresh.packet = some_packet(rng);
	some_holders(rng, &fresh.who);
	if (one_in(rng, 4))
		*q = fresh;
	else
		vary(rng, q, &fresh);
}

static bool agrees(const struct ruleset *rs, struct decision_cache *cache, struct rng *rng,
		   size_t *decided)
{
	static struct question q;
	struct reason got, want;
	enum verdict v, again;

	ask(rng, &q);
	want = read_through(&rs->chains[CHAIN], &q.packet, &q.who);
	v = decide(rs, CHAIN, &q.packet, &q.who, &got);
	*decided += want.rule != NULL;
	if (!alike(&got, &want) || (want.rule && v != want.rule->rule.verdict))
		return false;
	again = decision_cache_decide(cache, rs, CHAIN, &q.packet, &q.who, &got);
	return alike(&got, &want) && got.origin == want.origin && again == v;
}

static void step(struct ruleset **rs, struct ruleset *next)
{
	ruleset_unref(*rs);
	*rs = next;
}

static struct ruleset *some_rules(struct rng *rng)
{
	static struct rule rules[RULES_AT_MOST];
	struct ruleset *rs = ruleset_new(accept, accept, accept), *next = NULL;
	const size_t n = rng_below(rng, RULES_AT_MOST);

	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(ruleset_put_set(rs, named[i], &next), 0);
		step(&rs, next);
	}
	for (size_t i = 0; i < n; i++)
		rules[i] = some_rule(rng);
	CU_ASSERT_EQUAL_FATAL(ruleset_append(rs, rules, n, &next), 0);
	step(&rs, next);
	return rs;
}

/* One, some, or so many that an index is made anew. */
static void edit(struct ruleset **rs, struct rng *rng)
{
	size_t n = one_in(rng, 8) ? 2 * CHANGES_MAX : rng_below(rng, 10);

	while (n-- > 0) {
		const size_t rules = (*rs)->chains[CHAIN].list.n;
		struct rule r = some_rule(rng);
		struct ruleset *next = NULL;

		int e = rules > 0 && one_in(rng, 2)
				? ruleset_delete(*rs, CHAIN, rng_below(rng, rules), &next)
				: ruleset_insert(*rs, &r, rng_below(rng, rules + 1), &next);

		CU_ASSERT_EQUAL_FATAL(e, 0);
		step(rs, next);
	}
	if (one_in(rng, 4)) {
		struct ruleset *next = NULL;

		if (ruleset_make_indexes(*rs, &next) == 0)
			step(rs, next);
	}
}

/* Another set of that name: the rules that name it follow it. */
static void swap_set(struct ruleset **rs, struct rng *rng)
{
	const struct set_item item = {"", "", "/a", {{(uint8_t)(1 + rng_below(rng, 6))}}, 0};
	struct ruleset *next = NULL;
	struct set *set = NULL;

	CU_ASSERT_EQUAL_FATAL(set_new("one", &item, 1, &set), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(*rs, set, &next), 0);
	set_unref(set);
	step(rs, next);
}

static bool one_rule_set(struct rng *rng, size_t *indexed, size_t *decided)
{
	struct decision_cache *cache = decision_cache_new();
	struct ruleset *rs = some_rules(rng);
	bool good = true;

	CU_ASSERT_PTR_NOT_NULL_FATAL(cache);
	for (size_t e = 0; good && e < EDITS; e++) {
		for (size_t i = 0; good && i < PACKETS; i++)
			good = expect(agrees(rs, cache, rng, decided), "edit %zu, packet %zu", e,
				      i);
		*indexed += rs->chains[CHAIN].index != NULL;
		edit(&rs, rng);
		if (one_in(rng, 6))
			swap_set(&rs, rng);
	}
	ruleset_unref(rs);
	decision_cache_free(cache);
	return good;
}

static void decides_as_reading_does(void)
{
	const char *more = getenv("PROPERTY_TIMES");
	const size_t n = RULE_SETS * (more ? strtoul(more, NULL, 10) : 1);
	struct rng rng = rng_new();
	size_t indexed = 0, decided = 0;

	make_objects(&rng);
	for (size_t i = 0; i < n; i++)
		if (!expect(one_rule_set(&rng, &indexed, &decided), "rule set %zu", i))
			break;
	free_objects();
	CU_ASSERT(indexed > n * EDITS / 4);
	CU_ASSERT(decided > n * EDITS * PACKETS / 4);
}

/* Places between two rules run out, and are given anew. */
static void one_place_again_and_again(void)
{
	struct ruleset *rs = ruleset_new(accept, accept, accept), *next = NULL;
	struct rule r = {.chain = CHAIN, .have = MATCH_BIT(MATCH_SPORT)};

	for (uint16_t i = 0; i < 3000; i++) {
		r.sport = (struct port_range){i, i};
		CU_ASSERT_EQUAL_FATAL(ruleset_insert(rs, &r, i / 2, &next), 0);
		step(&rs, next);
	}
	for (size_t i = 0; i < 1500; i++) {
		const struct rule_chain *c = &rs->chains[CHAIN];
		bool good = rule_chain_at(c, i)->sport.first == 2 * i + 1 &&
			    rule_chain_at(c, 2999 - i)->sport.first == 2 * i &&
			    rule_chain_index(c, rule_list_at(&c->list, i)) == i;

		if (!expect(good, "rule %zu", i))
			break;
	}
	ruleset_unref(rs);
}

static const struct unit_test tests[] = {
	{"what the index leads to is what reading all rules would", decides_as_reading_does},
	{"rules put in one place again and again stay in order", one_place_again_and_again},
};
UNIT_SUITE("fw/rule_index", tests)
