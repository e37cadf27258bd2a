/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every registered suite; the last line is "N passed, N failed, N skipped". */
#include <CUnit/Basic.h>
#include <stdio.h>

#include "unit.h"

static struct unit_suite *suites;

void unit_register(struct unit_suite *s)
{
	s->next = suites;
	suites = s;
}

static int add_suite(const struct unit_suite *s)
{
	CU_pSuite suite = CU_add_suite(s->name, NULL, NULL);

	if (!suite)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (!CU_add_test(suite, s->tests[i].name, s->tests[i].fn))
			return -1;
	return 0;
}

int main(void)
{
	unsigned int failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (const struct unit_suite *s = suites; s; s = s->next)
		if (add_suite(s)) {
			fprintf(stderr, "unit: cannot add suite %s: %s\n", s->name,
				CU_get_error_msg());
			return 2;
		}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	printf("%u passed, %u failed, 0 skipped\n", CU_get_number_of_tests_run() - failed, failed);
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
