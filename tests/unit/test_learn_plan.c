/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/learn_plan.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "expect.h"
#include "fw/store.h"
#include "unit.h"

#define SYN 0x02

#define HEX(digit)                                                       \
	digit "00000000000000000000000000000000000000000000000000000000" \
	      "000000"

static struct objset curl = {.complete = true,
			     .has_program = true,
			     .program = {{0x11}},
			     .program_path = "/usr/bin/curl"};
static struct objset helper = {.complete = true,
			       .has_program = true,
			       .program = {{0x22}},
			       .program_path = "/usr/bin/helper"};
static struct objset odd = {
	.complete = true, .has_program = true, .program = {{0x33}}, .program_path = "/bin/a\nend"};
static struct objset part = {
	.has_program = true, .program = {{0x44}}, .program_path = "/usr/bin/part"};

static const struct learn_options options = {32, 128, LEARN_WIDE_DEFAULT};

static void see(struct learn *l, enum chain chain, const struct objset *a, const struct objset *b,
		const char *addr, uint16_t port)
{
	const bool in = chain == CHAIN_INPUT;
	struct packet p = {.family = 4,
			   .proto = IPPROTO_TCP,
			   .has_proto = true,
			   .has_ports = true,
			   .sport = 40000,
			   .dport = port,
			   .tcp_flags = SYN};
	struct holders who = {.origin = a ? ORIGIN_KNOWN : ORIGIN_UNKNOWN, .n = b ? 2 : a ? 1 : 0};

	who.h[0].objects = a;
	who.h[1].objects = b;
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, addr, in ? p.saddr : p.daddr), 1);
	learn_packet(l, chain, &p, &who, false, true);
}

static struct learn *begin(void)
{
	struct learn *l = learn_new(32768, 60999);

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	return l;
}

static char *text_of(const struct learn *l, const struct ruleset *in_force, const char *text)
{
	struct learn_plan plan;
	char *out;

	CU_ASSERT_EQUAL_FATAL(learn_plan(l, &options, in_force, &plan), 0);
	out = learn_plan_text(&plan, text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	learn_plan_free(&plan);
	return out;
}

/* How much of it restore would take. */
struct taken {
	size_t policies, sets, patches, rules;
};

static int take_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct taken *t = cookie;

	(void)chain;
	(void)policy;
	t->policies++;
	return 0;
}

static int take_set(void *cookie, struct set *set)
{
	struct taken *t = cookie;

	(void)set;
	t->sets++;
	return 0;
}

static int take_patch(void *cookie, const struct patch *patch)
{
	struct taken *t = cookie;

	(void)patch;
	t->patches++;
	return 0;
}

static int take_rule(void *cookie, const struct rule *rule)
{
	struct taken *t = cookie;

	(void)rule;
	t->rules++;
	return 0;
}

static struct taken restore(const char *text)
{
	struct taken taken = {0};
	const struct store_taker to = {.policy = take_policy,
				       .set = take_set,
				       .patch = take_patch,
				       .rule = take_rule,
				       .cookie = &taken};
	char err[STORE_ERROR_LEN];

	expect(!store_parse(text, strlen(text), &to, err), "restore: %s in\n%s", err, text);
	return taken;
}

static void a_text_that_can_be_restored(void)
{
	/* clang-format off */
	static const char want[] =
		"app-fw rules 2\n"
		"# learned from 6 packets of 5 kinds: 3 rules\n"
		"policy INPUT ACCEPT\n"
		"policy OUTPUT DROP\n"
		"# would have dropped 2 of the packets, which no rule can name:\n"
		"#   not all is known of /usr/bin/part: 1 packets: -c OUTPUT -v ACCEPT -d 10.0.0.2/32 "
		  "-p tcp --dport 80\n"
		"#   unknown origin: 1 packets: -c OUTPUT -v ACCEPT -d 10.0.0.2/32 "
		  "-p tcp --dport 80\n"
		"policy FORWARD ACCEPT\n"
		"set\tlearned-1\t-\t-\t-\t" HEX("22") "\t/usr/bin/helper\n"
		"set\tlearned-1\t-\t-\t-\t" HEX("11") "\t/usr/bin/curl\n"
		"# /usr/bin/curl: 2 packets; lets pass: no other address or port\n"
		"-c OUTPUT -v ACCEPT -d 10.0.0.2/32 "
		  "-p tcp --dport 80 --sng-hash " HEX("11") " --note \"learned: /usr/bin/curl\"\n"
		"# /usr/bin/helper + /usr/bin/curl: 1 packets; lets pass: no other address or port\n"
		"-c OUTPUT -v ACCEPT -d 10.0.0.2/32 "
		  "-p tcp --dport 443 --set learned-1 --note \"learned\"\n"
		"# /unnamed/" HEX("33") ": 1 packets; lets pass: no other address or port\n"
		"-c OUTPUT -v ACCEPT -d 10.0.0.3/32 "
		  "-p tcp --dport 80 --sng-hash " HEX("33") " --note \"learned\"\n"
		"end\n";
	/* clang-format on */
	struct learn *l = begin();
	_cleanup_free_ char *got = NULL;
	struct taken taken;

	see(l, CHAIN_OUTPUT, &curl, NULL, "10.0.0.2", 80);
	see(l, CHAIN_OUTPUT, &curl, NULL, "10.0.0.2", 80);
	see(l, CHAIN_OUTPUT, &helper, &curl, "10.0.0.2", 443);
	see(l, CHAIN_OUTPUT, &odd, NULL, "10.0.0.3", 80);
	see(l, CHAIN_OUTPUT, &part, NULL, "10.0.0.2", 80);
	see(l, CHAIN_OUTPUT, NULL, NULL, "10.0.0.2", 80);
	got = text_of(l, NULL,
		      "app-fw rules 2\npolicy INPUT ACCEPT\npolicy OUTPUT ACCEPT\n"
		      "policy FORWARD ACCEPT\nend 3\n");
	expect_text("text", got, want);
	taken = restore(got);
	CU_ASSERT_EQUAL(taken.policies, CHAIN_COUNT);
	CU_ASSERT_EQUAL(taken.sets, 1);
	CU_ASSERT_EQUAL(taken.rules, 3);
	learn_free(l);
}

/* With a set that has the name that the next one would get. */
static struct ruleset *in_force(void)
{
	static const enum verdict accept[CHAIN_COUNT] = {VERDICT_ACCEPT, VERDICT_ACCEPT,
							 VERDICT_ACCEPT};
	const struct set_item item = {.package = "", .root = "", .path = "/bin/x"};
	struct ruleset *rs = ruleset_new(accept, accept, accept), *with_set, *with_rule;
	struct rule rule = {.chain = CHAIN_OUTPUT,
			    .verdict = VERDICT_DROP,
			    .have = MATCH_BIT(MATCH_SET),
			    .set = "learned-1"};
	struct set *set;

	CU_ASSERT_PTR_NOT_NULL_FATAL(rs);
	CU_ASSERT_EQUAL_FATAL(set_new("learned-1", &item, 1, &set), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(rs, set, &with_set), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_insert(with_set, &rule, 0, &with_rule), 0);
	set_unref(set);
	ruleset_unref(with_set);
	ruleset_unref(rs);
	return with_rule;
}

static void what_is_in_force_stays_and_comes_first(void)
{
	struct learn *l = begin();
	struct ruleset *rs = in_force();
	_cleanup_free_ char *text = store_format(rs);
	_cleanup_free_ char *got = NULL;
	const char *drop, *learned;
	struct taken taken;

	see(l, CHAIN_INPUT, &helper, &part, "10.0.0.2", 80); /* gets no set */
	see(l, CHAIN_INPUT, &curl, &helper, "10.0.0.2", 80);
	got = text_of(l, rs, text);
	taken = restore(got);
	CU_ASSERT_EQUAL(taken.sets, 2);
	CU_ASSERT_EQUAL(taken.rules, 2);
	drop = strstr(got, "\n-c OUTPUT -v DROP --set learned-1\n");
	learned = strstr(got, "\n-c INPUT -v ACCEPT -s 10.0.0.2/32 -p tcp --dport 80 --set "
			      "learned-2");
	CU_ASSERT_PTR_NOT_NULL_FATAL(drop);
	CU_ASSERT_PTR_NOT_NULL_FATAL(learned);
	CU_ASSERT(drop < learned);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "\npolicy INPUT DROP\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "\npolicy OUTPUT ACCEPT\n"));
	ruleset_unref(rs);
	learn_free(l);
}

/* The file was replaced while it ran: two programs of one name. A set has no path twice. */
static void programs_of_one_name_make_a_set(void)
{
	struct objset newer = curl;
	struct learn *l = begin();
	_cleanup_free_ char *got = NULL;

	newer.program.b[0] = 0x55;
	see(l, CHAIN_OUTPUT, &curl, &newer, "10.0.0.2", 80);
	got = text_of(l, NULL, "");
	CU_ASSERT_EQUAL(restore(got).sets, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "\t/usr/bin/curl\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "\t/unnamed/" HEX("55") "\n"));
	learn_free(l);
}

/* Which end of a packet a rule speaks of. */
static const struct {
	enum chain chain;
	enum learn_way way;
	const char *want;
} sides[] = {
	{CHAIN_OUTPUT, LEARN_TO, "-c OUTPUT -v ACCEPT -d 10.0.0.0/8 -p udp --dport 53"},
	{CHAIN_OUTPUT, LEARN_FROM, "-c OUTPUT -v ACCEPT -d 10.0.0.0/8 -p udp --sport 53"},
	{CHAIN_INPUT, LEARN_TO, "-c INPUT -v ACCEPT -s 10.0.0.0/8 -p udp --dport 53"},
	{CHAIN_INPUT, LEARN_FROM, "-c INPUT -v ACCEPT -s 10.0.0.0/8 -p udp --sport 53"},
	{CHAIN_FORWARD, LEARN_TO, "-c FORWARD -v ACCEPT -d 10.0.0.0/8 -p udp --dport 53"},
	{CHAIN_FORWARD, LEARN_FROM, "-c FORWARD -v ACCEPT -s 10.0.0.0/8 -p udp --sport 53"},
	{CHAIN_OUTPUT, LEARN_BARE, "-c OUTPUT -v ACCEPT -d 10.0.0.0/8 -p udp"},
	{CHAIN_INPUT, LEARN_BARE, "-c INPUT -v ACCEPT -s 10.0.0.0/8 -p udp"},
	{CHAIN_FORWARD, LEARN_BARE, "-c FORWARD -v ACCEPT -d 10.0.0.0/8 -p udp"},
};

static void a_rule_speaks_of_the_right_end(void)
{
	const struct learn_plan plan = {.learn = NULL};
	char text[RULE_TEXT_MAX];
	struct rule rule;

	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		struct suggestion s = {.chain = sides[i].chain,
				       .way = sides[i].way,
				       .party = LEARN_UNKNOWN,
				       .proto = IPPROTO_UDP,
				       .ports = {53, 53},
				       .peer = {.family = 4, .len = 8, .addr = {10}}};

		learn_plan_rule(&plan, &s, &rule);
		rule_format(&rule, text);
		expect_text("rule", text, sides[i].want);
	}
}

static const struct {
	struct suggestion s;
	const char *want;
} excesses[] = {
	{{.way = LEARN_TO, .proto = 6, .ports = {80, 80}, .peer = {4, 32, {0}}, .kinds = 1},
	 "no other address or port"},
	{{.way = LEARN_TO, .proto = 6, .ports = {80, 81}, .peer = {4, 31, {0}}, .kinds = 4},
	 "no other address or port"},
	{{.way = LEARN_TO, .proto = 6, .ports = {80, 80}, .peer = {4, 24, {0}}, .kinds = 3},
	 "256 addresses: 3 seen"},
	{{.way = LEARN_TO, .proto = 6, .ports = {80, 81}, .peer = {4, 24, {0}}, .kinds = 3},
	 "512 pairs of address and port: 3 seen"},
	{{.way = LEARN_TO, .proto = 6, .ports = {80, 80}, .peer = {6, 64, {0}}, .kinds = 3},
	 "2^64 addresses: 3 seen"},
	{{.way = LEARN_TO, .proto = 6, .ports = {80, 81}, .peer = {6, 0, {0}}, .kinds = 3},
	 "more than 2^128 pairs of address and port: 3 seen"},
	{{.way = LEARN_TO, .proto = 6, .ports = {80, 80}, .any = true, .kinds = 17},
	 "any address: 17 seen"},
	{{.way = LEARN_BARE, .proto = 1, .peer = {4, 32, {0}}, .kinds = 1}, "no other address"},
	{{.way = LEARN_BARE, .proto = 17, .peer = {4, 32, {0}}, .kinds = 1},
	 "no other address, any port"},
	{{.way = LEARN_BARE, .proto = 17, .any = true, .kinds = 20},
	 "any address: 20 seen, any port"},
};

static void what_passes_besides_is_told(void)
{
	char got[LEARN_EXCESS_LEN];

	for (size_t i = 0; i < sizeof(excesses) / sizeof(excesses[0]); i++) {
		learn_plan_excess(&excesses[i].s, got);
		expect_text("lets pass", got, excesses[i].want);
	}
}

static void what_is_not_learned_is_said(void)
{
	struct learn *l = begin();
	struct holders kernel = {.origin = ORIGIN_KERNEL}, known = {.origin = ORIGIN_KNOWN, .n = 1};
	struct packet p = {.family = 4};
	_cleanup_free_ char *got = NULL;

	known.h[0].objects = &curl;
	learn_packet(l, CHAIN_OUTPUT, &p, &kernel, false, true);
	learn_packet(l, CHAIN_OUTPUT, &p, &known, true, true);
	learn_packet(l, CHAIN_OUTPUT, &p, &known, false, false);
	learn_packet(l, CHAIN_OUTPUT, &p, &known, false, true);
	got = text_of(l, NULL, "policy OUTPUT ACCEPT\n");
	for (const char **word = (const char *[]){"# 1 packets were of kernel origin",
						  "# 1 packets were decided by rules",
						  "# 1 packets were dropped by a policy",
						  "# 1 packets had no protocol or ports",
						  "\npolicy OUTPUT ACCEPT\n", NULL};
	     *word; word++)
		expect(strstr(got, *word), "no '%s' in\n%s", *word, got);
	restore(got);
	learn_free(l);
}

static void a_long_name_is_cut_between_characters(void)
{
	char path[600] = "/";
	struct objset set = curl;
	struct learn *l = begin();
	struct learn_plan plan;
	char name[LEARN_NAME_LEN];

	for (int i = 0; i < 250; i++)
		strcat(path, "\xc3\xbc");
	set.program_path = path;
	see(l, CHAIN_OUTPUT, &set, NULL, "10.0.0.2", 80);
	CU_ASSERT_EQUAL_FATAL(learn_plan(l, &options, NULL, &plan), 0);
	learn_plan_name(&plan, 0, name);
	CU_ASSERT_EQUAL(strlen(name), 254);
	expect_text("end", name + 249, "\xc3\xbc...");
	learn_plan_free(&plan);
	learn_free(l);
}

static const struct unit_test tests[] = {
	{"a text that can be restored", a_text_that_can_be_restored},
	{"what is in force stays, and comes first", what_is_in_force_stays_and_comes_first},
	{"programs of one name make a set", programs_of_one_name_make_a_set},
	{"a rule speaks of the right end", a_rule_speaks_of_the_right_end},
	{"what passes besides is told", what_passes_besides_is_told},
	{"what is not learned is said", what_is_not_learned_is_said},
	{"a long name is cut between characters", a_long_name_is_cut_between_characters},
};

UNIT_SUITE("fw/learn_plan", tests)
