/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>

#include "fw/trial.h"
#include "unit.h"

static const enum verdict accept_all[CHAIN_COUNT];

static void of_the_mode(void)
{
	struct trial t = {.of = TRIAL_NONE};

	CU_ASSERT_FALSE(trial_is_over(&t, UINT64_MAX));
	CU_ASSERT_PTR_NULL(trial_name(&t));
	CU_ASSERT_EQUAL(trial_of_mode(&t, MODE_MONITOR, 100), 0);
	CU_ASSERT_STRING_EQUAL(trial_name(&t), "mode");
	CU_ASSERT_FALSE(trial_is_over(&t, 99));
	CU_ASSERT_TRUE(trial_is_over(&t, 100));
	CU_ASSERT_EQUAL(t.mode, MODE_MONITOR);

	/* Another one: it is rolled back to what was confirmed, not to what was tried. */
	CU_ASSERT_EQUAL(trial_of_mode(&t, MODE_ENFORCE, 200), 0);
	CU_ASSERT_FALSE(trial_is_over(&t, 100));
	CU_ASSERT_TRUE(trial_is_over(&t, 200));
	CU_ASSERT_EQUAL(t.mode, MODE_MONITOR);
	trial_end(&t);
	CU_ASSERT_FALSE(trial_is_over(&t, UINT64_MAX));
	CU_ASSERT_PTR_NULL(trial_name(&t));
}

static void of_the_rules(void)
{
	struct ruleset *before = ruleset_new(accept_all, accept_all, accept_all);
	struct ruleset *tried = ruleset_new(accept_all, accept_all, accept_all);
	struct trial t = {.of = TRIAL_NONE};

	CU_ASSERT_EQUAL(trial_of_rules(&t, before, 100), 0);
	CU_ASSERT_STRING_EQUAL(trial_name(&t), "rules");
	CU_ASSERT_EQUAL(before->refs, 2);
	CU_ASSERT_EQUAL(trial_of_rules(&t, tried, 300), 0);
	CU_ASSERT_PTR_EQUAL(t.rules, before);
	CU_ASSERT_EQUAL(before->refs, 2);
	CU_ASSERT_EQUAL(tried->refs, 1);
	CU_ASSERT_FALSE(trial_is_over(&t, 299));
	CU_ASSERT_TRUE(trial_is_over(&t, 300));
	trial_end(&t);
	CU_ASSERT_EQUAL(before->refs, 1);
	CU_ASSERT_PTR_NULL(t.rules);
	ruleset_unref(before);
	ruleset_unref(tried);
}

static void one_kind_at_a_time(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all);
	struct trial t = {.of = TRIAL_NONE};

	CU_ASSERT_EQUAL(trial_of_rules(&t, rs, 100), 0);
	CU_ASSERT_EQUAL(trial_of_mode(&t, MODE_MONITOR, 500), -EBUSY);
	CU_ASSERT_TRUE(trial_is_over(&t, 100));
	trial_end(&t);
	CU_ASSERT_EQUAL(trial_of_mode(&t, MODE_MONITOR, 100), 0);
	CU_ASSERT_EQUAL(trial_of_rules(&t, rs, 500), -EBUSY);
	CU_ASSERT_EQUAL(rs->refs, 1);
	CU_ASSERT_TRUE(trial_is_over(&t, 100));
	trial_end(&t);
	ruleset_unref(rs);
}

static const struct unit_test tests[] = {
	{"a mode is tried until its deadline", of_the_mode},
	{"rules are tried, and those before kept", of_the_rules},
	{"one kind at a time", one_kind_at_a_time},
};
UNIT_SUITE("fw/trial", tests)
