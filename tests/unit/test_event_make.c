/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/event_make.h"

#include "expect.h"
#include "fw/set.h"
#include "unit.h"

#define HEX_1 "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_2 "0202020202020202020202020202020202020202020202020202020202020202"
#define HEX_3 "0303030303030303030303030303030303030303030303030303030303030303"
#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct sha256 fill(uint8_t byte)
{
	struct sha256 d;

	memset(d.b, byte, sizeof(d.b));
	return d;
}

/* The holder has objects 1 and 2, and script 3. */
static const struct {
	const char *rule;
	enum script_state script;
	uint8_t matched; /* 0: nothing */
} rows[] = {
	{"-c OUTPUT -v DROP --sng-hash " HEX_2, SCRIPT_NONE, 2},
	{"-c OUTPUT -v DROP --sng-hash " HEX_3, SCRIPT_NONE, 0},
	{"-c OUTPUT -v DROP -! --sng-hash " HEX_2, SCRIPT_NONE, 0},
	{"-c OUTPUT -v DROP --set web", SCRIPT_NONE, 1},
	{"-c OUTPUT -v DROP -! --set web", SCRIPT_NONE, 0},
	{"-c OUTPUT -v DROP --script " HEX_3, SCRIPT_KNOWN, 3},
	{"-c OUTPUT -v DROP --script " HEX_3, SCRIPT_SEEN, 3},
	{"-c OUTPUT -v DROP --script " HEX_3, SCRIPT_UNKNOWN, 0},
	{"-c OUTPUT -v DROP --script " HEX_1, SCRIPT_KNOWN, 0},
	{"-c OUTPUT -v DROP -p tcp", SCRIPT_NONE, 0},
};

static void what_matched(void)
{
	struct objset_item items[] = {{fill(1), "/a"}, {fill(2), "/b"}};
	const struct set_item members[] = {
		{.package = "", .root = "", .path = "/a", .digest = fill(1)},
		{.package = "", .root = "", .path = "/z", .digest = fill(9)}};
	struct holder h = {.objects = objset_new(items, 2, true)};
	struct set *web;

	CU_ASSERT_PTR_NOT_NULL_FATAL(h.objects);
	CU_ASSERT_EQUAL_FATAL(set_new("web", members, 2, &web), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sha256 got = fill(0), want = fill(rows[i].matched);
		struct rule_error err;
		struct rule rule;

		CU_ASSERT_EQUAL_FATAL(rule_parse_text(rows[i].rule, &rule, &err), 0);
		rule.members = web;
		h.script = (struct script){rows[i].script, fill(3)};
		expect(event_matched(&rule, &h, &got) == (rows[i].matched > 0), "%s", rows[i].rule);
		expect(sha256_cmp(&got, &want) == 0, "%s: the wrong one", rows[i].rule);
	}
	set_unref(web);
	objset_unref((struct objset *)h.objects);
}

static void each_object_once(void)
{
	static struct event e;
	struct sha256 a = fill(1), b = fill(2);
	char path[16];

	CU_ASSERT_EQUAL(event_add_object(&e, &a, "/a"), 0);
	CU_ASSERT_EQUAL(event_add_object(&e, &b, "/a"), 1);
	CU_ASSERT_EQUAL(event_add_object(&e, &a, "/a"), 0);
	CU_ASSERT_EQUAL(event_add_object(&e, &a, NULL), 2);
	CU_ASSERT_EQUAL(event_add_object(&e, NULL, "/a"), 3);
	for (int i = 4; i < EVENT_OBJECTS_MAX; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		CU_ASSERT_EQUAL(event_add_object(&e, &a, path), i);
	}
	CU_ASSERT_EQUAL(event_add_object(&e, &a, "/too many"), EVENT_NO_OBJECT);
	CU_ASSERT_EQUAL(event_add_object(&e, &a, path), EVENT_OBJECTS_MAX - 1);
}

static void long_paths_keep_their_end(void)
{
	static struct event e;
	char path[1024];

	memset(path, 'x', sizeof(path));
	strcpy(path + sizeof(path) - 6, "/curl");
	event_add_object(&e, NULL, path);
	expect_int("length", (long long)strlen(e.objects[0].path), EVENT_PATH_MAX - 1);
	expect(strncmp(e.objects[0].path, "...x", 4) == 0, "begins as %.8s", e.objects[0].path);
	expect_text("end", e.objects[0].path + EVENT_PATH_MAX - 6, "/curl");
	path[EVENT_PATH_MAX - 1] = '\0';
	event_add_object(&e, NULL, path);
	expect_text("as long as fits", e.objects[1].path, path);
}

static void facts(void)
{
	const struct facts unknown = {.known = false}, some = {.known = true, .uid = 5},
			   all = {.known = true, .uid = 6, .cgroups = "0::/docker/" ID "\n"};
	struct event_holder h = {.pid = 1};

	event_take_facts(&h, &some);
	CU_ASSERT_TRUE(h.facts.known);
	CU_ASSERT_FALSE(h.whole);
	event_take_facts(&h, &unknown);
	CU_ASSERT_EQUAL(h.facts.uid, 5);
	event_take_facts(&h, &all);
	CU_ASSERT_TRUE(h.whole);
	CU_ASSERT_EQUAL(h.facts.uid, 6);
	CU_ASSERT_PTR_NULL(h.facts.cgroups);
	expect_text("container", h.container, ID);
}

static const struct unit_test tests[] = {
	{"which object a rule matched", what_matched},
	{"each object is kept once, and no more than there is room for", each_object_once},
	{"of a long path the end is kept", long_paths_keep_their_end},
	{"facts become known and stay so", facts},
};
UNIT_SUITE("fw/event_make", tests)
