/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/hook_words.c"

#include "expect.h"
#include "unit.h"

static const char *join_words(const struct hook_words *w)
{
	static char text[2048];

	text[0] = 0;
	for (size_t i = 0; i < w->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "|" : "",
			 w->word[i]);
	CU_ASSERT_PTR_NULL(w->word[w->n]);
	return text;
}

static void only_is_cut_into_words(void)
{
	static const struct {
		const char *text, *words; /* NULL: refused */
	} rows[] = {
		{NULL, ""},
		{"-p tcp", "-p|tcp"},
		{"  -p   tcp  --dport 80:90 ", "-p|tcp|--dport|80:90"},
		{"! -o lo", "!|-o|lo"},
		{"-m string --string \"two words\" --algo bm",
		 "-m|string|--string|two words|--algo|bm"},
		{"$(id) ; x", "$(id)|;|x"}, /* no shell reads them */
		{"", NULL},
		{"   ", NULL},
		{"-p \"tcp", NULL},
		{"-p tcp -j ACCEPT", NULL},
		{"--jump DROP", NULL},
		{"-t raw", NULL},
		{"-A INPUT", NULL},
		{"-m comment --comment x", NULL},
		{"-p tcp\n-j", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char err[HOOK_ERROR_LEN] = "";
		struct hook_words words = {.n = 0};
		struct hook_only only;
		int r = hook_only_parse(rows[i].text, &only, err);

		expect((r == 0) == (rows[i].words != NULL), "%s: %s", rows[i].text, err);
		expect(r == 0 || strstr(err, "expected"), "%s: it does not say what was expected",
		       rows[i].text);
		if (r || !rows[i].words)
			continue;
		add_all(&words, only.n, only.word);
		expect_text(rows[i].text ? rows[i].text : "none", words.n ? join_words(&words) : "",
			    rows[i].words);
	}
}

static void many_words_are_refused(void)
{
	char text[2 * HOOK_ONLY_MAX + 3], err[HOOK_ERROR_LEN], tall[HOOK_TEXT_MAX + 1];
	struct hook_only only;

	for (size_t i = 0; i < HOOK_ONLY_MAX + 1; i++)
		memcpy(text + 2 * i, "x ", 3);
	CU_ASSERT_EQUAL(hook_only_parse(text, &only, err), -EINVAL);
	text[2 * HOOK_ONLY_MAX] = 0;
	CU_ASSERT_EQUAL(hook_only_parse(text, &only, err), 0);
	memset(tall, 'x', HOOK_TEXT_MAX);
	tall[HOOK_TEXT_MAX] = 0;
	CU_ASSERT_EQUAL(hook_only_parse(tall, &only, err), -EINVAL);
}

static void rules_are_words_of_iptables(void)
{
	struct hook_only none, only;
	char err[HOOK_ERROR_LEN];
	struct hook_place p = {"iptables", "OUTPUT", &none, 0};
	struct hook_words w;

	hook_only_parse(NULL, &none, err);
	hook_only_parse("-p tcp", &only, err);
	hook_words_queue(&p, 3, 3, true, &w);
	expect_text("queue", join_words(&w),
		    "iptables|-w|5|-I|OUTPUT|-m|comment|--comment|app-fw-hook|-j|NFQUEUE|"
		    "--queue-num|3|--queue-bypass");
	p.only = &only;
	hook_words_queue(&p, 3, 6, false, &w);
	expect_text("queues", join_words(&w),
		    "iptables|-w|5|-I|OUTPUT|-p|tcp|-m|comment|--comment|app-fw-hook|-j|NFQUEUE|"
		    "--queue-balance|3:6");
	p.program = "ip6tables";
	hook_words_match(&p, HOOK_RULE_ACCEPT, "/x", &w);
	expect_text("accept", join_words(&w),
		    "ip6tables|-w|5|-I|OUTPUT|-p|tcp|-m|bpf|--object-pinned|/x|-j|ACCEPT");
	hook_words_match(&p, HOOK_RULE_DROP, "/y", &w);
	expect_text("drop", join_words(&w),
		    "ip6tables|-w|5|-I|OUTPUT|-p|tcp|-m|bpf|--object-pinned|/y|-j|DROP");
	p.at = 4;
	hook_words_queue(&p, 3, 3, false, &w);
	expect_text("in a place", join_words(&w),
		    "ip6tables|-w|5|-I|OUTPUT|4|-p|tcp|-m|comment|--comment|app-fw-hook|-j|NFQUEUE|"
		    "--queue-num|3");
	hook_words_delete(&p, 12, &w);
	expect_text("delete", join_words(&w), "ip6tables|-w|5|-D|OUTPUT|12");
	hook_words_list(&p, &w);
	expect_text("list", join_words(&w), "ip6tables|-w|5|-S|OUTPUT");
}

static void ours_are_found_in_a_list(void)
{
	static const char list[] =
		"-P OUTPUT ACCEPT\n"
		"-A OUTPUT -o lo -j ACCEPT\n"
		"-A OUTPUT -m comment --comment app-fw-hook -j NFQUEUE --queue-num 0\n"
		"-A OUTPUTS -m comment --comment app-fw-hook -j ACCEPT\n"
		"-A OUTPUT -m comment --comment app-fw-hooks -j ACCEPT\n"
		"-A OUTPUT -m comment --comment \"my app-fw-hook\" -j ACCEPT\n"
		"-A OUTPUT -m comment --comment \"app-fw-hook\" -j ACCEPT\n"
		"-A OUTPUT -m bpf --object-pinned /sys/fs/bpf/app-fw/7/accept_out -j ACCEPT\n"
		"-A OUTPUT -m bpf --object-pinned /sys/fs/bpf/app-fw-not/accept_out -j ACCEPT\n"
		"-A OUTPUT -m bpf --object-pinned /sys/fs/bpf/mine -j ACCEPT\n"
		"-A OUTPUT -j DROP";

	expect_int("first", hook_list_first(list, "OUTPUT"), 2);
	expect_int("last", hook_list_last(list, "OUTPUT"), 6);
	expect_int("count", hook_list_count(list, "OUTPUT"), 3);
	expect_int("of another chain", hook_list_count(list, "INPUT"), 0);
	expect_int("of none", hook_list_last("", "OUTPUT"), 0);
	expect_int("of none", hook_list_first("", "OUTPUT"), 0);
}

static void what_was_told_is_read_back(void)
{
#define TAG "-m comment --comment app-fw-hook"
	static const struct {
		const char *list, *only; /* NULL: `status` */
		bool open;
		int status;
	} rows[] = {
		{"", NULL, false, -ENOENT},
		{"-A OUTPUT -j NFQUEUE --queue-num 0\n", NULL, false, -ENOENT},
		{"-A OUTPUT " TAG " -m bpf --object-pinned /x -j ACCEPT\n", NULL, false, -ENOENT},
		{"-A INPUT " TAG " -j NFQUEUE --queue-num 0\n", NULL, false, -ENOENT},
		{"-A OUTPUT " TAG " -j NFQUEUE --queue-num 0\n", "", false, 0},
		{"-A OUTPUT " TAG " -j NFQUEUE --queue-balance 0:3 --queue-bypass\n", "", true, 0},
		{"-A OUTPUT -m comment --comment \"app-fw-hook\" -j NFQUEUE --queue-num 0", "",
		 false, 0},
		{"-P OUTPUT ACCEPT\n-A OUTPUT ! -o lo -p tcp -m string --string \"two words\" "
		 "--algo "
		 "bm --to 65535 " TAG " -j NFQUEUE --queue-num 0\n-A OUTPUT -j DROP\n",
		 "! -o lo -p tcp -m string --string \"two words\" --algo bm --to 65535", false, 0},
		{"-A OUTPUT -m string --string \"a\\\"b\" " TAG " -j NFQUEUE --queue-num 0\n", NULL,
		 false, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hook_told told;

		expect_int(rows[i].list, hook_list_told(rows[i].list, "OUTPUT", &told),
			   rows[i].status);
		if (!rows[i].only)
			continue;
		expect_text(rows[i].list, told.only, rows[i].only);
		expect(told.open == rows[i].open, "%s", rows[i].list);
	}
}

static void fail_mode_is_what_the_rules_say(void)
{
	static const struct {
		const char *list;
		enum hook_fail want;
	} rows[] = {
		{"", HOOK_FAIL_NONE},
		{"-A OUTPUT -j NFQUEUE --queue-num 7\n", HOOK_FAIL_CLOSED},
		{"-A OUTPUT -j NFQUEUE --queue-num 7 --queue-bypass\n", HOOK_FAIL_OPEN},
		{"-A OUTPUT -j NFQUEUE --queue-num 70\n", HOOK_FAIL_NONE},
		{"-A OUTPUT -j NFQUEUE --queue-balance 5:7\n", HOOK_FAIL_CLOSED},
		{"-A OUTPUT -j NFQUEUE --queue-balance 8:9 --queue-bypass\n", HOOK_FAIL_NONE},
		{"-A OUTPUT -p tcp -j NFQUEUE --queue-num 7 --queue-bypass\n"
		 "-A OUTPUT -j NFQUEUE --queue-num 7\n",
		 HOOK_FAIL_MIXED},
		{"-A OUTPUT -j NFQUEUE --queue-num 8\n"
		 "-A OUTPUT -j NFQUEUE --queue-num 7 --queue-bypass\n",
		 HOOK_FAIL_OPEN},
		{"-A OUTPUT -m comment --comment \"--queue-num 7\" -j ACCEPT\n", HOOK_FAIL_NONE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_text(rows[i].list, hook_fail_name(hook_list_fail(rows[i].list, 7)),
			    hook_fail_name(rows[i].want));
}

static const struct unit_test tests[] = {
	{"--only is cut into words", only_is_cut_into_words},
	{"too many words are refused", many_words_are_refused},
	{"rules are words of iptables", rules_are_words_of_iptables},
	{"our rules are found in a list", ours_are_found_in_a_list},
	{"what hook install was told is read back", what_was_told_is_read_back},
	{"the fail mode is what the rules say", fail_mode_is_what_the_rules_say},
};

UNIT_SUITE("ctl/hook_words", tests)
