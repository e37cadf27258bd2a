/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "common/chain.h"
#include "expect.h"
#include "unit.h"

static void chains(void)
{
	static const char *const names[] = {"INPUT", "OUTPUT", "FORWARD"};

	CU_ASSERT_EQUAL(CHAIN_COUNT, 3);
	for (int i = 0; i < CHAIN_COUNT; i++) {
		enum chain c = CHAIN_COUNT;

		expect_text("name", chain_name((enum chain)i), names[i]);
		expect_int(names[i], chain_parse(names[i], &c), 0);
		expect_int(names[i], c, i);
	}
	CU_ASSERT_PTR_NOT_NULL(chain_name(CHAIN_COUNT));
}

static void verdicts(void)
{
	static const char *const names[] = {"ACCEPT", "DROP", "REJECT", "MARK", "KILL"};
	static const bool pass[] = {true, false, false, true, false};

	CU_ASSERT_EQUAL(VERDICT_COUNT, 5);
	for (int i = 0; i < VERDICT_COUNT; i++) {
		enum verdict v = VERDICT_COUNT;

		expect_text("name", verdict_name((enum verdict)i), names[i]);
		expect_int(names[i], verdict_parse(names[i], &v), 0);
		expect_int(names[i], v, i);
		expect_int(names[i], verdict_passes(v), pass[i]);
		v = VERDICT_COUNT;
		expect_int(names[i], policy_parse(names[i], &v), i < 2 ? 0 : -EINVAL);
		expect_int(names[i], v, i < 2 ? i : VERDICT_COUNT);
	}
	CU_ASSERT_PTR_NOT_NULL(verdict_name(VERDICT_COUNT));
}

static void others(void)
{
	static const char *const words[] = {"",	      "input",	 "Output", "INPUT ", " INPUT",
					    "INPU",   "INPUTS",	 "accept", "Drop",   "DROP ",
					    "Reject", "ACCEPTS", "MARK=",  "?"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		enum chain c = CHAIN_FORWARD;
		enum verdict v = VERDICT_DROP;

		expect_int(words[i], chain_parse(words[i], &c), -EINVAL);
		expect_int(words[i], verdict_parse(words[i], &v), -EINVAL);
		expect_int("chain untouched", c, CHAIN_FORWARD);
		expect_int("verdict untouched", v, VERDICT_DROP);
	}
}

static const struct unit_test tests[] = {
	{"chains have the names of iptables", chains},
	{"verdicts have the names of iptables", verdicts},
	{"other words are refused, the output untouched", others},
};
UNIT_SUITE("common/chain", tests)
