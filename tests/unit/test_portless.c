/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect.h"
#include "fw/portless.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
#define REPLY4 {.family = 4, .proto = 1, .has_proto = true, .has_icmp = true, .sport = 7, \
		.daddr = {10, 0, 0, 1}, .saddr = {10, 0, 0, 2}}
#define REPLY6 {.family = 6, .proto = 58, .has_proto = true, .has_icmp = true, .icmp_type = 129, \
		.sport = 7, .daddr = {0xfd, [15] = 1}, .saddr = {0xfd, [15] = 2}}
#define OTHER4 {.family = 4, .proto = 253, .has_proto = true, \
		.daddr = {10, 0, 0, 1}, .saddr = {10, 0, 0, 2}}
#define PING4(id) .family = 4, .ping = 1, .number = (id)
#define PING6(id) .family = 6, .ping = 1, .number = (id)
#define RAW4(protocol) .family = 4, .number = (protocol)
#define RAW6(protocol) .family = 6, .number = (protocol)
/* clang-format on */

/* All packets come in by interface 3. */
static void each_gets_its_own(void)
{
	static const struct {
		const char *name;
		struct portless_rec s;
		struct packet p;
		bool gets;
	} rows[] = {
		/* clang-format off */
		{"ping of that identifier", {PING4(7)}, REPLY4, true},
		{"ping of another identifier", {PING4(8)}, REPLY4, false},
		{"ping of the other family", {PING6(7)}, REPLY4, false},
		{"ping over IPv6", {PING6(7)}, REPLY6, true},
		{"ping bound here", {PING4(7), .local = {10, 0, 0, 1}}, REPLY4, true},
		{"ping bound elsewhere", {PING4(7), .local = {10, 0, 0, 9}}, REPLY4, false},
		{"ping connected elsewhere", {PING4(7), .remote = {10, 0, 0, 9}}, REPLY4, true},
		{"ping bound to the device", {PING4(7), .ifindex = 3}, REPLY4, true},
		{"ping bound to another device", {PING4(7), .ifindex = 4}, REPLY4, false},
		{"a ping socket gets no other protocol", {PING4(253)}, OTHER4, false},
		{"raw", {RAW4(253)}, OTHER4, true},
		{"raw of another protocol", {RAW4(254)}, OTHER4, false},
		{"raw of the other family", {RAW6(253)}, OTHER4, false},
		{"raw bound elsewhere", {RAW4(253), .local = {10, 0, 0, 9}}, OTHER4, false},
		{"raw connected there", {RAW4(253), .remote = {10, 0, 0, 2}}, OTHER4, true},
		{"raw connected elsewhere", {RAW4(253), .remote = {10, 0, 0, 9}}, OTHER4, false},
		{"raw bound to another device", {RAW4(253), .ifindex = 4}, OTHER4, false},
		{"raw ICMP", {RAW4(1)}, REPLY4, true},
		{"raw ICMP that filters replies", {RAW4(1), .filter = {1}}, REPLY4, false},
		{"raw ICMP that filters requests", {RAW4(1), .filter = {1 << 8}}, REPLY4, true},
		{"raw ICMPv6", {RAW6(58)}, REPLY6, true},
		{"raw ICMPv6 that filters replies", {RAW6(58), .filter = {[4] = 1 << 1}}, REPLY6, false},
		{"raw IPv6 bound elsewhere, multicast", {RAW6(58), .local = {0xfd, [15] = 9}},
		 {.family = 6, .proto = 58, .has_icmp = true, .icmp_type = 200, .daddr = {0xff, 2, [15] = 1}},
		 true},
		/* clang-format on */
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct portless_query q;

		portless_make_query(&rows[i].p, 3, &q);
		expect(portless_gets(&rows[i].s, &q) == rows[i].gets, "%s", rows[i].name);
	}
}

static void the_kernels_own_is_not_asked_for(void)
{
	static const struct {
		uint8_t family, proto, type;
		bool process;
	} rows[] = {
		{4, 1, 0, true},     {4, 1, 3, false},	 {4, 1, 8, false},    {4, 1, 11, false},
		{4, 1, 14, true},    {4, 1, 43, true},	 {4, 2, 0, false},    {6, 2, 0, true},
		{4, 6, 0, true},     {4, 253, 0, true},	 {4, 58, 135, true},  {6, 58, 1, false},
		{6, 58, 128, false}, {6, 58, 129, true}, {6, 58, 135, false}, {6, 58, 143, false},
		{6, 58, 161, true},  {6, 58, 200, true},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct packet p = {.family = rows[i].family,
				   .proto = rows[i].proto,
				   .has_proto = true,
				   .has_icmp = true,
				   .icmp_type = rows[i].type};

		expect(portless_may_get(&p) == rows[i].process, "IPv%u protocol %u type %u",
		       rows[i].family, rows[i].proto, rows[i].type);
	}
}

static void unseen_sockets_are_no_answer(void)
{
	struct portless_query q = {0};

	CU_ASSERT(portless_each(NULL, &q, NULL, NULL) < 0);
	portless_close(NULL);
}

static const struct unit_test tests[] = {
	{"each socket gets what the kernel would hand it", each_gets_its_own},
	{"what the kernel acts on is not a listener's", the_kernels_own_is_not_asked_for},
	{"sockets that cannot be seen are an error, not none", unseen_sockets_are_no_answer},
};

UNIT_SUITE("fw/portless", tests)
