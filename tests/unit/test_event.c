/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/event.h"

#include <stdlib.h>

#include "expect.h"
#include "unit.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct event e;

static void take_object(int index, uint8_t byte, const char *path)
{
	e.objects[index].has_digest = true;
	memset(e.objects[index].digest.b, byte, SHA256_LEN);
	strcpy(e.objects[index].path, path);
}

static void take_rule(const char *text)
{
	struct rule_error err;

	CU_ASSERT_EQUAL_FATAL(rule_parse_text(text, &e.rule, &err), 0);
	e.reason = REASON_BY_RULE;
	e.index = 7;
}

static void blocked_curl(void)
{
	e = (struct event){
		.kind = EVENT_VERDICT,
		.seq = 3,
		.time_ns = 1795240800000000042ull,
		.verdict = VERDICT_DROP,
		.enforced = true,
		.chain = CHAIN_OUTPUT,
		.origin = ORIGIN_KNOWN,
		.cookie = 77,
		.has_uid = true,
		.uid = 1001,
		.netns = 4026531840,
		.packet = {.family = 4,
			   .has_proto = true,
			   .proto = 6,
			   .has_ports = true,
			   .sport = 4000,
			   .dport = 80,
			   .saddr = {10, 0, 0, 1},
			   .daddr = {10, 0, 0, 2},
			   .length = 60},
		.n_holders = 1,
		.n = 1,
		.n_objects = 2,
		.holders = {{.pid = 4711,
			     .ppid = 4710,
			     .facts = {.known = true, .uid = 1000, .comm = "curl"},
			     .program = 0,
			     .matched = 1}},
	};
	strcpy(e.holders[0].container, ID);
	take_object(0, 0xaa, "/usr/bin/curl");
	take_object(1, 0xbb, "/lib/libcurl.so.4");
	take_rule("-c OUTPUT -v DROP --sng-hash " HEX_B " --note \"no curl\"");
}

static void expect_json(const char *want)
{
	json_t *json = event_json(&e);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	if (expect(text != NULL, "no JSON"))
		expect_text("event", text, want);
	free(text);
	json_decref(json);
}

static void every_field(void)
{
	blocked_curl();
	expect_json("{\"seq\":3,\"time\":\"2026-11-21T06:00:00.000000042Z\",\"event\":\"verdict\","
		    "\"verdict\":\"DROP\",\"enforced\":true,\"reason\":\"rule\","
		    "\"rule\":{\"index\":7,\"text\":\"-c OUTPUT -v DROP --sng-hash " HEX_B
		    " --note \\\"no curl\\\"\",\"note\":\"no curl\"},"
		    "\"patch\":null,\"chain\":\"OUTPUT\",\"origin\":\"known\","
		    "\"flow\":{\"protocol\":\"tcp\",\"source\":\"10.0.0.1\",\"source_port\":4000,"
		    "\"destination\":\"10.0.0.2\",\"destination_port\":80,\"length\":60},"
		    "\"socket\":77,\"socket_uid\":1001,\"netns\":4026531840,\"n_holders\":1,"
		    "\"holders\":["
		    "{\"pid\":4711,\"ppid\":4710,\"comm\":\"curl\",\"exe\":\"/usr/bin/curl\","
		    "\"sha256\":\"" HEX_A "\",\"matched\":{\"path\":\"/lib/libcurl.so.4\","
		    "\"sha256\":\"" HEX_B "\"},\"uid\":1000,\"container\":\"" ID "\"}]}");
}

/* What is not known is null: it is not guessed, and not left out. */
static void nothing_known(void)
{
	blocked_curl();
	e.packet = (struct packet){.length = 3};
	e.reason = REASON_BY_UNKNOWN;
	e.origin = ORIGIN_UNKNOWN;
	e.enforced = false;
	e.cookie = e.netns = 0;
	e.has_uid = false;
	e.holders[0] = (struct event_holder){
		.pid = 5, .program = EVENT_NO_OBJECT, .matched = EVENT_NO_OBJECT};
	expect_json(
		"{\"seq\":3,\"time\":\"2026-11-21T06:00:00.000000042Z\",\"event\":\"verdict\","
		"\"verdict\":\"DROP\",\"enforced\":false,\"reason\":\"unknown\",\"rule\":null,"
		"\"patch\":null,\"chain\":\"OUTPUT\",\"origin\":\"unknown\","
		"\"flow\":{\"protocol\":null,\"source\":null,\"source_port\":null,"
		"\"destination\":null,\"destination_port\":null,\"length\":3},"
		"\"socket\":null,\"socket_uid\":null,\"netns\":null,\"n_holders\":1,\"holders\":["
		"{\"pid\":5,\"ppid\":null,\"comm\":null,\"exe\":null,\"sha256\":null,"
		"\"matched\":null,\"uid\":null,\"container\":null}]}");
}

/* Names are bytes that strangers chose. */
static void hostile_names(void)
{
	json_t *json, *holder;

	blocked_curl();
	strcpy(e.holders[0].facts.comm, "a\n\xff\"");
	strcpy(e.objects[0].path, "/tmp/\xc3\xbc\033");
	json = event_json(&e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	holder = json_array_get(json_object_get(json, "holders"), 0);
	expect_text("comm", json_string_value(json_object_get(holder, "comm")), "a\n\\xff\"");
	expect_text("exe", json_string_value(json_object_get(holder, "exe")), "/tmp/\xc3\xbc\033");
	json_decref(json);
}

static void left_out(void)
{
	char line[EVENT_LINE_MAX];

	e = (struct event){
		.kind = EVENT_LEFT_OUT, .seq = 9, .time_ns = 1500000000ull, .left_out = 12345};
	expect_json("{\"seq\":9,\"time\":\"1970-01-01T00:00:01.500000000Z\",\"event\":\"left_out\","
		    "\"left_out\":12345}");
	event_line(&e, line);
	expect_text("line", line, "app-fw: 12345 events left out");
}

static void other_flows(void)
{
	static const struct {
		struct packet packet;
		const char *protocol, *source;
	} rows[] = {
		{{.family = 6, .has_proto = true, .proto = 58, .saddr = {0xfd, [15] = 1}},
		 "icmpv6",
		 "fd00::1"},
		{{.family = 4, .has_proto = true, .proto = 253, .saddr = {127, 0, 0, 1}},
		 "253",
		 "127.0.0.1"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json, *flow;

		blocked_curl();
		e.packet = rows[i].packet;
		json = event_json(&e);
		flow = json_object_get(json, "flow");
		expect_text("protocol", json_string_value(json_object_get(flow, "protocol")),
			    rows[i].protocol);
		expect_text("source", json_string_value(json_object_get(flow, "source")),
			    rows[i].source);
		CU_ASSERT_TRUE(json_is_null(json_object_get(flow, "source_port")));
		json_decref(json);
	}
}

static void lines(void)
{
	char line[EVENT_LINE_MAX];

	blocked_curl();
	event_line(&e, line);
	expect_text("enforced", line,
		    "DROP OUTPUT rule 7: known origin, pid 4711 curl, "
		    "tcp 10.0.0.1:4000 -> 10.0.0.2:80");
	e.enforced = false;
	e.reason = REASON_BY_POLICY;
	e.n = e.n_holders = 0;
	event_line(&e, line);
	expect_text("monitored", line,
		    "would DROP OUTPUT policy: known origin, pid 0, "
		    "tcp 10.0.0.1:4000 -> 10.0.0.2:80");
}

static void a_patch_is_named(void)
{
	struct event own = {.kind = EVENT_VERDICT,
			    .verdict = VERDICT_DROP,
			    .enforced = true,
			    .reason = REASON_BY_PATCH,
			    .rule = {.patch = 9, .verdict = VERDICT_DROP, .note = "CVE"}};
	char line[EVENT_LINE_MAX];
	json_t *json = event_json(&own), *patch = json_object_get(json, "patch");

	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "reason")), "patch");
	CU_ASSERT(json_is_null(json_object_get(json, "rule")));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(patch, "id")), 9);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(patch, "note")), "CVE");
	json_decref(json);
	event_line(&own, line);
	expect(strstr(line, " patch 9: ") != NULL, "%s", line);
}

static void reasons_have_names(void)
{
	static const char *const names[] = {"rule",   "patch",	   "policy", "unknown",
					    "kernel", "signature", "stream", "socket"};

	CU_ASSERT_EQUAL(EVENT_REASON_COUNT, sizeof(names) / sizeof(names[0]));
	for (int i = 0; i < EVENT_REASON_COUNT; i++)
		expect_text("reason", event_reason_name((enum event_reason)i), names[i]);
	CU_ASSERT_PTR_NOT_NULL(event_reason_name(EVENT_REASON_COUNT));
}

static const struct unit_test tests[] = {
	{"a patch is named", a_patch_is_named},
	{"an event has every field", every_field},
	{"what is not known is null", nothing_known},
	{"names that strangers chose stay inside their strings", hostile_names},
	{"what was left out is an event", left_out},
	{"IPv6, protocols without ports or without a name", other_flows},
	{"the line for the log", lines},
	{"every reason has a name", reasons_have_names},
};
UNIT_SUITE("fw/event", tests)
