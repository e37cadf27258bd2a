/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "expect.h"
#include "fw/explain.h"
#include "unit.h"

static const enum verdict accept[CHAIN_COUNT],
	drop[CHAIN_COUNT] = {VERDICT_DROP, VERDICT_DROP, VERDICT_DROP};

static struct rule rule_of(const char *text)
{
	struct rule_error err;
	struct rule r;

	CU_ASSERT_EQUAL_FATAL(rule_parse_text(text, &r, &err), 0);
	return r;
}

static struct ruleset *rules_of(const char *const texts[], size_t n)
{
	struct ruleset *rs = ruleset_new(accept, drop, accept), *next;

	for (size_t i = 0; i < n; i++) {
		struct rule r = rule_of(texts[i]);

		CU_ASSERT_EQUAL_FATAL(ruleset_append(rs, &r, 1, &next), 0);
		ruleset_unref(rs);
		rs = next;
	}
	return rs;
}

#define DIGEST "0101010101010101010101010101010101010101010101010101010101010101"

static struct objset *set_with(uint8_t byte, bool complete)
{
	struct objset_item item = {.path = "/x"};

	memset(item.digest.b, byte, sizeof(item.digest.b));
	return objset_new(&item, 1, complete);
}

static const char *text_at(const json_t *reply, size_t step, const char *key)
{
	const json_t *steps = json_object_get(reply, "steps");

	return json_string_value(json_object_get(json_array_get(steps, step), key));
}

static const char *text_of(const json_t *reply, const char *key)
{
	return json_string_value(json_object_get(reply, key));
}

static struct packet a_packet(void)
{
	struct packet p = {
		.family = 4, .proto = 6, .has_proto = true, .has_ports = true, .dport = 80};

	return p;
}

static void walks_to_the_rule(void)
{
	static const char *const texts[] = {
		"-c OUTPUT -v DROP --dport 99",
		("-c OUTPUT -v DROP --dport 80 --sng-hash " DIGEST),
		"-c OUTPUT -v DROP",
	};
	struct ruleset *rs = rules_of(texts, 3);
	struct objset *has = set_with(1, true);
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 7, .objects = has}}};
	struct packet p = a_packet();
	json_t *reply = explain(rs, CHAIN_OUTPUT, &p, &who);

	CU_ASSERT_STRING_EQUAL(text_of(reply, "verdict"), "DROP");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "rule")), 1);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(reply, "steps")), 2);
	CU_ASSERT_STRING_EQUAL(text_at(reply, 0, "why"), "the destination port does not match");
	CU_ASSERT_STRING_EQUAL(text_at(reply, 1, "why"),
			       "pid 7 matches, and one holder is enough to drop");
	json_decref(reply);
	objset_unref(has);
	ruleset_unref(rs);
}

static void names_what_it_comes_to(void)
{
	static const struct {
		const char *rule, *verdict, *why;
	} rows[] = {
		{"-c OUTPUT -v REJECT --sng-hash " DIGEST, "REJECT",
		 "pid 7 matches, and one holder is enough to reject"},
		{"-c OUTPUT -v KILL --sng-hash " DIGEST, "KILL",
		 "pid 7 matches, and one holder is enough to kill"},
		{"-c OUTPUT -v MARK=0x1 --sng-hash " DIGEST, "MARK",
		 "all 1 holders match, as they must to mark"},
		{"-c OUTPUT -v MARK=0x1 --agg-hash " DIGEST, "DROP",
		 "no rule matches: the policy of the chain"},
	};
	struct objset *has = set_with(1, true);
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 7, .objects = has}}};
	struct packet p = a_packet();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ruleset *rs = rules_of(&rows[i].rule, 1);
		json_t *reply;

		rs->chains[CHAIN_OUTPUT].policy = VERDICT_DROP;
		reply = explain(rs, CHAIN_OUTPUT, &p, &who);
		expect_text(rows[i].rule, text_of(reply, "verdict"), rows[i].verdict);
		expect_text(rows[i].rule, text_of(reply, "why"), rows[i].why);
		json_decref(reply);
		ruleset_unref(rs);
	}
	objset_unref(has);
}

static void tells_of_facts(void)
{
	static const char *const texts[] = {
		"-c OUTPUT -v DROP --uid 5",	   "-c OUTPUT -v ACCEPT --comm other",
		"-c OUTPUT -v DROP -! --comm own", "-c OUTPUT -v DROP --origin kernel",
		"-c OUTPUT -v ACCEPT --gid 8",
	};
	struct ruleset *rs = rules_of(texts, 5);
	struct objset *has = set_with(1, true);
	struct holders who = {
		.origin = ORIGIN_KNOWN,
		.n = 1,
		.h = {{.pid = 7,
		       .objects = has,
		       .facts = {.known = true, .uid = 6, .gid = 8, .comm = "own"}}},
	};
	struct packet p = a_packet();
	json_t *reply = explain(rs, CHAIN_OUTPUT, &p, &who);

	expect_text("uid", text_at(reply, 0, "why"), "the user of pid 7 is another");
	expect_text("comm", text_at(reply, 1, "why"), "the name of pid 7 is another");
	expect_text("not comm", text_at(reply, 2, "why"), "the name of pid 7 is the one");
	expect_text("origin", text_at(reply, 3, "why"), "the origin does not match");
	expect_text("gid", text_at(reply, 4, "why"), "all 1 holders match, as they must to accept");
	json_decref(reply);
	who.h[0].facts.known = false;
	reply = explain(rs, CHAIN_OUTPUT, &p, &who);
	expect_text("unknown", text_at(reply, 0, "why"), "the user of pid 7 is not known");
	expect_text("sure", text_at(reply, 1, "why"),
		    "the name of pid 7 is not known, and ACCEPT must be sure");
	json_decref(reply);
	objset_unref(has);
	ruleset_unref(rs);
}

static void says_why_not(void)
{
	static const char *const texts[] = {
		("-c OUTPUT -v DROP --sng-hash " DIGEST),
		("-c OUTPUT -v ACCEPT --sng-hash " DIGEST),
		("-c OUTPUT -v DROP -! --sng-hash " DIGEST),
	};
	struct ruleset *rs = rules_of(texts, 3);
	struct objset *has = set_with(1, false), *other = set_with(2, true);
	struct holders one = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 7, .objects = other}}};
	struct holders partly = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 8, .objects = has}}};
	struct holders nobody = {.origin = ORIGIN_UNKNOWN};
	struct packet p = a_packet();
	json_t *reply = explain(rs, CHAIN_OUTPUT, &p, &one);

	CU_ASSERT_STRING_EQUAL(text_at(reply, 0, "why"), "pid 7 has no object of the digest");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "rule")), 2);
	json_decref(reply);

	reply = explain(rs, CHAIN_OUTPUT, &p, &partly);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "rule")), 0);
	json_decref(reply);

	reply = explain(rs, CHAIN_OUTPUT, &p, &nobody);
	CU_ASSERT_STRING_EQUAL(text_at(reply, 0, "why"),
			       "it asks what is mapped, and the packet is of unknown origin");
	CU_ASSERT(json_is_null(json_object_get(reply, "rule")));
	CU_ASSERT_STRING_EQUAL(text_of(reply, "verdict"), "DROP");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "why"),
			       "no rule matches: the verdict for unknown origin");
	json_decref(reply);
	objset_unref(has);
	objset_unref(other);
	ruleset_unref(rs);
}

static void sureness(void)
{
	static const char *const texts[] = {"-c OUTPUT -v ACCEPT --sng-hash " DIGEST};
	struct ruleset *rs = rules_of(texts, 1);
	struct objset *partly = set_with(1, false);
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 8, .objects = partly}}};
	struct packet p = a_packet();
	json_t *reply = explain(rs, CHAIN_OUTPUT, &p, &who);

	CU_ASSERT_STRING_EQUAL(text_at(reply, 0, "why"),
			       "not all objects of pid 8 are known, and ACCEPT must be sure");
	json_decref(reply);
	objset_unref(partly);
	ruleset_unref(rs);
}

static void tells_of_anonymous_memory(void)
{
	static const char *const texts[] = {
		"-c OUTPUT -v DROP --anon-exec",
		"-c OUTPUT -v DROP -! --anon-exec",
	};
	struct ruleset *rs = rules_of(texts, 2);
	struct objset *set = set_with(1, true);
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 7, .objects = set}}};
	struct packet p = a_packet();
	json_t *reply = explain(rs, CHAIN_OUTPUT, &p, &who);

	CU_ASSERT_STRING_EQUAL(text_at(reply, 0, "why"),
			       "pid 7 has no anonymous executable memory");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "rule")), 1);
	json_decref(reply);
	set->anonymous = true;
	reply = explain(rs, CHAIN_OUTPUT, &p, &who);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "rule")), 0);
	json_decref(reply);
	ruleset_unref(rs);
	rs = rules_of(texts + 1, 1);
	reply = explain(rs, CHAIN_OUTPUT, &p, &who);
	CU_ASSERT_STRING_EQUAL(text_at(reply, 0, "why"), "pid 7 has anonymous executable memory");
	json_decref(reply);
	objset_unref(set);
	ruleset_unref(rs);
}

static void describes_one_packet(void)
{
	static const struct {
		const char *text, *what;
	} refused[] = {
		{"-c OUTPUT -v ACCEPT -d 10.0.0.0/8", "-d"},
		{"-c OUTPUT -v ACCEPT -s 10.0.0.0/31", "-s"},
		{"-c OUTPUT -v ACCEPT -p tcp --dport 1:2", "--dport"},
		{"-c OUTPUT -v ACCEPT -p tcp --sport 1:2", "--sport"},
		{"-c OUTPUT -v ACCEPT -! -d 10.0.0.1", "-!"},
		{"-c OUTPUT -v ACCEPT --sng-hash " DIGEST, "a match of what is mapped"},
		{"-c OUTPUT -v ACCEPT --anon-exec", "a match of what is mapped"},
		{"-c OUTPUT -v ACCEPT --uid 1", "a match of what a process is"},
		{"-c OUTPUT -v ACCEPT --comm x", "a match of what a process is"},
		{"-c OUTPUT -v ACCEPT --origin known", "--origin"},
		{"-c OUTPUT -v ACCEPT --monitor", "--monitor"},
		{"-c OUTPUT -v ACCEPT --expires 2099-01-01T00:00:00Z", "--expires"},
		{"-c OUTPUT -v ACCEPT --set web", "a match of what is mapped"},
	};
	struct rule whole =
		rule_of("-c OUTPUT -v ACCEPT -d 2001:db8::1 -p udp --sport 4 --dport 53");
	struct packet p;
	const char *what;

	CU_ASSERT_EQUAL(explain_packet(&whole, &p, &what), 0);
	CU_ASSERT(p.family == 6 && p.proto == 17 && p.has_proto && p.has_ports);
	CU_ASSERT(p.sport == 4 && p.dport == 53 && p.daddr[0] == 0x20 && p.daddr[15] == 1);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct rule r = rule_of(refused[i].text);

		CU_ASSERT_EQUAL(explain_packet(&r, &p, &what), -EINVAL);
		CU_ASSERT_STRING_EQUAL(what, refused[i].what);
	}
}

static void says_why_not_by_script(void)
{
	static const char *const texts[] = {
		("-c OUTPUT -v ACCEPT --script " DIGEST),
		("-c OUTPUT -v DROP --script " DIGEST),
		("-c OUTPUT -v DROP -! --script " DIGEST),
	};
	static const struct {
		enum script_state state;
		uint8_t byte;
		size_t step;
		const char *why;
	} rows[] = {
		{SCRIPT_UNKNOWN, 0, 0, "the script of pid 7 is not known, and ACCEPT must be sure"},
		{SCRIPT_SEEN, 1, 0, "the script of pid 7 is not known, and ACCEPT must be sure"},
		{SCRIPT_NONE, 0, 0, "pid 7 was not started with that script"},
		{SCRIPT_KNOWN, 2, 1, "pid 7 was not started with that script"},
		{SCRIPT_UNKNOWN, 0, 1,
		 "pid 7 was not started with that script, as far as is known"},
		{SCRIPT_SEEN, 1, 1, "pid 7 matches, and one holder is enough to drop"},
		{SCRIPT_UNKNOWN, 0, 2, "pid 7 matches, and one holder is enough to drop"},
	};
	struct ruleset *rs = rules_of(texts, 3);
	struct objset *set = set_with(2, true);
	struct packet p = a_packet();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct holders who = {
			.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 7, .objects = set}}};
		json_t *reply;

		who.h[0].script.state = rows[i].state;
		memset(who.h[0].script.digest.b, rows[i].byte, SHA256_LEN);
		reply = explain(rs, CHAIN_OUTPUT, &p, &who);
		expect_text("why", text_at(reply, rows[i].step, "why"), rows[i].why);
		json_decref(reply);
	}
	objset_unref(set);
	ruleset_unref(rs);
}

static void tells_of_monitored(void)
{
	static const char *const texts[] = {
		"-c OUTPUT -v DROP --monitor --expires 2099-01-01T00:00:00Z",
		"-c OUTPUT -v ACCEPT",
	};
	struct ruleset *rs = rules_of(texts, 2);
	struct holders who = {.origin = ORIGIN_KERNEL};
	struct packet p = a_packet();
	json_t *reply = explain(rs, CHAIN_OUTPUT, &p, &who);

	expect_text("why", text_at(reply, 0, "why"),
		    "all its criteria match: it only logs that, and the next rules decide");
	expect_text("rule", text_at(reply, 0, "rule"), texts[0]);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "rule")), 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(reply, "verdict")), "ACCEPT");
	json_decref(reply);
	ruleset_unref(rs);
}

/* Patches are told of first, each once though it may mean either end; rules only if none decides.
 */
static void patches_come_first(void)
{
	static const char *const texts[] = {"-c OUTPUT -v ACCEPT"};
	static const char *const patches[] = {"--cidr 10.0.0.9 --port 80 --note a",
					      "--port 80 --monitor --note b", "--port 80 --note c"};
	struct ruleset *rs = rules_of(texts, 1), *next;
	struct objset *has = set_with(1, true);
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1, .h = {{.pid = 7, .objects = has}}};
	struct packet p = a_packet();
	json_t *reply;

	for (size_t i = 0; i < 3; i++) {
		struct rule_error err;
		struct patch patch;

		CU_ASSERT_EQUAL_FATAL(patch_parse_text(patches[i], &patch, &err), 0);
		CU_ASSERT_EQUAL_FATAL(ruleset_add_patch(rs, &patch, &next), 0);
		ruleset_unref(rs);
		rs = next;
	}
	reply = explain(rs, CHAIN_OUTPUT, &p, &who);
	CU_ASSERT_STRING_EQUAL(text_of(reply, "verdict"), "DROP");
	CU_ASSERT(json_is_null(json_object_get(reply, "rule")));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "patch")), 3);
	CU_ASSERT_STRING_EQUAL(text_of(reply, "text"), "--port 80 --note \"c\"");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(reply, "steps")), 3);
	CU_ASSERT_STRING_EQUAL(text_at(reply, 0, "why"), "the destination address does not match");
	CU_ASSERT_STRING_EQUAL(
		text_at(reply, 1, "why"),
		"all its criteria match: it only logs that, and the next rules decide");
	json_decref(reply);
	p.dport = 81;
	reply = explain(rs, CHAIN_OUTPUT, &p, &who);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(reply, "rule")), 0);
	CU_ASSERT(json_is_null(json_object_get(reply, "patch")));
	CU_ASSERT_EQUAL(json_array_size(json_object_get(reply, "steps")), 4);
	json_decref(reply);
	objset_unref(has);
	ruleset_unref(rs);
}

static const struct unit_test tests[] = {
	{"patches come first", patches_come_first},
	{"the rules are told of up to the one that decides", walks_to_the_rule},
	{"a rule that does not match says which criterion and whose", says_why_not},
	{"ACCEPT by digest must be sure, and says so", sureness},
	{"anonymous executable memory", tells_of_anonymous_memory},
	{"a description is of exactly one packet", describes_one_packet},
	{"user, group, name and origin", tells_of_facts},
	{"names what it comes to", names_what_it_comes_to},
	{"says why a script does not match", says_why_not_by_script},
	{"a rule that only logs is told of, and does not decide", tells_of_monitored},
};
UNIT_SUITE("fw/explain", tests)
