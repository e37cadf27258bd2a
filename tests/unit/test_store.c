/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
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
#include "fw/clock.h"
#include "fw/store.h"
#include "unit.h"

#define HEX_REST "01010101010101010101010101010101010101010101010101010101010101"
#define HEX	 "01" HEX_REST

static const enum verdict accept_all[CHAIN_COUNT];

/* Of the file that was saved or loaded last. */
static struct store_tail tail;

/* A folder of the test's own, with DIR in it not yet made. */
struct place {
	char top[64];
	char dir[80], file[96], temporary[96];
};

static void place_make(struct place *p)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(p->top, sizeof(p->top), "%.40s/store.XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->top));
	snprintf(p->dir, sizeof(p->dir), "%s/state", p->top);
	snprintf(p->file, sizeof(p->file), "%s/rules", p->dir);
	snprintf(p->temporary, sizeof(p->temporary), "%s/rules.new", p->dir);
}

static void place_remove(struct place *p)
{
	unlink(p->file);
	unlink(p->temporary);
	rmdir(p->temporary);
	rmdir(p->dir);
	CU_ASSERT_EQUAL(rmdir(p->top), 0);
}

static int save(const struct place *p, const struct ruleset *rs)
{
	return store_save(p->dir, rs, &tail);
}

/* Takes over rs. */
static struct ruleset *with(struct ruleset *rs, const char *text)
{
	struct ruleset *more = NULL;
	struct rule_error why;
	struct rule rule;

	CU_ASSERT_EQUAL_FATAL(rule_parse_text(text, &rule, &why), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_insert(rs, &rule, rs->chains[rule.chain].list.n, &more), 0);
	ruleset_unref(rs);
	return more;
}

static struct ruleset *sample(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rs);
	rs = with(rs, "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"");
	rs = with(rs, "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32");
	return with(rs, "-c INPUT -v DROP");
}

static const char sample_text[] = "app-fw rules 2\n"
				  "-c INPUT -v DROP\n"
				  "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
				  "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n"
				  "end 3\n";

static void write_file(const char *path, const char *text, size_t len)
{
	_cleanup_fclose_ FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, len, f), len);
}

static void expect_file(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	char got[1024] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fread(got, 1, sizeof(got) - 1, f), strlen(text));
	CU_ASSERT_STRING_EQUAL(got, text);
}

struct taken {
	char text[1024];
	size_t length;
	size_t n;
	size_t most;	   /* 0: any number */
	uint64_t until_ns; /* of the last item of the last set */
};

static int take(void *cookie, const struct rule *rule)
{
	struct taken *t = cookie;
	char text[RULE_TEXT_MAX];

	if (t->most && t->n == t->most)
		return -E2BIG;
	rule_format(rule, text);
	t->length +=
		(size_t)snprintf(t->text + t->length, sizeof(t->text) - t->length, "%s\n", text);
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	t->n++;
	return 0;
}

static int take_set(void *cookie, struct set *set)
{
	struct taken *t = cookie;

	for (size_t i = 0; i < set->n; i++)
		t->length += (size_t)snprintf(
			t->text + t->length, sizeof(t->text) - t->length, "%s: %s %s %s %u%s\n",
			set->name, set->items[i].package, set->items[i].root, set->items[i].path,
			set->items[i].digest.b[0], set->items[i].until_ns ? " for a time" : "");
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	t->until_ns = set->items[set->n - 1].until_ns;
	return 0;
}

static int take_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct taken *t = cookie;

	t->length += (size_t)snprintf(t->text + t->length, sizeof(t->text) - t->length,
				      "policy %s %s\n", chain_name(chain), verdict_name(policy));
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	return 0;
}

static int take_change(void *cookie, const struct store_change *c)
{
	struct taken *t = cookie;
	char text[STORE_CHANGE_MAX];

	store_change_format(c, 0, text);
	t->n++;
	t->length += (size_t)snprintf(t->text + t->length, sizeof(t->text) - t->length, "%s\n",
				      text + strlen("change 0 12345678 "));
	CU_ASSERT_FATAL(t->length < sizeof(t->text));
	return 0;
}

static int load(const struct place *p, struct taken *into, char err[STORE_ERROR_LEN])
{
	const struct store_taker to = {.policy = take_policy,
				       .set = take_set,
				       .rule = take,
				       .change = take_change,
				       .cookie = into};

	return store_load(p->dir, &to, &tail, err);
}

static void saved_rules_come_back_in_order(void)
{
	struct ruleset *rs = sample();
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL(save(&p, rs), 0);
	expect_file(p.file, sample_text);
	CU_ASSERT_EQUAL(load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 3);
	CU_ASSERT_STRING_EQUAL(got.text, "-c INPUT -v DROP\n"
					 "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
					 "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n");
	ruleset_unref(rs);
	place_remove(&p);
}

/* A policy that came from the command line is not saved. */
static void policies_that_were_set_come_back(void)
{
	struct ruleset *rs = sample(), *next;
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(
		ruleset_set_policy(rs, CHAIN_FORWARD, VERDICT_DROP, VERDICT_DROP, &next), 0);
	ruleset_unref(rs);
	rs = with(next, "-c FORWARD -v MARK=0x1/0xf0");
	CU_ASSERT_EQUAL(save(&p, rs), 0);
	CU_ASSERT_EQUAL(load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 4);
	CU_ASSERT_STRING_EQUAL(got.text, "policy FORWARD DROP\n"
					 "-c INPUT -v DROP\n"
					 "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
					 "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n"
					 "-c FORWARD -v MARK=0x1/0xf0\n");
	ruleset_unref(rs);
	place_remove(&p);
}

static struct ruleset *with_set(struct ruleset *rs, const struct set_item *items, size_t n)
{
	struct ruleset *more = NULL;
	struct set *set = NULL;

	CU_ASSERT_EQUAL_FATAL(set_new("web", items, n, &set), 0);
	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(rs, set, &more), 0);
	set_unref(set);
	ruleset_unref(rs);
	return more;
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
	struct ruleset *rs = with_set(ruleset_new(accept_all, accept_all, accept_all), items, 5);
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct place p;

	rs = with(rs, "-c OUTPUT -v ACCEPT -! --set web");
	place_make(&p);
	CU_ASSERT_EQUAL(save(&p, rs), 0);
	expect(load(&p, &got, err) == 0, "%s", err);
	CU_ASSERT_STRING_EQUAL(got.text, "web:   /a b 1\n"
					 "web: curl  /b 2\n"
					 "web: curl:amd64 /root dir /root dir/c 3\n"
					 "web:   /older 5 for a time\n"
					 "-c OUTPUT -v ACCEPT -! --set web\n");
	CU_ASSERT(got.until_ns <= clock_monotonic_ns() + left + SECOND);
	CU_ASSERT(got.until_ns > clock_monotonic_ns() + left - 60 * SECOND);
	ruleset_unref(rs);
	place_remove(&p);
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
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	write_file(p.file, text, strlen(text));
	expect(load(&p, &got, err) == 0, "%s", err);
	CU_ASSERT(got.until_ns > clock_monotonic_ns());
	CU_ASSERT(got.until_ns <= clock_monotonic_ns() + SET_GRACE_MAX_S * SECOND);
	place_remove(&p);
}

static void only_the_owner_can_read_them(void)
{
	struct ruleset *rs = sample();
	struct stat st;
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL(save(&p, rs), 0);
	CU_ASSERT_EQUAL_FATAL(stat(p.dir, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0700);
	CU_ASSERT_EQUAL_FATAL(stat(p.file, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0600);
	ruleset_unref(rs);
	place_remove(&p);
}

static void nothing_saved_is_no_error(void)
{
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL(load(&p, &got, err), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	CU_ASSERT_EQUAL(load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 0);
	place_remove(&p);
}

static void a_file_cut_anywhere_is_refused(void)
{
	size_t whole = strlen(sample_text);
	char err[STORE_ERROR_LEN];
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (size_t len = 0; len < whole; len++) {
		struct taken got = {.n = 0};

		write_file(p.file, sample_text, len);
		CU_ASSERT_EQUAL(load(&p, &got, err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:"));
	}
	place_remove(&p);
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
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		write_file(p.file, damaged[i].text, strlen(damaged[i].text));
		CU_ASSERT_EQUAL(load(&p, &got, err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, damaged[i].fault));
		CU_ASSERT_EQUAL(strncmp(err, p.file, strlen(p.file)), 0);
		CU_ASSERT_PTR_NULL(strchr(err, '\x1b'));
	}
	place_remove(&p);
}

static void garbage_is_refused(void)
{
	static char endless[1 << 16];
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	write_file(p.file, "app-fw rules 1\nend\0 0\n", 22);
	CU_ASSERT_EQUAL(load(&p, &got, err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:2: NUL byte"));
	memset(endless, 'x', sizeof(endless));
	write_file(p.file, endless, sizeof(endless));
	CU_ASSERT_EQUAL(load(&p, &got, err), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:1: line longer than"));
	unlink(p.file);
	CU_ASSERT_EQUAL_FATAL(mkfifo(p.file, 0600), 0);
	CU_ASSERT_EQUAL(load(&p, &got, err), -EINVAL);
	place_remove(&p);
}

static void a_rule_that_is_not_taken_ends_the_load(void)
{
	struct taken got = {.most = 1};
	char err[STORE_ERROR_LEN];
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	write_file(p.file, sample_text, strlen(sample_text));
	CU_ASSERT_EQUAL(load(&p, &got, err), -E2BIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/rules:3: "));
	place_remove(&p);
}

/* A save that fails half way: the file may not grow past 64 bytes. */
static int save_without_space(const struct place *p, const struct ruleset *rs)
{
	struct rlimit was, small;
	int r;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){.rlim_cur = 64, .rlim_max = was.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = save(p, rs);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	return r;
}

static void a_save_that_fails_leaves_the_old_file(void)
{
	struct ruleset *rs = sample();
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL(save(&p, rs), 0);
	rs = with(rs, "-c FORWARD -v DROP");
	CU_ASSERT_EQUAL(save_without_space(&p, rs), -EFBIG);
	expect_file(p.file, sample_text);
	CU_ASSERT_EQUAL(access(p.temporary, F_OK), -1);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.temporary, 0700), 0);
	CU_ASSERT_EQUAL(save(&p, rs), -EISDIR);
	expect_file(p.file, sample_text);
	ruleset_unref(rs);
	place_remove(&p);
}

/* What a crash before the rename left behind. */
static void an_old_temporary_file_is_overwritten(void)
{
	struct ruleset *rs = sample();
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (int i = 0; i < 2; i++) {
		write_file(p.temporary, sample_text, 20);
		CU_ASSERT_EQUAL(save(&p, rs), 0);
		expect_file(p.file, sample_text);
		CU_ASSERT_EQUAL(access(p.temporary, F_OK), -1);
	}
	ruleset_unref(rs);
	place_remove(&p);
}

static void comments_and_empty_lines_mean_nothing(void)
{
	static const char text[] = "# what it is\n\n"
				   "app-fw rules 2\n"
				   " # -c INPUT -v DROP\n"
				   "policy OUTPUT  DROP \n"
				   "\t\n"
				   "-c OUTPUT -v ACCEPT --note \"# 1\"\n"
				   "#\n"
				   "end\n";
	struct taken got = {.n = 0};
	const struct store_taker to = {
		.policy = take_policy, .set = take_set, .rule = take, .cookie = &got};
	char err[STORE_ERROR_LEN];

	expect(store_parse(text, strlen(text), &to, err) == 0, "%s", err);
	CU_ASSERT_STRING_EQUAL(got.text, "policy OUTPUT DROP\n"
					 "-c OUTPUT -v ACCEPT --note \"# 1\"\n");
}

static void text_names_its_bad_line(void)
{
	static const char *const bad[][2] = {
		{"", "line 1: expected \"app-fw rules 2\""},
		{"\n", "line 2: file cut short"},
		{"app-fw rules 2\n\n-c OUTPUT -v DROP --dport 65536\nend\n",
		 "line 3: --dport 65536: expected a port"},
		{"app-fw rules 2\nend", "line 2: file cut short"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct taken got = {.n = 0};
		const struct store_taker to = {
			.policy = take_policy, .set = take_set, .rule = take, .cookie = &got};
		char err[STORE_ERROR_LEN];

		CU_ASSERT_EQUAL(store_parse(bad[i][0], strlen(bad[i][0]), &to, err), -EBADMSG);
		expect(strncmp(err, bad[i][1], strlen(bad[i][1])) == 0, "%s: %s", bad[i][1], err);
	}
}

/* A rule set that takes what it is given. */
struct built {
	struct ruleset *rs;
};

static void step(struct built *b, struct ruleset *next)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	ruleset_unref(b->rs);
	b->rs = next;
}

static int build_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL(ruleset_set_policy(b->rs, chain, policy, policy, &next), 0);
	step(b, next);
	return 0;
}

static int build_set(void *cookie, struct set *set)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL(ruleset_put_set(b->rs, set, &next), 0);
	step(b, next);
	return 0;
}

static int build_next_patch(void *cookie, uint64_t id)
{
	struct built *b = cookie;

	ruleset_reserve_ids(b->rs, id);
	return 0;
}

static int build_patch(void *cookie, const struct patch *patch)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;
	int r = ruleset_add_patch(b->rs, patch, &next);

	if (!r)
		step(b, next);
	return r;
}

static int build_rule(void *cookie, const struct rule *rule)
{
	struct built *b = cookie;
	struct ruleset *next = NULL;

	CU_ASSERT_EQUAL(ruleset_insert(b->rs, rule, b->rs->chains[rule->chain].list.n, &next), 0);
	step(b, next);
	return 0;
}

static struct ruleset *build(const char *text)
{
	struct built b = {ruleset_new(accept_all, accept_all, accept_all)};
	const struct store_taker to = {.policy = build_policy,
				       .set = build_set,
				       .next_patch = build_next_patch,
				       .patch = build_patch,
				       .rule = build_rule,
				       .cookie = &b};
	char err[STORE_ERROR_LEN];

	expect(store_parse(text, strlen(text), &to, err) == 0, "%s", err);
	return b.rs;
}

/* Each time is the clock's another one: no second of a digest's time may get lost or be won. */
static void text_comes_back_byte_for_byte(void)
{
	const uint64_t now = clock_monotonic_ns();
	struct set_item items[] = {
		{"", "", "/a b", {{1}}, 0},
		{"curl:amd64", "/root dir", "/root dir/c", {{3}}, 0},
		{"", "", "/older", {{5}}, now + 500 * SECOND},
	};

	for (unsigned int i = 0; i < 200; i++) {
		char *first, *second;
		struct ruleset *rs = sample(), *again, *next = NULL;

		items[2].until_ns = now + 500 * SECOND + i * SECOND / 200;
		rs = with_set(rs, items, 3);
		rs = with(rs, "-c FORWARD -v ACCEPT --set web");
		CU_ASSERT_EQUAL_FATAL(
			ruleset_set_policy(rs, CHAIN_FORWARD, VERDICT_DROP, VERDICT_DROP, &next),
			0);
		first = store_format(next);
		again = build(first);
		second = store_format(again);
		CU_ASSERT_STRING_EQUAL(first, second);
		CU_ASSERT_PTR_NOT_NULL(strstr(first, "policy INPUT ACCEPT\n"
						     "policy OUTPUT ACCEPT\n"
						     "policy FORWARD DROP\n"));
		free(first);
		free(second);
		ruleset_unref(again);
		ruleset_unref(next);
		ruleset_unref(rs);
	}
}

/* What the options of the daemon say is not made to outlive them. */
static void only_a_stated_policy_is_saved(void)
{
	struct ruleset *rs = ruleset_new(accept_all, accept_all, accept_all), *next = NULL;
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL(save(&p, rs), 0);
	expect_file(p.file, "app-fw rules 2\nend 0\n");
	CU_ASSERT_EQUAL_FATAL(
		ruleset_set_policy(rs, CHAIN_INPUT, VERDICT_DROP, VERDICT_DROP, &next), 0);
	next = with(next, "-c INPUT -v ACCEPT");
	CU_ASSERT_EQUAL(save(&p, next), 0);
	expect_file(p.file, "app-fw rules 2\npolicy INPUT DROP\n-c INPUT -v ACCEPT\nend 2\n");
	ruleset_unref(next);
	ruleset_unref(rs);
	place_remove(&p);
}

static struct store_change insertion(size_t index, const char *text)
{
	struct store_change c = {.kind = STORE_INSERT, .index = index};
	struct rule_error why;

	CU_ASSERT_EQUAL_FATAL(rule_parse_text(text, &c.rule, &why), 0);
	return c;
}

static const struct store_change deletion = {.kind = STORE_DELETE, .rule.chain = CHAIN_OUTPUT};

static void append(const struct place *p, const struct store_change *c)
{
	CU_ASSERT_EQUAL(store_append(p->dir, c, &tail), 0);
}

static const char changed_text[] = "-c INPUT -v DROP\n"
				   "-c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\" ü\"\n"
				   "-c OUTPUT -v ACCEPT -! -d 2001:db8::/32\n"
				   "-I 1 -c FORWARD -v DROP --note \"a b\"\n"
				   "-D 0 -c OUTPUT\n";

/* The sample with two changes after it. */
static void save_changed(const struct place *p)
{
	const struct store_change first = insertion(1, "-c FORWARD -v DROP --note \"a b\"");
	struct ruleset *rs = sample();

	CU_ASSERT_EQUAL(save(p, rs), 0);
	append(p, &first);
	append(p, &deletion);
	ruleset_unref(rs);
}

static void changes_come_back_after_the_rules(void)
{
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct place p;

	place_make(&p);
	save_changed(&p);
	CU_ASSERT_EQUAL(load(&p, &got, err), 0);
	CU_ASSERT_STRING_EQUAL(got.text, changed_text);
	CU_ASSERT(tail.open && tail.changes == 2 && !tail.cut);
	append(&p, &deletion); /* to what was loaded */
	got = (struct taken){.n = 0};
	CU_ASSERT_EQUAL(load(&p, &got, err), 0);
	CU_ASSERT_EQUAL(got.n, 6);
	place_remove(&p);
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
	struct place p;

	place_make(&p);
	save_changed(&p);
	before = (size_t)tail.size;
	append(&p, &deletion);
	size = read_all(p.file, text, sizeof(text));
	CU_ASSERT_EQUAL_FATAL(size, (size_t)tail.size);
	for (int zeros = 0; zeros < 2; zeros++)
		for (size_t cut = before + 1; cut < size; cut++) {
			struct taken got = {.n = 0};
			char left[sizeof(text)] = "";

			memcpy(left, text, cut);
			write_file(p.file, left, zeros ? size : cut);
			expect(load(&p, &got, err) == 0, "cut at %zu: %s", cut, err);
			CU_ASSERT_STRING_EQUAL(got.text, changed_text);
			CU_ASSERT(tail.cut);
			CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &tail), -EAGAIN);
		}
	place_remove(&p);
}

/* Any bit that is wrong before the last line is a fault; so is a line that is left out. */
static void a_damaged_change_is_refused(void)
{
	char text[1024], err[STORE_ERROR_LEN];
	size_t from, to, size;
	struct place p;

	place_make(&p);
	save_changed(&p);
	to = (size_t)tail.size;
	append(&p, &deletion);
	size = read_all(p.file, text, sizeof(text));
	from = (size_t)(strstr(text, "\nchange 1 ") + 1 - text);
	for (size_t i = from; i < to - 1; i++) {
		struct taken got = {.n = 0};

		text[i] ^= 1;
		write_file(p.file, text, size);
		expect(load(&p, &got, err) == -EBADMSG, "byte %zu", i);
		CU_ASSERT(!tail.open);
		text[i] ^= 1;
	}
	for (size_t end = from; text[end - 1] != '\n' || end == from; end++)
		if (text[end] == '\n') {
			struct taken got = {.n = 0};

			memmove(text + from, text + end + 1, size - end - 1);
			write_file(p.file, text, size - (end + 1 - from));
			CU_ASSERT_EQUAL(load(&p, &got, err), -EBADMSG);
			CU_ASSERT_PTR_NOT_NULL(strstr(err, "a change is missing"));
			break;
		}
	place_remove(&p);
}

/* Hand-written text after the end is no change that a crash left. */
static void other_text_after_the_end_is_refused(void)
{
	static const char *const more[] = {"\n",      "end 0\n", "-c OUTPUT -v DROP\n",
					   "chang\n", "# a\n",	 "-c OUTPUT -v DR"};
	char text[128], err[STORE_ERROR_LEN];
	struct taken got = {.n = 0};
	struct place p;

	place_make(&p);
	CU_ASSERT_EQUAL_FATAL(mkdir(p.dir, 0700), 0);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(text, sizeof(text), "app-fw rules 2\nend 0\n%s", more[i]);
		write_file(p.file, text, strlen(text));
		expect(load(&p, &got, err) == -EBADMSG, "'%s'", more[i]);
	}
	place_remove(&p);
}

static void a_file_takes_so_many_changes_and_nobody_elses(void)
{
	struct ruleset *rs = sample();
	struct taken got = {.n = 0};
	char err[STORE_ERROR_LEN];
	struct rlimit was, small;
	struct place p;

	place_make(&p);
	tail = (struct store_tail){.open = false};
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &tail), -EAGAIN);
	CU_ASSERT_EQUAL(save(&p, rs), 0);
	for (int i = 0; i < STORE_CHANGES_MAX; i++)
		append(&p, &deletion);
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &tail), -EAGAIN);

	CU_ASSERT_EQUAL(save(&p, rs), 0); /* that is open again, until another writes it */
	expect_file(p.file, sample_text);
	write_file(p.file, sample_text, strlen(sample_text) - 2);
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &tail), -EAGAIN);

	CU_ASSERT_EQUAL(save(&p, rs), 0); /* or there is no room for all of it */
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){.rlim_cur = (rlim_t)tail.size + 5, .rlim_max = was.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	CU_ASSERT(store_append(p.dir, &deletion, &tail) < 0);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	expect_file(p.file, sample_text);
	CU_ASSERT_EQUAL(store_append(p.dir, &deletion, &tail), -EAGAIN);
	CU_ASSERT_EQUAL(load(&p, &got, err), 0);
	ruleset_unref(rs);
	place_remove(&p);
}

#define KILLS	       50
#define SAVES_PER_KILL 20

/* Saves with a rule more each time, as a change where the file takes one, and tells how many rules
 * are safe, until it is killed. */
static void save_until_killed(const struct place *p, size_t safe, int tell)
{
	const struct store_change more =
		insertion(0, "-c OUTPUT -v DROP --note \"not to be lost\"");
	struct ruleset *empty = ruleset_new(accept_all, accept_all, accept_all), *rs;
	struct rule *rules = calloc(safe + 1, sizeof(*rules));

	for (size_t i = 0; i < safe; i++)
		rules[i] = (struct rule){.chain = CHAIN_OUTPUT, .note = "not to be lost"};
	if (!rules || ruleset_append(empty, rules, safe, &rs))
		_exit(1);
	for (size_t n = safe + 1;; n++) {
		rs = with(rs, "-c OUTPUT -v DROP --note \"not to be lost\"");
		if ((n % 8 == 0 || store_append(p->dir, &more, &tail)) && save(p, rs))
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

static size_t count_saved(const struct place *p)
{
	size_t n = 0;
	const struct store_taker to = {.rule = count_rule, .change = count_change, .cookie = &n};
	char err[STORE_ERROR_LEN];

	expect(store_load(p->dir, &to, &tail, err) == 0, "%s", err);
	return n;
}

/* Kills it in the middle of what comes after so many acknowledged saves. Returns the last. */
static size_t kill_one(const struct place *p, size_t safe, unsigned int after_us)
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
	struct place p;

	place_make(&p);
	for (unsigned int i = 0; i < KILLS; i++) {
		safe = kill_one(&p, safe, i * 37 % 2000);
		got = count_saved(&p);
		if (!expect(got == safe || got == safe + 1, "kill %u: %zu saved, %zu loaded", i,
			    safe, got))
			break;
		safe = got;
	}
	CU_ASSERT(safe >= KILLS * SAVES_PER_KILL);
	place_remove(&p);
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
	struct place p;

	place_make(&p);
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
	place_remove(&p);
}

static const char patched_text[] =
	"app-fw rules 3\n"
	"set\tweb\t-\t-\t-\t" HEX "\t/a\n"
	"patch 2 --cidr 10.0.0.0/8 --port 80 --set web --note \"a \\\"b\"\n"
	"patch 9 -c INPUT --file \"/x y\" --until-unmapped --sng-hash " HEX
	" --monitor --expires 2099-01-01T00:00:00Z --note \"c\"\n"
	"-c OUTPUT -v DROP --dport 25\n"
	"end 4\n";

/* A text says no more than what is in force; the state also which ids were given before. */
static void patches_come_back_byte_for_byte(void)
{
	char *text, err[STORE_ERROR_LEN];
	struct ruleset *rs;
	struct place p;
	struct built b = {ruleset_new(accept_all, accept_all, accept_all)};
	const struct store_taker to = {.policy = build_policy,
				       .set = build_set,
				       .next_patch = build_next_patch,
				       .patch = build_patch,
				       .rule = build_rule,
				       .cookie = &b};
	struct store_tail saved;
	const char *rest = strchr(patched_text, '\n') + 1;

	rs = build(patched_text);
	text = store_format(rs);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "app-fw rules 3\n"));
	expect(strncmp(strstr(text, "set\t"), rest, strlen(rest) - strlen("end 4\n")) == 0, "%s",
	       text);
	CU_ASSERT_PTR_NULL(strstr(text, "next-patch"));
	free(text);
	ruleset_reserve_ids(rs, 31);
	place_make(&p);
	CU_ASSERT_EQUAL(store_save(p.dir, rs, &saved), 0);
	expect(store_load(p.dir, &to, &saved, err) == 0, "%s", err);
	CU_ASSERT_EQUAL(b.rs->patches.n, 2);
	CU_ASSERT_EQUAL(b.rs->patches.next_id, 31);
	CU_ASSERT_EQUAL(b.rs->patches.entries[1]->patch.id, 9);
	place_remove(&p);
	ruleset_unref(b.rs);
	ruleset_unref(rs);
}

static const struct unit_test tests[] = {
	{"patches come back byte for byte", patches_come_back_byte_for_byte},
	{"saved rules come back in order", saved_rules_come_back_in_order},
	{"policies that were set come back", policies_that_were_set_come_back},
	{"saved sets come back, without what is over", saved_sets_come_back},
	{"no old digest stays too long", no_old_digest_stays_too_long},
	{"comments and empty lines mean nothing", comments_and_empty_lines_mean_nothing},
	{"a text names its bad line", text_names_its_bad_line},
	{"a text comes back byte for byte", text_comes_back_byte_for_byte},
	{"only a stated policy is saved", only_a_stated_policy_is_saved},
	{"changes come back after the rules", changes_come_back_after_the_rules},
	{"what a crash left of a change does not count",
	 what_a_crash_left_of_a_change_does_not_count},
	{"a damaged change is refused", a_damaged_change_is_refused},
	{"other text after the end is refused", other_text_after_the_end_is_refused},
	{"a file takes so many changes, and nobody else's",
	 a_file_takes_so_many_changes_and_nobody_elses},
	{"killed while saving, nothing is lost", killed_while_saving_nothing_is_lost},
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
