/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect.h"
#include "fw/sharers.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
#define GROUP4 {.family = 4, .proto = 17, .local = {224, 0, 0, 251}, .remote = {10, 0, 0, 2}, \
		.local_port = 5353, .remote_port = 9, .ifindex = 3}
#define GROUP6 {.family = 6, .proto = 17, .local = {0xff, 2, [15] = 0xfb}, .remote = {0xfd, [15] = 2}, \
		.local_port = 5353, .remote_port = 9, .ifindex = 3}
#define MAPPED(...) {[10] = 0xff, 0xff, __VA_ARGS__}
#define AT .local_port = 5353
/* clang-format on */

static void each_gets_what_the_kernel_gives_it(void)
{
	static const struct {
		const char *name;
		uint8_t family;
		bool v6_only;
		struct sockdiag_query ends, q;
		bool gets, may_have_sent;
	} rows[] = {
		/* clang-format off */
		{"any address", 4, false, {AT}, GROUP4, true, true},
		{"another port", 4, false, {.local_port = 5354}, GROUP4, false, false},
		{"the group", 4, false, {AT, .local = {224, 0, 0, 251}}, GROUP4, true, true},
		{"an address of ours", 4, false, {AT, .local = {10, 0, 0, 1}}, GROUP4, false, true},
		{"connected to the sender", 4, false, {AT, .remote = {10, 0, 0, 2}, .remote_port = 9}, GROUP4, true, true},
		{"connected to another", 4, false, {AT, .remote = {10, 0, 0, 3}, .remote_port = 9}, GROUP4, false, true},
		{"connected to another port", 4, false, {AT, .remote = {10, 0, 0, 2}, .remote_port = 8}, GROUP4, false, true},
		{"the device", 4, false, {AT, .ifindex = 3}, GROUP4, true, true},
		{"another device", 4, false, {AT, .ifindex = 4}, GROUP4, false, true},
		{"both families", 6, false, {AT}, GROUP4, true, true},
		{"IPv6 alone", 6, true, {AT}, GROUP4, false, false},
		{"the group, mapped", 6, false, {AT, .local = MAPPED(224, 0, 0, 251)}, GROUP4, true, true},
		{"an address of ours, mapped", 6, false, {AT, .local = MAPPED(10, 0, 0, 1)}, GROUP4, false, true},
		{"connected by IPv6", 6, false, {AT, .remote = {0xfd, [15] = 2}, .remote_port = 9}, GROUP4, false, true},
		{"connected to the sender, mapped", 6, false,
		 {AT, .remote = MAPPED(10, 0, 0, 2), .remote_port = 9}, GROUP4, true, true},
		{"IPv4 gets no IPv6", 4, false, {AT}, GROUP6, false, false},
		{"IPv6, any address", 6, false, {AT}, GROUP6, true, true},
		{"IPv6 alone, any address", 6, true, {AT}, GROUP6, true, true},
		{"IPv6, the group", 6, true, {AT, .local = {0xff, 2, [15] = 0xfb}}, GROUP6, true, true},
		{"IPv6, another group", 6, true, {AT, .local = {0xff, 2, [15] = 0xfc}}, GROUP6, false, true},
		/* clang-format on */
	};

	for (size_t i = 0; i < N(rows); i++) {
		expect(sharers_fit(rows[i].family, &rows[i].ends, rows[i].v6_only, &rows[i].q,
				   true) == rows[i].gets,
		       "%s: gets it", rows[i].name);
		expect(sharers_fit(rows[i].family, &rows[i].ends, rows[i].v6_only, &rows[i].q,
				   false) == rows[i].may_have_sent,
		       "%s: may have sent it", rows[i].name);
	}
}

static void groups_are_told_by_their_addresses(void)
{
	static const struct {
		uint8_t family, to[16];
		bool all;
	} rows[] = {
		{4, {223, 255, 255, 255}, false}, {4, {224}, true},
		{4, {239, 255, 255, 255}, true},  {4, {240}, false},
		{4, {255, 255, 255, 255}, true},  {4, {255, 255, 255, 254}, false},
		{4, {10, 0, 0, 255}, false},	  {6, {0xff, 2}, true},
		{6, {0xfe, 0x80}, false},
	};

	for (size_t i = 0; i < N(rows); i++)
		expect(sharers_get_all(rows[i].family, rows[i].to) == rows[i].all, "row %zu", i);
}

static const struct unit_test tests[] = {
	{"each gets what the kernel gives it", each_gets_what_the_kernel_gives_it},
	{"groups are told by their addresses", groups_are_told_by_their_addresses},
};

UNIT_SUITE("fw/sharers", tests)
