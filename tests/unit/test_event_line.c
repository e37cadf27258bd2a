/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/event_line.c"

#include "expect.h"
#include "unit.h"

#define EVENT(rest) "{\"seq\":1,\"time\":\"2026-11-21T06:00:00.123456789Z\"," rest "}"
#define FLOW4                                                                          \
	"\"flow\":{\"protocol\":\"tcp\",\"source\":\"10.0.0.1\",\"source_port\":4000," \
	"\"destination\":\"10.0.0.2\",\"destination_port\":80,\"length\":60}"
#define FLOW6                                                                      \
	"\"flow\":{\"protocol\":\"udp\",\"source\":\"fd00::1\",\"source_port\":5," \
	"\"destination\":\"fd00::2\",\"destination_port\":53,\"length\":60}"
#define PING                                                                             \
	"\"flow\":{\"protocol\":\"icmpv6\",\"source\":\"fd00::1\",\"source_port\":null," \
	"\"destination\":\"fd00::2\",\"destination_port\":null,\"length\":60}"

static const struct {
	const char *event, *verdict;
	enum style style;
	const char *rest;
} rows[] = {
	{EVENT("\"event\":\"verdict\",\"verdict\":\"DROP\",\"enforced\":true,\"reason\":\"rule\","
	       "\"rule\":{\"index\":3},\"chain\":\"OUTPUT\",\"origin\":\"known\"," FLOW4
	       ",\"n_holders\":1,\"holders\":[{\"pid\":7,\"comm\":\"curl\","
	       "\"exe\":\"/usr/bin/curl\"}]"),
	 "DROP", STYLE_BAD,
	 "OUTPUT   rule 3    tcp     10.0.0.1:4000 -> 10.0.0.2:80  7 curl /usr/bin/curl"},
	{EVENT("\"verdict\":\"REJECT\",\"enforced\":false,\"reason\":\"rule\","
	       "\"rule\":{\"index\":0},\"chain\":\"INPUT\"," FLOW6
	       ",\"n_holders\":3,\"holders\":[{\"pid\":7,\"comm\":\"a\",\"exe\":null,"
	       "\"matched\":null},{\"pid\":8,\"comm\":null,\"exe\":\"/b\",\"matched\":{}}]"),
	 "would REJECT", STYLE_HEADING,
	 "INPUT    rule 0    udp     [fd00::1]:5 -> [fd00::2]:53  8 - /b (of 3)"},
	{EVENT("\"verdict\":\"MARK\",\"enforced\":true,\"reason\":\"kernel\",\"rule\":null,"
	       "\"origin\":\"kernel\",\"chain\":\"FORWARD\"," PING ",\"holders\":[]"),
	 "MARK", STYLE_GOOD, "FORWARD  kernel    icmpv6  fd00::1 -> fd00::2  kernel"},
	{EVENT("\"event\":\"left_out\",\"left_out\":50"), "left out", STYLE_HEADING, "50 events"},
	{"{}", "would ?", STYLE_HEADING, "?        ?         ?       ? -> ?  ?"},
	{"{\"holders\":[7],\"rule\":1,\"flow\":[],\"verdict\":{},\"enforced\":true}", "?",
	 STYLE_BAD, "?        ?         ?       ? -> ?  ? - -"},
};

static void columns(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *event = json_loads(rows[i].event, 0, NULL);
		struct event_columns c;

		CU_ASSERT_PTR_NOT_NULL_FATAL(event);
		event_columns(event, &c);
		if (i < 4)
			expect_text("time", c.time, "2026-11-21T06:00:00.123");
		expect_text("verdict", c.verdict, rows[i].verdict);
		expect_int("style", c.style, rows[i].style);
		expect_text("rest", c.rest, rows[i].rest);
		json_decref(event);
	}
}

static const struct unit_test tests[] = {
	{"an event in aligned columns, whatever it lacks", columns},
};
UNIT_SUITE("ctl/event_line", tests)
