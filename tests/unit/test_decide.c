/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "expect.h"
#include "fw/decide.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct sha256 digest = {{0xd1}};
static const struct sha256 other = {{0x07}};

/* A named set with `digest` and one that nobody has. */
static struct sha256 named_digests[] = {{{0x33}}, {{0xd1}}};
static const struct set named = {.n_digests = 2, .digests = named_digests};

/* What a holder's set says of `digest`, as an object of it or as its aggregate; where it has that,
 * it has anonymous executable memory too. */
enum state {
	HAS,
	LACKS,
	PART_HAS, /* incomplete */
	PART_LACKS,
	STATE_COUNT,
};

static const char *const state_names[] = {"has", "lacks", "part has", "part lacks"};

static struct objset *sets[STATE_COUNT];

static struct objset *build(bool has, bool complete)
{
	struct objset_item items[] = {{other, "/bin/other"}, {digest, "/lib/one"}};
	struct objset *s = objset_new(items, has ? 2 : 1, complete);

	/* By hand, so that the same tests hold for a build without ordering. */
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	s->has_aggregate = complete;
	s->anonymous = has;
	s->aggregate = has ? digest : other;
	return s;
}

static void build_sets(void)
{
	for (int s = 0; s < STATE_COUNT; s++)
		sets[s] = build(s == HAS || s == PART_HAS, s == HAS || s == LACKS);
}

static void free_sets(void)
{
	for (int s = 0; s < STATE_COUNT; s++)
		objset_unref(sets[s]);
}

static struct holders known(const enum state *states, size_t n)
{
	struct holders h = {.origin = ORIGIN_KNOWN, .netns = 4026531840, .cookie = 1, .n = n};

	for (size_t i = 0; i < n; i++)
		h.h[i] = (struct holder){.pid = 100 + (uint32_t)i, .objects = sets[states[i]]};
	return h;
}

static struct packet tcp4(void)
{
	return (struct packet){.family = 4,
			       .proto = 6,
			       .has_proto = true,
			       .has_ports = true,
			       .sport = 4000,
			       .dport = 80,
			       .saddr = {10, 0, 0, 1},
			       .daddr = {192, 0, 2, 1}};
}

#define BY_POLICY SIZE_MAX

/* What decide() says, with rules told by their index. */
struct outcome {
	enum verdict verdict;
	enum origin origin;
	size_t rule, holder, n_monitored;
	size_t monitored[REASON_MONITORED_MAX];
};

static struct outcome run(const struct ruleset *rs, enum chain chain, const struct packet *p,
			  const struct holders *h)
{
	const struct rule_chain *c = &rs->chains[chain];
	struct outcome out;
	struct reason why;

	memset(&out, 0, sizeof(out));
	memset(&why, 0x5a, sizeof(why));
	out.verdict = decide(rs, chain, p, h, &why);
	out.origin = why.origin;
	out.rule = why.rule ? rule_chain_index(c, why.rule) : BY_POLICY;
	out.holder = why.holder;
	out.n_monitored = why.n_monitored;
	for (size_t i = 0; i < why.n_monitored; i++)
		out.monitored[i] = rule_chain_index(c, why.monitored[i].rule);
	return out;
}

/* Judges by these rules alone, in OUTPUT: read one after the other, and by an index of them. */
static struct outcome judge(const struct rule *rules, size_t n, const struct packet *p,
			    const struct holders *h)
{
	struct ruleset rs = {.refs = 1, .epoch = 1};
	struct rule_chain *c = &rs.chains[CHAIN_OUTPUT];
	struct outcome out, filed;

	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL_FATAL(rule_chain_append(c, &rules[i]), 0);
	CU_ASSERT_EQUAL_FATAL(rule_chain_make_index(c), 0);
	out = run(&rs, CHAIN_OUTPUT, p, h);
	c->n_added = 0;
	c->index = rule_index_new(&c->list);
	filed = run(&rs, CHAIN_OUTPUT, p, h);
	CU_ASSERT_EQUAL(memcmp(&out, &filed, sizeof(out)), 0);
	CU_ASSERT_EQUAL(out.origin, h->origin);
	if (out.rule != BY_POLICY) {
		CU_ASSERT_FATAL(out.rule < n);
		CU_ASSERT_EQUAL(out.verdict, rules[out.rule].verdict);
	}
	rule_chain_clear(c);
	return out;
}

static bool matches(const struct rule *r, const struct packet *p, const struct holders *h)
{
	return judge(r, 1, p, h).rule == 0;
}

static struct rule object_rule(enum match m, enum verdict v, bool negated)
{
	return (struct rule){.chain = CHAIN_OUTPUT,
			     .verdict = v,
			     .have = MATCH_BIT(m),
			     .neg = negated ? MATCH_BIT(m) : 0,
			     .sng = digest,
			     .agg = digest,
			     .script = digest,
			     .members = &named};
}

/* Whether one holder in each state satisfies the rule. */
static const struct {
	enum match match;
	enum verdict verdict;
	bool negated;
	bool satisfied[STATE_COUNT]; /* has, lacks, part has, part lacks */
} truth[] = {
	{MATCH_SNG_HASH, VERDICT_ACCEPT, false, {1, 0, 0, 0}},
	{MATCH_SNG_HASH, VERDICT_ACCEPT, true, {0, 1, 0, 0}},
	{MATCH_SNG_HASH, VERDICT_MARK, false, {1, 0, 0, 0}},
	{MATCH_SNG_HASH, VERDICT_MARK, true, {0, 1, 0, 0}},
	{MATCH_SNG_HASH, VERDICT_KILL, false, {1, 0, 1, 0}},
	{MATCH_SNG_HASH, VERDICT_REJECT, false, {1, 0, 1, 0}},
	{MATCH_SNG_HASH, VERDICT_REJECT, true, {0, 1, 0, 1}},
	{MATCH_SNG_HASH, VERDICT_DROP, false, {1, 0, 1, 0}},
	{MATCH_SNG_HASH, VERDICT_DROP, true, {0, 1, 0, 1}},
	/* An incomplete set's aggregate is not known at all. */
	{MATCH_AGG_HASH, VERDICT_ACCEPT, false, {1, 0, 0, 0}},
	{MATCH_AGG_HASH, VERDICT_ACCEPT, true, {0, 1, 0, 0}},
	{MATCH_AGG_HASH, VERDICT_DROP, false, {1, 0, 0, 0}},
	{MATCH_AGG_HASH, VERDICT_DROP, true, {0, 1, 1, 1}},
	{MATCH_ANON_EXEC, VERDICT_ACCEPT, false, {1, 0, 0, 0}},
	{MATCH_ANON_EXEC, VERDICT_ACCEPT, true, {0, 1, 0, 0}},
	{MATCH_ANON_EXEC, VERDICT_DROP, false, {1, 0, 1, 0}},
	{MATCH_ANON_EXEC, VERDICT_DROP, true, {0, 1, 0, 1}},
	/* One object that is in the named set is enough; negated: none is. */
	{MATCH_SET, VERDICT_ACCEPT, false, {1, 0, 0, 0}},
	{MATCH_SET, VERDICT_ACCEPT, true, {0, 1, 0, 0}},
	{MATCH_SET, VERDICT_DROP, false, {1, 0, 1, 0}},
	{MATCH_SET, VERDICT_DROP, true, {0, 1, 0, 1}},
};

static void check_holders(size_t row, const enum state *states, size_t n)
{
	struct rule r = object_rule(truth[row].match, truth[row].verdict, truth[row].negated);
	struct holders h = known(states, n);
	struct packet p = tcp4();
	size_t satisfied = 0, first = 0;
	struct outcome why;
	bool want;

	for (size_t i = n; i-- > 0;)
		if (truth[row].satisfied[states[i]]) {
			satisfied++;
			first = i;
		}
	want = verdict_passes(r.verdict) ? satisfied == n : satisfied > 0;
	why = judge(&r, 1, &p, &h);
	expect((why.rule == 0) == want, "row %zu, %zu holders, first %s, last %s: want %d", row, n,
	       state_names[states[0]], state_names[states[n - 1]], want);
	expect(why.holder == (want ? first : 0), "row %zu names holder %zu, not %zu", row,
	       why.holder, first);
}

static void every_mix_of_holders(void)
{
	build_sets();
	for (size_t row = 0; row < N(truth); row++)
		for (size_t n = 1; n <= 4; n++)
			for (unsigned int mix = 0; mix < 1u << 2 * n; mix++) {
				enum state states[4];

				for (size_t i = 0; i < n; i++)
					states[i] = (enum state)(mix >> 2 * i & 3);
				check_holders(row, states, n);
			}
	free_sets();
}

static void most_holders(void)
{
	enum state states[HOLDERS_MAX];
	struct packet p = tcp4();
	struct rule drop = object_rule(MATCH_SNG_HASH, VERDICT_DROP, false);
	struct rule accept = object_rule(MATCH_SNG_HASH, VERDICT_ACCEPT, true);
	struct holders h;

	build_sets();
	for (size_t i = 0; i < HOLDERS_MAX; i++)
		states[i] = LACKS;
	h = known(states, HOLDERS_MAX);
	CU_ASSERT_FALSE(matches(&drop, &p, &h));
	CU_ASSERT_TRUE(matches(&accept, &p, &h));
	h.h[HOLDERS_MAX - 1].objects = sets[HAS];
	CU_ASSERT_EQUAL(judge(&drop, 1, &p, &h).holder, HOLDERS_MAX - 1);
	CU_ASSERT_FALSE(matches(&accept, &p, &h));
	free_sets();
}

/* Even if holders are given by mistake. */
static void other_origins_have_no_objects(void)
{
	const enum state one[] = {HAS};
	struct packet p = tcp4();

	build_sets();
	for (int origin = 0; origin < ORIGIN_COUNT; origin++)
		for (size_t row = 0; row < N(truth); row++)
			for (int s = 0; s < STATE_COUNT; s++) {
				struct rule r = object_rule(truth[row].match, truth[row].verdict,
							    truth[row].negated);
				struct holders h = known(one, 1);
				bool certain;

				h.h[0].objects = sets[s];
				certain = !verdict_passes(r.verdict) && matches(&r, &p, &h);
				h.origin = (enum origin)origin;
				h.n = origin == ORIGIN_KNOWN ? 0 : s % 2;
				/* One holder that is certain is enough to drop, whoever else there
				 * is. */
				if (origin != ORIGIN_UNKNOWN || !h.n)
					certain = false;
				expect(matches(&r, &p, &h) == certain, "row %zu origin %d", row,
				       origin);
			}
	free_sets();
}

/* Both criteria must hold of the same holder. */
static void two_object_criteria(void)
{
	struct packet p = tcp4();
	struct rule r = object_rule(MATCH_SNG_HASH, VERDICT_DROP, false);
	struct holders h = {.origin = ORIGIN_KNOWN, .n = 2};
	struct objset *only_single, *only_aggregate, *both;

	only_single = build(true, true);
	only_single->aggregate = other;
	only_aggregate = build(false, true);
	only_aggregate->aggregate = digest;
	both = build(true, true);

	r.have |= MATCH_BIT(MATCH_AGG_HASH);
	h.h[0].objects = only_single;
	h.h[1].objects = only_aggregate;
	CU_ASSERT_FALSE(matches(&r, &p, &h));
	h.h[1].objects = both;
	CU_ASSERT_EQUAL(judge(&r, 1, &p, &h).rule, 0);
	CU_ASSERT_EQUAL(judge(&r, 1, &p, &h).holder, 1);
	r.verdict = VERDICT_ACCEPT;
	CU_ASSERT_FALSE(matches(&r, &p, &h));
	h.h[0].objects = both;
	CU_ASSERT_TRUE(matches(&r, &p, &h));

	/* One negated: the single digest, but within another aggregate. */
	r.verdict = VERDICT_DROP;
	r.neg = MATCH_BIT(MATCH_AGG_HASH);
	CU_ASSERT_FALSE(matches(&r, &p, &h));
	h.h[1].objects = only_single;
	CU_ASSERT_EQUAL(judge(&r, 1, &p, &h).holder, 1);
	objset_unref(only_single);
	objset_unref(only_aggregate);
	objset_unref(both);
}

/* What one holder's script is, and which rules that name it match. */
static void scripts(void)
{
	static const struct {
		struct script script;
		bool accept, accept_not, drop, drop_not;
	} rows[] = {
		{{SCRIPT_KNOWN, {{0xd1}}}, 1, 0, 1, 0},	  {{SCRIPT_KNOWN, {{0x07}}}, 0, 1, 0, 1},
		{{SCRIPT_SEEN, {{0xd1}}}, 0, 0, 1, 1},	  {{SCRIPT_SEEN, {{0x07}}}, 0, 0, 0, 1},
		{{SCRIPT_UNKNOWN, {{0xd1}}}, 0, 0, 0, 1}, {{SCRIPT_NONE, {{0xd1}}}, 0, 1, 0, 1},
	};
	const enum state one[] = {HAS};
	struct packet p = tcp4();

	build_sets();
	for (size_t i = 0; i < N(rows); i++)
		for (int v = 0; v < 4; v++) {
			struct rule r = object_rule(MATCH_SCRIPT,
						    v < 2 ? VERDICT_ACCEPT : VERDICT_DROP, v & 1);
			const bool want[] = {rows[i].accept, rows[i].accept_not, rows[i].drop,
					     rows[i].drop_not};
			struct holders h = known(one, 1);

			h.h[0].script = rows[i].script;
			expect(matches(&r, &p, &h) == want[v], "row %zu, rule %d: want %d", i, v,
			       want[v]);
		}
	free_sets();
}

/* Law 4, and both criteria of one holder. */
static void scripts_of_many(void)
{
	const enum state two[] = {HAS, LACKS};
	struct rule accept = object_rule(MATCH_SCRIPT, VERDICT_ACCEPT, false);
	struct rule drop = object_rule(MATCH_SCRIPT, VERDICT_DROP, false);
	struct packet p = tcp4();
	struct holders h;

	build_sets();
	h = known(two, 2);
	h.h[0].script = (struct script){SCRIPT_NONE, digest};
	h.h[1].script = (struct script){SCRIPT_KNOWN, digest};
	CU_ASSERT_FALSE(matches(&accept, &p, &h));
	CU_ASSERT_EQUAL(judge(&drop, 1, &p, &h).rule, 0);
	CU_ASSERT_EQUAL(judge(&drop, 1, &p, &h).holder, 1);
	drop.have |= MATCH_BIT(MATCH_SNG_HASH);
	CU_ASSERT_FALSE(matches(&drop, &p, &h));
	h.h[0].script.state = SCRIPT_KNOWN;
	CU_ASSERT_TRUE(matches(&accept, &p, &h));
	CU_ASSERT_EQUAL(judge(&drop, 1, &p, &h).holder, 0);
	accept.have |= MATCH_BIT(MATCH_SNG_HASH);
	CU_ASSERT_FALSE(matches(&accept, &p, &h));
	h.origin = ORIGIN_UNKNOWN;
	accept.have = MATCH_BIT(MATCH_SCRIPT);
	CU_ASSERT_FALSE(matches(&accept, &p, &h));
	CU_ASSERT_TRUE(matches(&drop, &p, &h));
	free_sets();
}

/* A build without ordering knows every object and still no aggregate. */
static void complete_without_aggregate(void)
{
	const enum state one[] = {HAS};
	struct packet p = tcp4();
	struct holders h;

	build_sets();
	sets[HAS]->has_aggregate = false;
	h = known(one, 1);
	for (int negated = 0; negated < 2; negated++) {
		struct rule accept = object_rule(MATCH_AGG_HASH, VERDICT_ACCEPT, negated);
		struct rule drop = object_rule(MATCH_AGG_HASH, VERDICT_DROP, negated);

		CU_ASSERT_FALSE(matches(&accept, &p, &h));
		CU_ASSERT_EQUAL(matches(&drop, &p, &h), negated);
	}
	free_sets();
}

/* Packets of every kind, and what can be said of each criterion about them:
 * Y yes, N no, ? cannot be known, - there is no such thing. */
static const struct {
	const char *what;
	struct packet p;
	const char *answers; /* src dst proto sport dport, for the rule below */
} packets[] = {
	{"tcp",
	 {.family = 4,
	  .proto = 6,
	  .has_proto = true,
	  .has_ports = true,
	  .sport = 1000,
	  .dport = 80,
	  .saddr = {10, 9, 8, 7},
	  .daddr = {192, 0, 2, 1}},
	 "YYYYY"},
	{"tcp from and to elsewhere",
	 {.family = 4,
	  .proto = 6,
	  .has_proto = true,
	  .has_ports = true,
	  .sport = 999,
	  .dport = 81,
	  .saddr = {11, 9, 8, 7},
	  .daddr = {192, 0, 2, 2}},
	 "NNYNN"},
	{"udp, last port of the range",
	 {.family = 4,
	  .proto = 17,
	  .has_proto = true,
	  .has_ports = true,
	  .sport = 2000,
	  .dport = 79,
	  .saddr = {10, 0, 0, 0},
	  .daddr = {192, 0, 2, 1}},
	 "YYNYN"},
	{"tcp over IPv6",
	 {.family = 6,
	  .proto = 6,
	  .has_proto = true,
	  .has_ports = true,
	  .sport = 2001,
	  .dport = 80,
	  .saddr = {10, 9, 8, 7},
	  .daddr = {192, 0, 2, 1}},
	 "NNYNY"},
	{"icmp: has no ports, though it has an identifier",
	 {.family = 4,
	  .proto = 1,
	  .has_proto = true,
	  .sport = 1000,
	  .saddr = {10, 0, 0, 1},
	  .daddr = {192, 0, 2, 1}},
	 "YYN--"},
	{"icmpv6", {.family = 6, .proto = 58, .has_proto = true}, "NNN--"},
	{"esp", {.family = 4, .proto = 50, .has_proto = true, .daddr = {192, 0, 2, 1}}, "NYN--"},
	{"later fragment of tcp",
	 {.family = 4,
	  .proto = 6,
	  .has_proto = true,
	  .later_fragment = true,
	  .saddr = {10, 0, 0, 1}},
	 "YNY??"},
	{"later fragment of icmp",
	 {.family = 4,
	  .proto = 1,
	  .has_proto = true,
	  .later_fragment = true,
	  .saddr = {10, 0, 0, 1}},
	 "YNN??"},
	{"extension chain cut short", {.family = 6, .proto = 43, .daddr = {192, 0, 2, 1}}, "NN???"},
	{"extension chain cut short before what looks like tcp",
	 {.family = 6, .proto = 6},
	 "NN???"},
	{"malformed tcp",
	 {.family = 4, .proto = 6, .has_proto = true, .malformed = true, .saddr = {10, 0, 0, 1}},
	 "YNY??"},
	{"malformed icmp",
	 {.family = 4, .proto = 1, .has_proto = true, .malformed = true, .saddr = {10, 0, 0, 1}},
	 "YNN??"},
	{"malformed udp, ports read",
	 {.family = 4,
	  .proto = 17,
	  .has_proto = true,
	  .has_ports = true,
	  .malformed = true,
	  .sport = 1500,
	  .dport = 81},
	 "NNNYN"},
	{"tcp, copy ends before the ports",
	 {.family = 4, .proto = 6, .has_proto = true, .length = 60},
	 "NNY??"},
	{"sctp, copy ends before the ports",
	 {.family = 4, .proto = 132, .has_proto = true},
	 "NNN??"},
	{"not even an IP header", {.malformed = true}, "?????"},
	{"nothing at all", {.family = 0}, "?????"},
};

static const struct rule packet_rule = {
	.chain = CHAIN_OUTPUT,
	.src = {.family = 4, .len = 8, .addr = {10}},
	.dst = {.family = 4, .len = 32, .addr = {192, 0, 2, 1}},
	.proto = 6,
	.sport = {1000, 2000},
	.dport = {80, 80},
	.netns = 77,
};

static bool want_match(char say, enum verdict v, bool negated)
{
	switch (say) {
	case 'Y':
		return !negated;
	case 'N':
		return negated;
	case '?':
		return !verdict_passes(v);
	default:
		return false;
	}
}

static void check_criteria(size_t row, uint32_t have, uint32_t neg, enum origin origin)
{
	static const enum match order[] = {MATCH_SRC, MATCH_DST, MATCH_PROTO, MATCH_SPORT,
					   MATCH_DPORT};

	for (int v = 0; v < VERDICT_COUNT; v++) {
		struct holders h = {.origin = origin, .netns = 1, .n = origin == ORIGIN_KNOWN};
		struct rule r = packet_rule;
		bool want = true;

		r.verdict = (enum verdict)v;
		r.have = have;
		r.neg = neg;
		h.h[0].objects = sets[LACKS];
		for (size_t i = 0; i < N(order); i++)
			if (have & MATCH_BIT(order[i]))
				want &= want_match(packets[row].answers[i], r.verdict,
						   neg & MATCH_BIT(order[i]));
		expect(matches(&r, &packets[row].p, &h) == want,
		       "%s: %s, criteria %#x, negated %#x, origin %s: want %d", packets[row].what,
		       verdict_name(r.verdict), have, neg, origin_name(origin), want);
	}
}

/* All subsets of the packet criteria, each of them negated or not. */
static void every_packet_criterion(void)
{
	build_sets();
	for (size_t row = 0; row < N(packets); row++)
		for (uint32_t have = 0; have < MATCH_BIT(MATCH_NETNS); have++)
			for (uint32_t neg = have;; neg = (neg - 1) & have) {
				for (int o = 0; o < ORIGIN_COUNT; o++)
					check_criteria(row, have, neg, (enum origin)o);
				if (neg == 0)
					break;
			}
	free_sets();
}

static void netns(void)
{
	static const struct {
		uint64_t netns;
		char say;
	} rows[] = {{77, 'Y'}, {78, 'N'}, {77ull + (1ull << 32), 'N'}, {0, '?'}};
	struct packet p = tcp4();

	for (size_t i = 0; i < N(rows); i++)
		for (int v = 0; v < VERDICT_COUNT; v++)
			for (int negated = 0; negated < 2; negated++) {
				struct holders h = {.origin = ORIGIN_UNKNOWN,
						    .netns = rows[i].netns};
				struct rule r = packet_rule;

				r.verdict = (enum verdict)v;
				r.have = MATCH_BIT(MATCH_NETNS);
				r.neg = negated ? r.have : 0;
				expect(matches(&r, &p, &h) ==
					       want_match(rows[i].say, r.verdict, negated),
				       "netns %zu, verdict %d, negated %d", i, v, negated);
			}
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What one holder says of himself, as --uid 5:9, --gid 5:9 or --comm own see it. */
enum said { SAYS_SO, SAYS_NOT, SAYS_NOTHING, SAID_COUNT };

static void every_mix_of_facts(void)
{
	static const enum match facts[] = {MATCH_UID, MATCH_GID, MATCH_COMM, MATCH_CGROUP,
					   MATCH_CONTAINER};
	static const struct facts says[] = {
		[SAYS_SO] = {true, 5, 9, "own", "0::/own/" ID "\n", 0},
		[SAYS_NOT] = {true, 4, 10, "own2", "0::/own2\n", 0},
		[SAYS_NOTHING] = {false, 5, 9, "own", "0::/own/" ID "\n", 0},
	};
	struct packet p = tcp4();
	enum state two[] = {LACKS, LACKS};

	build_sets();
	for (size_t f = 0; f < N(facts); f++)
		for (int row = 0; row < VERDICT_COUNT * 2 * SAID_COUNT * SAID_COUNT; row++) {
			struct rule r =
				object_rule(facts[f], (enum verdict)(row / 18), row / 9 % 2);
			const int a = row / 3 % 3, b = row % 3, wanted = r.neg ? SAYS_NOT : SAYS_SO;
			struct holders h = known(two, 2);
			bool want;

			r.uid = r.gid = (struct id_range){5, 9};
			strcpy(r.comm, "own");
			strcpy(r.cgroup, "/own");
			strcpy(r.container, ID);
			h.h[0].facts = says[a];
			h.h[1].facts = says[b];
			/* Nothing is said: it may be the other thing for all that a DROP knows. */
			want = verdict_passes(r.verdict) ? a == wanted && b == wanted
							 : a == wanted || b == wanted ||
								   (r.neg && (a == SAYS_NOTHING ||
									      b == SAYS_NOTHING));
			expect(matches(&r, &p, &h) == want, "fact %zu, row %d", f, row);
			h.origin = ORIGIN_KERNEL;
			h.n = 0;
			expect(!matches(&r, &p, &h), "kernel: fact %zu, row %d", f, row);
		}
	free_sets();
}

/* Whoever the holders are, and though they be unknown. */
static void ids_that_the_packet_carries(void)
{
	struct packet p = tcp4();

	for (int row = 0; row < VERDICT_COUNT * 2 * 2; row++) {
		struct rule r = object_rule(MATCH_UID, (enum verdict)(row / 4), row / 2 % 2);
		struct holders h = {.origin = ORIGIN_UNKNOWN, .has_uid = true, .uid = 4 + row % 2};

		r.uid = (struct id_range){5, 5};
		expect(matches(&r, &p, &h) == (row % 2 != row / 2 % 2), "uid, row %d", row);
		r.have = MATCH_BIT(MATCH_GID);
		r.neg = r.neg ? r.have : 0;
		r.gid = (struct id_range){0, 0};
		expect(matches(&r, &p, &h) == !r.neg, "gid, row %d", row);
	}
}

static void origins(void)
{
	struct packet p = tcp4();

	for (int o = 0; o < ORIGIN_COUNT; o++)
		for (int row = 0; row < ORIGIN_COUNT * 2 * VERDICT_COUNT; row++) {
			struct rule r = object_rule(MATCH_ORIGIN, (enum verdict)(row / 6), row % 2);
			struct holders h = {.origin = (enum origin)o};

			r.origin = (enum origin)(row / 2 % 3);
			expect(matches(&r, &p, &h) == (((int)r.origin == o) != row % 2),
			       "origin %d, row %d", o, row);
		}
}

static void packet_and_object(void)
{
	const enum state has[] = {HAS};
	struct rule r = object_rule(MATCH_SNG_HASH, VERDICT_DROP, false);
	struct packet p = tcp4();
	struct holders h;

	build_sets();
	h = known(has, 1);
	r.have |= MATCH_BIT(MATCH_DPORT);
	r.dport = (struct port_range){80, 80};
	CU_ASSERT_TRUE(matches(&r, &p, &h));
	p.dport = 443;
	CU_ASSERT_FALSE(matches(&r, &p, &h));
	p.dport = 80;
	h.h[0].objects = sets[LACKS];
	CU_ASSERT_FALSE(matches(&r, &p, &h));
	free_sets();
}

static void first_match_wins(void)
{
	const enum state two[] = {LACKS, HAS};
	struct rule rules[4];
	struct packet p = tcp4();
	struct holders h;
	struct outcome why;

	build_sets();
	h = known(two, 2);
	rules[0] = object_rule(MATCH_SNG_HASH, VERDICT_ACCEPT, false);
	rules[1] = object_rule(MATCH_SNG_HASH, VERDICT_DROP, false);
	rules[2] = (struct rule){.chain = CHAIN_OUTPUT, .verdict = VERDICT_ACCEPT};
	rules[3] = (struct rule){.chain = CHAIN_OUTPUT, .verdict = VERDICT_DROP};
	why = judge(rules, 4, &p, &h);
	CU_ASSERT_EQUAL(why.rule, 1);
	CU_ASSERT_EQUAL(why.holder, 1);
	h.h[1].objects = sets[LACKS];
	why = judge(rules, 4, &p, &h);
	CU_ASSERT_EQUAL(why.rule, 2);
	CU_ASSERT_EQUAL(why.holder, 0);
	h.h[0].objects = h.h[1].objects = sets[HAS];
	CU_ASSERT_EQUAL(judge(rules, 4, &p, &h).rule, 0);
	h.origin = ORIGIN_KERNEL;
	CU_ASSERT_EQUAL(judge(rules, 4, &p, &h).rule, 2);
	free_sets();
}

/* No chain, origin or policy may be taken for another: all assignments of verdicts to them. */
static void policies(void)
{
	struct packet p = tcp4();

	build_sets();
	for (unsigned int mix = 0; mix < 1u << CHAIN_COUNT * ORIGIN_COUNT; mix++) {
		struct ruleset rs = {.refs = 1, .epoch = 1};

		for (int c = 0; c < CHAIN_COUNT; c++) {
			rs.chains[c].policy = (enum verdict)(mix >> 3 * c & 1);
			rs.kernel[c] = (enum verdict)(mix >> 3 * c >> 1 & 1);
			rs.unknown[c] = (enum verdict)(mix >> 3 * c >> 2 & 1);
		}
		for (int c = 0; c < CHAIN_COUNT; c++)
			for (int o = 0; o < ORIGIN_COUNT; o++) {
				struct holders h = {.origin = (enum origin)o};
				struct outcome why;

				h.n = o == ORIGIN_KNOWN;
				h.h[0].objects = sets[HAS];
				why = run(&rs, (enum chain)c, &p, &h);
				CU_ASSERT_EQUAL(why.verdict, mix >> (3 * c + o) & 1);
				CU_ASSERT_EQUAL(why.origin, (enum origin)o);
				CU_ASSERT_EQUAL(why.rule, BY_POLICY);
				CU_ASSERT_EQUAL(why.holder, 0);
			}
	}
	free_sets();
}

static void chains_apart(void)
{
	struct ruleset rs = {.refs = 1, .epoch = 1};
	struct rule all = {.chain = CHAIN_INPUT, .verdict = VERDICT_DROP};
	struct holders h = {.origin = ORIGIN_KERNEL};
	struct packet p = tcp4();

	CU_ASSERT_EQUAL_FATAL(rule_chain_insert(&rs.chains[CHAIN_INPUT], &all, 0), 0);
	CU_ASSERT_EQUAL(run(&rs, CHAIN_INPUT, &p, &h).verdict, VERDICT_DROP);
	CU_ASSERT_EQUAL(run(&rs, CHAIN_INPUT, &p, &h).rule, 0);
	CU_ASSERT_EQUAL(run(&rs, CHAIN_OUTPUT, &p, &h).verdict, VERDICT_ACCEPT);
	CU_ASSERT_EQUAL(run(&rs, CHAIN_OUTPUT, &p, &h).rule, BY_POLICY);
	CU_ASSERT_EQUAL(run(&rs, CHAIN_FORWARD, &p, &h).verdict, VERDICT_ACCEPT);
	CU_ASSERT_EQUAL(run(&rs, CHAIN_FORWARD, &p, &h).rule, BY_POLICY);
	rule_chain_clear(&rs.chains[CHAIN_INPUT]);
}

/* The first match among the rules that enforce decides; those before it that only log are told. */
static void monitored_rules_decide_nothing(void)
{
	const struct rule drop = {.chain = CHAIN_OUTPUT, .verdict = VERDICT_DROP};
	const struct rule drop_tcp = {.chain = CHAIN_OUTPUT,
				      .verdict = VERDICT_DROP,
				      .have = MATCH_BIT(MATCH_PROTO),
				      .proto = 17,
				      .monitor = true};
	const struct holders who = {.origin = ORIGIN_KERNEL};
	struct packet p = tcp4();
	struct rule rules[REASON_MONITORED_MAX + 4];
	struct outcome why;

	for (size_t i = 0; i < N(rules); i++) {
		rules[i] = drop;
		rules[i].monitor = true;
	}
	rules[0] = drop_tcp; /* does not match */
	why = judge(rules, 4, &p, &who);
	CU_ASSERT_EQUAL(why.rule, BY_POLICY);
	CU_ASSERT_EQUAL(why.n_monitored, 3);
	CU_ASSERT_EQUAL(why.monitored[0], 1);
	CU_ASSERT_EQUAL(why.monitored[2], 3);
	rules[2].monitor = false;
	why = judge(rules, 4, &p, &who);
	CU_ASSERT_EQUAL(why.rule, 2);
	CU_ASSERT_EQUAL(why.n_monitored, 1);
	rules[2].monitor = true;
	why = judge(rules, N(rules), &p, &who);
	CU_ASSERT_EQUAL(why.rule, BY_POLICY);
	CU_ASSERT_EQUAL(why.n_monitored, REASON_MONITORED_MAX);
}

static const struct unit_test tests[] = {
	{"user, group and name, of every mix of holders", every_mix_of_facts},
	{"user and group that the packet carries", ids_that_the_packet_carries},
	{"origins", origins},
	{"one holder to drop, all to accept, over every mix of sets", every_mix_of_holders},
	{"the last of the most holders counts", most_holders},
	{"kernel origin matches no object criterion, unknown only a certain holder's",
	 other_origins_have_no_objects},
	{"two object criteria speak of one holder", two_object_criteria},
	{"a script that was seen can be blamed, and only a known one acquits", scripts},
	{"a script is one of each holder, beside its objects", scripts_of_many},
	{"an aggregate that was not built is not known", complete_without_aggregate},
	{"packet criteria, every subset and negation, on every kind of packet",
	 every_packet_criterion},
	{"network namespaces", netns},
	{"packet and object criteria must both hold", packet_and_object},
	{"the first rule that matches wins", first_match_wins},
	{"no match: the verdict of chain and origin", policies},
	{"a rule acts in its chain only", chains_apart},
	{"a rule that only logs decides nothing", monitored_rules_decide_nothing},
};
UNIT_SUITE("fw/decide", tests)
