/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "expect.h"
#include "stored.h"
#include "unit.h"

static struct store_change insertion(size_t index, const char *text)
{
	struct store_change c = {.kind = STORE_INSERT, .index = index};
	struct rule_error why;

	CU_ASSERT_EQUAL_FATAL(rule_parse_text(text, &c.rule, &why), 0);
	return c;
}

static const struct store_change deletion = {.kind = STORE_DELETE, .rule.chain = CHAIN_OUTPUT};

static void append(const struct state_dir *p, const struct store_change *c)
{
	CU_ASSERT_EQUAL(store_append(p->dir, c, &state_tail), 0);
}

static const char changed_text[] = "-c INPUT -v DROP\n"
				   "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
				   "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n"
				   "-I 1 -c FORWARD -v DROP --note \"a b\"\n"
				   "-D 0 -c OUTPUT\n";

/* The sample with two changes after it. */
static void save_changed(const struct state_dir *p)
{
	const struct store_change first = insertion(1, "-c FORWARD -v DROP --note \"a b\"");
	struct ruleset *rs = rules_sample();

	CU_ASSERT_EQUAL(state_save(p, rs), 0);
	append(p, &first);
	append(p, &deletion);
	ruleset_unref(rs);
}

static void changes_come_back_after_the_rules(void)
{
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct state_dir p;

	state_dir_make(&p);
	save_changed(&p);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), 0);
	CU_ASSERT_STRING_EQUAL(got.text, changed_text);
	CU_ASSERT(state_tail.open && state_tail.changes == 2 && !state_tail.cut);
	append(&p, &deletion); /* to what was loaded */
	got = (struct taken){.n = 0};
	CU_ASSERT_EQUAL(state_load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 6);
	state_dir_remove(&p);
}

static size_t read_all(const char *path, char *out, size_t room)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return fread(out, 1, room, f);
}

/* What a crash leaves of the last change, or of its blocks: all before it is there, and no more is
 * added. */
static void what_a_crash_left_of_a_change_does_not_count(void)
{
	char text[1024], err[STORE_ERROR_LEN];
	size_t before, size;
	struct state_dir p;

	state_dir_make(&p);
	save_changed(&p);
	before = (size_t)state_tail.size;
	append(&p, &deletion);
	size = read_all(p.file, text, sizeof(text));
	CU_ASSERT_EQUAL_FATAL(size, (size_t)state_tail.size);
	for (int zeros = 0; zeros < 2; zeros++)
		for (size_t cut = before + 1; cut < size; cut++) {
			struct taken got = {.n = 0};
			char left[sizeof(text)] = "";

			memcpy(left, text, cut);
			write_file(p.file, left, zeros ? size : cut);
			expect(state_load(&p, &got, err) == 0, "cut at %zu: %s", cut, err);
			CU_ASSERT_STRING_EQUAL(got.text, changed_text);
			CU_ASSERT(state_tail.cut);
			CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &state_tail), -EAGAIN);
		}
	state_dir_remove(&p);
}

/* Any bit that is wrong before the last line is a fault; so is a line that is left out. */
static void a_damaged_change_is_refused(void)
{
	char text[1024], err[STORE_ERROR_LEN];
	size_t from, to, size;
	struct state_dir p;

	state_dir_make(&p);
	save_changed(&p);
	to = (size_t)state_tail.size;
	append(&p, &deletion);
	size = read_all(p.file, text, sizeof(text));
	from = (size_t)(strstr(text, "\nchange 1 ") + 1 - text);
	for (size_t i = from; i < to - 1; i++) {
		struct taken got = {.n = 0};

		text[i] ^= 1;
		write_file(p.file, text, size);
		expect(state_load(&p, &got, err) == -EBADMSG, "byte %zu", i);
		CU_ASSERT(!state_tail.open);
		text[i] ^= 1;
	}
	for (size_t end = from; text[end - 1] != '\n' || end == from; end++)
		if (text[end] == '\n') {
			struct taken got = {.n = 0};

			memmove(text + from, text + end + 1, size - end - 1);
			write_file(p.file, text, size - (end + 1 - from));
			CU_ASSERT_EQUAL(state_load(&p, &got, err), -EBADMSG);
			CU_ASSERT_PTR_NOT_NULL(strstr(err, "a change is missing"));
			break;
		}
	state_dir_remove(&p);
}

/* Hand-written text after the end is no change that a crash left. */
static void other_text_after_the_end_is_refused(void)
{
	static const char *const more[] = {"\n",      "end 0\n", "-c OUTPUT -v DROP\n",
					   "chang\n", "# a\n",	 "-c OUTPUT -v DR"};
	char text[128], err[STORE_ERROR_LEN];
	struct taken got = {.n = 0};
	struct state_dir p;

	state_dir_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(text, sizeof(text), "app-fw rules 2\nend 0\n%s", more[i]);
		write_file(p.file, text, strlen(text));
		expect(state_load(&p, &got, err) == -EBADMSG, "'%s'", more[i]);
	}
	state_dir_remove(&p);
}

static void a_file_takes_so_many_changes_and_nobody_elses(void)
{
	struct ruleset *rs = rules_sample();
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct rlimit was, small;
	struct state_dir p;

	state_dir_make(&p);
	state_tail = (struct store_tail){.open = false};
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &state_tail), -EAGAIN);
	CU_ASSERT_EQUAL(state_save(&p, rs), 0);
	for (int i = 0; i < STORE_CHANGES_MAX; i++)
		append(&p, &deletion);
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &state_tail), -EAGAIN);

	CU_ASSERT_EQUAL(state_save(&p, rs), 0); /* that is open again, until another writes it */
	expect_file(p.file, rules_sample_text);
	write_file(p.file, rules_sample_text, strlen(rules_sample_text) - 2);
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &state_tail), -EAGAIN);

	CU_ASSERT_EQUAL(state_save(&p, rs), 0); /* or there is no room for all of it */
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){.rlim_cur = (rlim_t)state_tail.size + 5, .rlim_max = was.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	CU_ASSERT(store_append(p.dir, &deletion, &state_tail) < 0);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	expect_file(p.file, rules_sample_text);
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &state_tail), -EAGAIN);
	CU_ASSERT_EQUAL(state_load(&p, &got, err), 0);
	ruleset_unref(rs);
	state_dir_remove(&p);
}

#define KILLS	       50
#define SAVES_PER_KILL 20

/* Saves with a rule more each time, as a change where the file takes one, and tells how many rules
 * are safe, until it is killed. */
static void save_until_killed(const struct state_dir *p, size_t safe, int tell)
{
	const struct store_change more =
		insertion(0, "-c OUTPUT -v DROP --note \"not to be lost\"");
	struct ruleset *empty = rules_none(), *rs;
	struct rule *rules = calloc(safe + 1, sizeof(*rules));

	for (size_t i = 0; i < safe; i++)
		rules[i] = (struct rule){.chain = CHAIN_OUTPUT, .note = "not to be lost"};
	if (!rules || ruleset_append(empty, rules, safe, &rs))
		_exit(1);
	for (size_t n = safe + 1;; n++) {
		rs = rules_with(rs, "-c OUTPUT -v DROP --note \"not to be lost\"");
		if ((n % 8 == 0 || store_append(p->dir, &more, &state_tail)) && state_save(p, rs))
			_exit(1);
		if (write(tell, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static int count_rule(void *cookie, const struct rule *rule)
{
	(void)rule;
	++*(size_t *)cookie;
	return 0;
}

static int count_change(void *cookie, const struct store_change *c)
{
	(void)c;
	++*(size_t *)cookie;
	return 0;
}

static size_t count_saved(const struct state_dir *p)
{
	size_t n = 0;
	const struct store_taker to = {.rule = count_rule, .change = count_change, .cookie = &n};
	char err[STORE_ERROR_LEN];

	expect(store_load(p->dir, &to, &state_tail, err) == 0, "%s", err);
	return n;
}

/* Kills it in the middle of what comes after so many acknowledged saves. Returns the last. */
static size_t kill_one(const struct state_dir *p, size_t safe, unsigned int after_us)
{
	int ends[2], status;
	size_t n = safe;
	pid_t child;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0)
		save_until_killed(p, safe, ends[1]);
	close(ends[1]);
	for (int i = 0; i < SAVES_PER_KILL; i++)
		CU_ASSERT_EQUAL_FATAL(read(ends[0], &n, sizeof(n)), sizeof(n));
	usleep(after_us);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	while (read(ends[0], &n, sizeof(n)) == sizeof(n))
		;
	close(ends[0]);
	return n;
}

/* At any moment, the file has all that was acknowledged, and at most what was being saved. */
static void killed_while_saving_nothing_is_lost(void)
{
	size_t safe = 0, got;
	struct state_dir p;

	state_dir_make(&p);
	for (unsigned int i = 0; i < KILLS; i++) {
		safe = kill_one(&p, safe, i * 37 % 2000);
		got = count_saved(&p);
		if (!expect(got == safe || got == safe + 1, "kill %u: %zu saved, %zu loaded", i,
			    safe, got))
			break;
		safe = got;
	}
	CU_ASSERT(safe >= KILLS * SAVES_PER_KILL);
	state_dir_remove(&p);
}

static const struct unit_test tests[] = {
	{"changes come back after the rules", changes_come_back_after_the_rules},
	{"what a crash left of a change does not count",
	 what_a_crash_left_of_a_change_does_not_count},
	{"a damaged change is refused", a_damaged_change_is_refused},
	{"other text after the end is refused", other_text_after_the_end_is_refused},
	{"a file takes so many changes, and nobody else's",
	 a_file_takes_so_many_changes_and_nobody_elses},
	{"killed while saving, nothing is lost", killed_while_saving_nothing_is_lost},
};
UNIT_SUITE("fw/store, changes behind the rules", tests)
