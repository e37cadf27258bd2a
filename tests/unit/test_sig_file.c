/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/sig_file.h"
#include "unit.h"

#define A "alert tcp any any -> any any (content:\"a\"; sid:1;)\n"
#define B "alert tcp any any -> any any (content:\"b\"; sid:2;)\n"
#define C "alert tcp any any -> any any (content:\"c\"; flowbits:noalert; sid:3;)\n"

static void takes(void)
{
	static const char text[] = "# one\r\n\n" A "var HOME [192.0.2.0/24,!192.0.2.9]\n"
				   "portvar WEB [80,81]\nvar BOTH [$HOME,198.51.100.1]\n"
				   "  # $NO variable here \\\n"
				   "drop tcp any any -> $BOTH $WEB \\\n"
				   "  (msg:\"costs $5\"; content:\"b\"; \\\n  sid:2;)\n"
				   "depth 4096";
	struct sig_file f;
	char err[SIG_FILE_ERROR];
	char *saved;

	if (!expect_int(text, sig_file_parse("x", text, NULL, false, &f, err), 0))
		return;
	expect_int("rules", (long long)f.n, 2);
	expect_int("line of the second", (long long)f.lines[1], 8);
	CU_ASSERT(f.has_depth && f.depth == 4096);
	expect_text("msg", f.rules[1]->msg, "costs $5");
	expect_int("addresses", (long long)f.rules[1]->header.to.addresses.n, 3);
	saved = sig_file_format(f.rules, f.n, f.depth);
	sig_file_clear(&f);
	if (!expect_int("what is saved", sig_file_parse("y", saved, NULL, false, &f, err), 0))
		return;
	expect_int("rules", (long long)f.n, 2);
	expect_int("addresses", (long long)f.rules[1]->header.to.addresses.n, 3);
	CU_ASSERT(f.depth == 4096);
	free(saved);
	sig_file_clear(&f);
}

static void refuses(void)
{
	static const struct {
		const char *text;
		int error;
		const char *want;
	} rows[] = {
		{A C, -ENOTSUP, "r.rules, line 2: flowbits: this keyword is not supported"},
		{A "\n" A, -EEXIST, "r.rules, line 3: sid 1: is that of line 1 too"},
		{"alert tcp $HOME any -> any any (content:\"a\"; sid:1;)", -EINVAL,
		 "r.rules, line 1: $HOME"},
		{"var A\n", -EINVAL, "r.rules, line 1: var: "},
		{"var A 1.1.1.1\nvar A 1.1.1.1\n", -EINVAL, "r.rules, line 2: var: "},
		{"var A $B\n", -EINVAL, "r.rules, line 1: $B"},
		{"depth x\n", -EINVAL, "r.rules, line 1: depth: "},
		{"# \\\nalert\n", -EINVAL, "r.rules, line 2: header"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sig_file f = {.n = 99};
		char err[SIG_FILE_ERROR];

		expect_int(rows[i].text,
			   sig_file_parse("r.rules", rows[i].text, NULL, false, &f, err),
			   rows[i].error);
		expect(strncmp(err, rows[i].want, strlen(rows[i].want)) == 0,
		       "%s: got '%s', want '%s'", rows[i].text, err, rows[i].want);
		expect_int("untouched", (long long)f.n, 99);
	}
}

static void skips(void)
{
	struct sig_file f;
	char err[SIG_FILE_ERROR];

	if (!expect_int("skip", sig_file_parse("x", A C B, NULL, true, &f, err), 0))
		return;
	expect_int("rules", (long long)f.n, 2);
	expect_int("skipped", (long long)f.skipped, 1);
	expect_text("why", f.first_skipped, "line 2: flowbits: this keyword is not supported");
	sig_file_clear(&f);
	expect_int("an error is no such rule",
		   sig_file_parse("x", A "alert tcp any any -> any any (content:\"b\"; sid:x;)",
				  NULL, true, &f, err),
		   -EINVAL);
}

static void limits(void)
{
	struct sig_file f;
	char err[SIG_FILE_ERROR];

	if (!expect_int("limit", sig_file_parse("x", A B, "app_set:!backup;", false, &f, err), 0))
		return;
	CU_ASSERT(f.rules[0]->n_apps == 1 && f.rules[1]->n_apps == 1);
	CU_ASSERT(f.rules[1]->apps[0].negated && f.rules[1]->apps[0].is_set);
	expect_text("set", f.rules[1]->apps[0].set, "backup");
	CU_ASSERT(strstr(f.rules[1]->text, "app_set:!backup;") != NULL);
	sig_file_clear(&f);
}

static const struct unit_test tests[] = {
	{"rules, variables, continued lines", takes},
	{"file, line and word", refuses},
	{"what is not supported is counted, if asked for", skips},
	{"a limit for all rules becomes a part of each", limits},
};
UNIT_SUITE("fw/sig_file", tests)
