/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "expect.h"
#include "fw/clock.h"
#include "stored.h"
#include "unit.h"

static void saved_rules_come_back_in_order(void)
{
	struct ruleset *rs = rules_sample();
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL(state_save(&p, rs), 0);
	expect_file(p.file, rules_sample_text);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 3);
	CU_ASSERT_STRING_EQUAL(got.text, "-c INPUT -v DROP\n"
					 "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
					 "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n");
	ruleset_unref(rs);
	state_dir_remove(&p);
}

/* A policy that came from the command line is not saved. */
static void policies_that_were_set_come_back(void)
{
	struct ruleset *rs = rules_sample(), *next;
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(
		ruleset_set_policy(rs, CHAIN_FORWARD, VERDICT_DROP, VERDICT_DROP, &next), 0);
	ruleset_unref(rs);
	rs = rules_with(next, "-c FORWARD -v MARK=0x1/0xf0");
	CU_ASSERT_EQUAL(state_save(&p, rs), 0);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 4);
	CU_ASSERT_STRING_EQUAL(got.text, "policy FORWARD DROP\n"
					 "-c INPUT -v DROP\n"
					 "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
					 "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n"
					 "-c FORWARD -v MARK=0x1/0xf0\n");
	ruleset_unref(rs);
	state_dir_remove(&p);
}

static void saved_sets_come_back(void)
{
	const uint64_t left = 500 * SECOND, past = 1;
	const struct set_item items[] = {
		{"", "", "/a b", {{1}}, 0},
		{"curl", "", "/b", {{2}}, 0},
		{"curl:amd64", "/root dir", "/root dir/c", {{3}}, 0},
		{"", "", "/old", {{4}}, past},
		{"", "", "/older", {{5}}, clock_monotonic_ns() + left},
	};
	struct ruleset *rs = rules_with_set(rules_none(), items, 5);
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	rs = rules_with(rs, "-c OUTPUT -v ACCEPT -! --set web");
	state_dir_make(&p);
	CU_ASSERT_EQUAL(state_save(&p, rs), 0);
	expect(state_load(&p, &got, err) == 0, "%s", err);
	CU_ASSERT_STRING_EQUAL(got.text, "web:   /a b 1\n"
					 "web: curl  /b 2\n"
					 "web: curl:amd64 /root dir /root dir/c 3\n"
					 "web:   /older 5 for a time\n"
					 "-c OUTPUT -v ACCEPT -! --set web\n");
	CU_ASSERT(got.until_ns <= clock_monotonic_ns() + left + SECOND);
	CU_ASSERT(got.until_ns > clock_monotonic_ns() + left - 60 * SECOND);
	ruleset_unref(rs);
	state_dir_remove(&p);
}

/* A clock that was set back makes no old digest stay for ever. */
static void no_old_digest_stays_too_long(void)
{
	static const char text[] = "app-fw rules 1\n"
				   "set\tweb\t-\t-\t-\t" HEX "\t/a\n"
				   "set\tweb\t-\t-\t99999999999\t02" HEX_REST "\t/a\n"
				   "end 2\n";
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	write_file(p.file, text, strlen(text));
	expect(state_load(&p, &got, err) == 0, "%s", err);
	CU_ASSERT(got.until_ns > clock_monotonic_ns());
	CU_ASSERT(got.until_ns <= clock_monotonic_ns() + SET_GRACE_MAX_S * SECOND);
	state_dir_remove(&p);
}

/* What the options of the daemon say is not made to outlive them. */
static void only_a_stated_policy_is_saved(void)
{
	struct ruleset *rs = rules_none(), *next = NULL;
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL(state_save(&p, rs), 0);
	expect_file(p.file, "app-fw rules 2\nend 0\n");
	CU_ASSERT_EQUAL_FATAL(
		ruleset_set_policy(rs, CHAIN_INPUT, VERDICT_DROP, VERDICT_DROP, &next), 0);
	next = rules_with(next, "-c INPUT -v ACCEPT");
	CU_ASSERT_EQUAL(state_save(&p, next), 0);
	expect_file(p.file, "app-fw rules 2\npolicy INPUT DROP\n-c INPUT -v ACCEPT\nend 2\n");
	ruleset_unref(next);
	ruleset_unref(rs);
	state_dir_remove(&p);
}

static void only_the_owner_can_read_them(void)
{
	struct ruleset *rs = rules_sample();
	struct stat st;
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL(state_save(&p, rs), 0);
	CU_ASSERT_EQUAL_FATAL(stat(p.dir, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0700);
	CU_ASSERT_EQUAL_FATAL(stat(p.file, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0600);
	ruleset_unref(rs);
	state_dir_remove(&p);
}

static void nothing_saved_is_no_error(void)
{
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 0);
	state_dir_remove(&p);
}

static void a_file_cut_anywhere_is_refused(void)
{
	size_t whole = strlen(rules_sample_text);
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (size_t len = 0; len < whole; len++) {
		struct taken got = {.n = 0};

		write_file(p.file, rules_sample_text, len);
		CU_ASSERT_EQUAL(state_load(&p, &got, err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:"));
	}
	state_dir_remove(&p);
}

static const struct {
	const char *text, *fault;
} damaged[] = {
	{"app-fw rules 4\nend 0\n", "/rules:1: \"app-fw rules 4\": expected \"app-fw rules 2\""},
	{"# text\n\n \t\nend 0\n", "/rules:4: \"end 0\": expected \"app-fw rules 2\""},
	{"app-fw rules 2\npolicy\nend\n", "/rules:2: policy \"\": expected INPUT"},
	{"app-fw rules 2\npolicy output DROP\nend\n",
	 "/rules:2: policy \"output\": expected INPUT"},
	{"app-fw rules 2\npolicy OUTPUT\nend\n", "/rules:2: policy OUTPUT \"\": expected ACCEPT"},
	{"app-fw rules 2\n\npolicy INPUT drop\nend\n", "/rules:3: policy INPUT \"drop\": expected"},
	{"app-fw rules 2\npolicy INPUT DROP x\nend\n", "/rules:2: \"x\": expected nothing"},
	{"app-fw rules 2\npolicy INPUT DROP\npolicy INPUT DROP\nend\n",
	 "/rules:3: policy INPUT: given twice"},
	{"app-fw rules 2\npolicyINPUT DROP\nend\n", "/rules:2: policyINPUT: expected an option"},
	{"app-fw rules 2\nend of it\n", "/rules:2: \"end of it\": expected \"end 0\""},
	{"app-fw rules 2\nend\n\n", "/rules:3: \"\": expected nothing after the end"},
	{"app-fw rules 2\nset\tweb\t-\t-\t9\t" HEX "\t/a\n\n# text\n-c INPUT -v DROP\nend\n",
	 "/rules:2: cannot take set web: "},
	{"app-fw rules 1\n-c OUTPUT -v DROP --dport 65536\nend 1\n", "/rules:2: --dport 65536: "},
	{"app-fw rules 1\n\nend 1\n", "/rules:3: \"end 1\": expected \"end 0\""},
	{"app-fw rules 1\n-c OUTPUT -v DROP\nend 2\n",
	 "/rules:3: \"end 2\": expected \"end 1\" after 1 lines"},
	{"app-fw rules 1\nend -0\n", "/rules:2: \"end -0\": expected \"end 0\""},
	{"app-fw rules 1\nend 0\nend 0\n", "/rules:3: \"end 0\": expected nothing after the end"},
	{"app-fw rules 1\nset\tweb\t-\t-\t-\t" HEX "\nend 1\n",
	 "/rules:2: expected 6 words after \"set\""},
	{"app-fw rules 1\nset\tweb\t-\t-\t-\t" HEX "\t/a\t/b\nend 1\n", "/rules:2: \"/b\": "},
	{"app-fw rules 1\nset\t.web\t-\t-\t-\t" HEX "\t/a\nend 1\n", "/rules:2: \".web\": "},
	{"app-fw rules 1\nset\tweb\tCurl\t-\t-\t" HEX "\t/a\nend 1\n", "/rules:2: \"Curl\": "},
	{"app-fw rules 1\nset\tweb\t-\tr\t-\t" HEX "\t/a\nend 1\n", "/rules:2: \"r\": "},
	{"app-fw rules 1\nset\tweb\t-\t-\t1x\t" HEX "\t/a\nend 1\n", "/rules:2: \"1x\": "},
	{"app-fw rules 1\nset\tweb\t-\t-\t-\tabc\t/a\nend 1\n", "/rules:2: \"abc\": "},
	{"app-fw rules 1\nset\tweb\t-\t-\t-\t" HEX "\ta\nend 1\n", "/rules:2: \"a\": "},
	{"app-fw rules 1\nset\tweb\t-\t-\t9\t" HEX "\t/a\nend 1\n",
	 "/rules:2: cannot take set web: all its digests are old ones"},
	{"app-fw rules 1\nset\tweb\t-\t-\t-\t" HEX "\t/a\nend 0\n",
	 "/rules:3: \"end 0\": expected \"end 1\""},
	{"app-fw rules 1\npolicy OUT DROP\nend 1\n", "/rules:2: policy \"OUT\": expected INPUT"},
	{"app-fw rules 1\npolicy OUTPUT MARK\nend 1\n",
	 "/rules:2: policy OUTPUT \"MARK\": expected ACCEPT"},
	{"app-fw rules 1\npolicy OUTPUT\nend 1\n",
	 "/rules:2: policy OUTPUT \"\": expected ACCEPT or DROP"},
	{"app-fw rules 3\npatch 100000001 --port 1 --note a\nend\n",
	 "/rules:2: \"100000001\": expected the id"},
	{"app-fw rules 3\npatch 0 --port 1 --note a\nend\n", "/rules:2: \"0\": expected the id"},
	{"app-fw rules 3\npatch --port 1 --note a\nend\n", "/rules:2: \"--port\": expected the id"},
	{"app-fw rules 3\npatch 1 --port x --note a\nend\n", "/rules:2: --port x: expected"},
	{"app-fw rules 3\npatch 1 --port 1\nend\n", "/rules:2: missing --note"},
	{"app-fw rules 3\nnext-patch 0\nend\n", "/rules:2: \"0\": expected the id"},
	{"app-fw rules 3\nnext-patch 1 2\nend\n", "/rules:2: \"2\": expected nothing"},
	{"app-fw rules 1\n\x1b[2J\nend 1\n", "/rules:2: "},
};

static void a_fault_names_file_line_and_word(void)
{
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		write_file(p.file, damaged[i].text, strlen(damaged[i].text));
		CU_ASSERT_EQUAL(state_load(&p, &got, err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, damaged[i].fault));
		CU_ASSERT_EQUAL(strncmp(err, p.file, strlen(p.file)), 0);
		CU_ASSERT_PTR_NULL(strchr(err, '\x1b'));
	}
	state_dir_remove(&p);
}

static void garbage_is_refused(void)
{
	static char endless[1 << 16];
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	write_file(p.file, "app-fw rules 1\nend\0 0\n", 22);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:2: NUL byte"));
	memset(endless, 'x', sizeof(endless));
	write_file(p.file, endless, sizeof(endless));
	CU_ASSERT_EQUAL(state_load(&p, &got, err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:1: line longer than"));
	unlink(p.file);
	CU_ASSERT_EQUAL_FATAL(mkfifo(p.file, 0600), 0);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), -EINVAL);
	state_dir_remove(&p);
}

static void a_rule_that_is_not_taken_ends_the_load(void)
{
	struct taken got = {.most = 1};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	write_file(p.file, rules_sample_text, strlen(rules_sample_text));
	CU_ASSERT_EQUAL(state_load(&p, &got, err), -E2BIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:3: "));
	state_dir_remove(&p);
}

/* A save that fails half way: the file may not grow past 64 bytes. */
static int save_without_space(const struct state_dir *p, const struct ruleset *rs)
{
	struct rlimit was, small;
	int r;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){.rlim_cur = 64, .rlim_max = was.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = state_save(p, rs);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	return r;
}

static void a_save_that_fails_leaves_the_old_file(void)
{
	struct ruleset *rs = rules_sample();
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL(state_save(&p, rs), 0);
	rs = rules_with(rs, "-c FORWARD -v DROP");
	CU_ASSERT_EQUAL(save_without_space(&p, rs), -EFBIG);
	expect_file(p.file, rules_sample_text);
	CU_ASSERT_EQUAL(access(p.temporary, F_OK), -1);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.temporary, 0700), 0);
	CU_ASSERT_EQUAL(state_save(&p, rs), -EISDIR);
	expect_file(p.file, rules_sample_text);
	ruleset_unref(rs);
	state_dir_remove(&p);
}

/* What a crash before the rename left behind. */
static void an_old_temporary_file_is_overwritten(void)
{
	struct ruleset *rs = rules_sample();
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (int i = 0; i < 2; i++) {
		write_file(p.temporary, rules_sample_text, 20);
		CU_ASSERT_EQUAL(state_save(&p, rs), 0);
		expect_file(p.file, rules_sample_text);
		CU_ASSERT_EQUAL(access(p.temporary, F_OK), -1);
	}
	ruleset_unref(rs);
	state_dir_remove(&p);
}

static void the_mode_has_a_file_of_its_own(void)
{
	static const char *const bad[] = {"",
					  "mode",
					  "mode monitor",
					  "mode monitor\n\n",
					  "mode Monitor\n",
					  "monitor\n",
					  "mode monitor\nmode enforce\n"};
	enum mode got = MODE_COUNT;
	char file[96], err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	snprintf(file, sizeof(file), "%s/mode", p.dir);
	CU_ASSERT_EQUAL(store_load_mode(p.dir, &got, err), 0);
	CU_ASSERT_EQUAL(got, MODE_COUNT);
	for (int m = 0; m < MODE_COUNT; m++) {
		CU_ASSERT_EQUAL(store_save_mode(p.dir, m), 0);
		CU_ASSERT_EQUAL(store_load_mode(p.dir, &got, err), 0);
		CU_ASSERT_EQUAL(got, (enum mode)m);
	}
	expect_file(file, "mode monitor\n");
	got = MODE_COUNT;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file(file, bad[i], strlen(bad[i]));
		CU_ASSERT_EQUAL(store_load_mode(p.dir, &got, err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "/mode:1: expected \"mode enforce\""));
	}
	CU_ASSERT_EQUAL(got, MODE_COUNT);
	unlink(file);
	state_dir_remove(&p);
}

static const struct unit_test tests[] = {
	{"saved rules come back in order", saved_rules_come_back_in_order},
	{"policies that were set come back", policies_that_were_set_come_back},
	{"saved sets come back, without what is over", saved_sets_come_back},
	{"no old digest stays too long", no_old_digest_stays_too_long},
	{"only a stated policy is saved", only_a_stated_policy_is_saved},
	{"only the owner can read them", only_the_owner_can_read_them},
	{"nothing saved is no error", nothing_saved_is_no_error},
	{"a file cut anywhere is refused", a_file_cut_anywhere_is_refused},
	{"a fault names file, line and word", a_fault_names_file_line_and_word},
	{"garbage is refused", garbage_is_refused},
	{"a rule that is not taken ends the load", a_rule_that_is_not_taken_ends_the_load},
	{"a save that fails leaves the old file", a_save_that_fails_leaves_the_old_file},
	{"an old temporary file is overwritten", an_old_temporary_file_is_overwritten},
	{"the mode has a file of its own", the_mode_has_a_file_of_its_own},
};
UNIT_SUITE("fw/store", tests)
