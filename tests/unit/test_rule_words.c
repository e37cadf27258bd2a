/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of rules (common/rule.h) with one word wrong, in every place where it can stand. */
#include <errno.h>
#include <string.h>

#include "common/rule.h"
#include "expect.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_A HASH_A HASH_A /* 128 bytes */

/* Every option with a value that is right and those that are wrong for it. */
static const struct {
	const char *word, *good;
	bool negates;
	const char *bad[24];
} options[] = {
	{"-c",
	 "OUTPUT",
	 false,
	 {"", "output", "OUTPUT ", " OUTPUT", "POSTROUTING", "0", "-v", "OUTPUTS"}},
	{"-v", "DROP", false, {"", "drop", "DROP ", "REJECT", "0", "1", "-c", "ACCEPT,DROP"}},
	{"--note",
	 "some text",
	 false,
	 {"tab\t", "line\n", "\x1b[2J", "\x7f", "\xc2\x85", "\xc3", "x" LONG_A}},
	{"-s",
	 "10.0.0.0/8",
	 true,
	 {"",
	  "/",
	  "/8",
	  "10.0.0.0/33",
	  "10.0.0.0/256",
	  "10.0.0.0/-1",
	  "10.0.0.0/+1",
	  "10.0.0.0/",
	  "10.0.0.0/0x10",
	  "10.0.0.0/8x",
	  "10.0.0/8",
	  "10.0.0.256",
	  "10.0.0.0 ",
	  " 10.0.0.0",
	  "::/129",
	  "::/-1",
	  ":::",
	  "host",
	  "-d",
	  "10.0.0.0/08",
	  "10.0.0.0/255.0.0.0",
	  "::1"}},
	{"-d",
	 "192.0.2.0/24",
	 true,
	 {"", "/24", "192.0.2.0/33", "192.0.2.0/264", "192.0.2.0/+24", "192.0.2.0/0x18", "192.0.2",
	  "::/129", "::/+1", "::g", "-p", "2001:db8::/32"}},
	{"-p",
	 "tcp",
	 true,
	 {"", "TCP ", "tcpx", "256", "-1", "+6", "0x6", "06", "6 ", " 6", "6.0", "all",
	  "4294967302", "icmp", "1", "gre", "254"}},
	{"--sport",
	 "1024:65535",
	 true,
	 {"",
	  ":",
	  "1:",
	  ":1",
	  "-1",
	  "+1",
	  "0x10",
	  "01",
	  "65536",
	  "1:65536",
	  "65536:65537",
	  "2:1",
	  "1-2",
	  "1:2:3",
	  "1,2",
	  " 1",
	  "1 ",
	  "1: 2",
	  "http",
	  "65616",
	  "4294967376",
	  "18446744073709551617",
	  "-d"}},
	{"--dport",
	 "443",
	 true,
	 {"", ":", "1:", ":1", "-1", "+1", "0x10", "00", "65536", "1:65536", "443:442", "https",
	  "443x", "131515", "1:2:3", "\xd9\xa1"}},
	{"-n",
	 "net:[4026531840]",
	 true,
	 {"",
	  "net",
	  "net:",
	  "net:[",
	  "net:[]",
	  "net:[1",
	  "net:1]",
	  "net:[0]",
	  "net:[-1]",
	  "net:[+1]",
	  "net:[0x1]",
	  "net:[01]",
	  "net:[1]]",
	  "net:[1] ",
	  " net:[1]",
	  "net:[[1]",
	  "pid:[1]",
	  "net:[18446744073709551616]",
	  "/proc/1/ns/net",
	  "4026531840",
	  "Net:[1]"}},
	{"--sng-hash",
	 HASH_A,
	 true,
	 {"", "a", HASH_A "a", HASH_A HASH_A, "0x" HASH_A,
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ",
	  "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
	{"--agg-hash",
	 HASH_B,
	 true,
	 {"", "b", HASH_B "0", " " HASH_B,
	  "012345678-abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg",
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"}},
};

#define WORDS_MAX (3 * N(options) + 4)

struct line {
	const char *words[WORDS_MAX];
	int n;
};

static void add(struct line *l, const char *word)
{
	l->words[l->n++] = word;
}

/* All options, the one at `first` first; words[value_at] is the value of option `which`. */
static struct line whole_rule(size_t first, bool negated, size_t which, int *value_at)
{
	struct line l = {.n = 0};

	for (size_t i = 0; i < N(options); i++) {
		size_t o = (first + i) % N(options);

		if (negated && options[o].negates)
			add(&l, "-!");
		add(&l, options[o].word);
		if (o == which)
			*value_at = l.n;
		add(&l, options[o].good);
	}
	return l;
}

/* Neither the words nor, on failure, the output may change. */
static int parse(const struct line *l, struct rule_error *err)
{
	struct line before = *l;
	struct rule r, was;
	int result;

	memset(&r, 0x5a, sizeof(r));
	was = r;
	memset(err, 0x5a, sizeof(*err));
	result = rule_parse(l->n, (char *const *)l->words, &r, err);
	CU_ASSERT_EQUAL(memcmp(&before, l, sizeof(before)), 0);
	if (result) {
		CU_ASSERT_EQUAL(result, -EINVAL);
		CU_ASSERT_EQUAL(memcmp(&r, &was, sizeof(r)), 0);
		CU_ASSERT_FATAL(memchr(err->text, '\0', sizeof(err->text)) != NULL);
		for (const char *c = err->text; *c; c++)
			expect((unsigned char)*c >= ' ' && *c != 0x7f, "control character in '%s'",
			       err->text);
	}
	return result;
}

static void every_order(void)
{
	for (size_t first = 0; first < N(options); first++)
		for (int negated = 0; negated < 2; negated++) {
			int unused;
			struct line l = whole_rule(first, negated, 0, &unused);
			struct rule_error err;

			expect(parse(&l, &err) == 0, "%s first: %s", options[first].word, err.text);
		}
}

/* What a bad value of one option may be charged to: it or, where it is good alone, another. */
static bool names_culprit(const char *text, size_t which)
{
	if (strncmp(text, options[which].word, strlen(options[which].word)) == 0)
		return true;
	return strstr(text, "one family") || strstr(text, "has no ports");
}

/* Bad with ports only as it stands: "any protocol but icmp" goes with them. */
static bool lacks_ports(size_t which, const char *value)
{
	static const char *const known[] = {"icmp", "1", "gre", "254"};

	for (size_t i = 0; i < N(known); i++)
		if (strcmp(options[which].word, "-p") == 0 && strcmp(value, known[i]) == 0)
			return true;
	return false;
}

static void check_bad_value(size_t which, const char *bad, size_t first, bool negated)
{
	int at = 0;
	struct line l = whole_rule(first, negated, which, &at);
	struct rule_error err;

	l.words[at] = bad;
	if (expect(parse(&l, &err) == -EINVAL, "%s '%s' is taken", options[which].word, bad))
		expect(names_culprit(err.text, which), "%s '%s': %s", options[which].word, bad,
		       err.text);
}

static void bad_value_anywhere(void)
{
	for (size_t which = 0; which < N(options); which++)
		for (size_t b = 0; b < N(options[0].bad) && options[which].bad[b]; b++)
			for (size_t first = 0; first < N(options); first++) {
				const char *bad = options[which].bad[b];

				check_bad_value(which, bad, first, false);
				if (!lacks_ports(which, bad))
					check_bad_value(which, bad, first, true);
			}
}

static void insert_word(struct line *l, int at, const char *word)
{
	memmove(l->words + at + 1, l->words + at, (size_t)(l->n - at) * sizeof(l->words[0]));
	l->words[at] = word;
	l->n++;
}

/* A word too many, at every place; inside an option it takes the place of the value. */
static void stray_word_anywhere(void)
{
	static const char *const strays[] = {
		"",	  "stray", "-x", "--",	      "-!",  "--not", "--dports", "-s",
		"--note", "DROP",  "-",	 "--sport=1", "-sx", "!",     "-A",	  "--help"};

	for (size_t s = 0; s < N(strays); s++)
		for (size_t first = 0; first < N(options); first++)
			for (int at = 0; at <= 2 * (int)N(options); at++) {
				int unused;
				struct line l = whole_rule(first, false, 0, &unused);
				struct rule_error err;
				bool negates =
					at < l.n && at % 2 == 0 &&
					options[(first + (size_t)at / 2) % N(options)].negates;

				if (negates &&
				    (!strcmp(strays[s], "-!") || !strcmp(strays[s], "--not")))
					continue; /* not stray there */
				insert_word(&l, at, strays[s]);
				expect(parse(&l, &err) == -EINVAL, "'%s' at %d before %s is taken",
				       strays[s], at, options[first].word);
			}
}

static void word_missing_anywhere(void)
{
	for (size_t first = 0; first < N(options); first++)
		for (int at = 0; at < 2 * (int)N(options); at++) {
			int unused;
			struct line l = whole_rule(first, false, 0, &unused);
			struct rule_error err;

			memmove(l.words + at, l.words + at + 1,
				(size_t)(l.n - at - 1) * sizeof(l.words[0]));
			l.n--;
			expect(parse(&l, &err) == -EINVAL, "%s first, without word %d: taken",
			       options[first].word, at);
		}
}

static void twice_anywhere(void)
{
	for (size_t which = 0; which < N(options); which++)
		for (size_t first = 0; first < N(options); first++)
			for (int at = 0; at <= 2 * (int)N(options); at += 2) {
				char want[64];
				int unused;
				struct line l = whole_rule(first, false, 0, &unused);
				struct rule_error err;

				insert_word(&l, at, options[which].good);
				insert_word(&l, at, options[which].word);
				snprintf(want, sizeof(want), "%s: option given twice",
					 options[which].word);
				expect_int(want, parse(&l, &err), -EINVAL);
				expect_text("twice", err.text, want);
			}
}

static void negated_settings(void)
{
	for (size_t which = 0; which < N(options); which++)
		for (size_t first = 0; first < N(options); first++) {
			int at = 0;
			struct line l = whole_rule(first, false, which, &at);
			struct rule_error err;

			insert_word(&l, at - 1, "-!");
			expect_int(options[which].word, parse(&l, &err),
				   options[which].negates ? 0 : -EINVAL);
		}
}

static const struct unit_test tests[] = {
	{"options come in any order, negated or not", every_order},
	{"a bad value is refused wherever it stands", bad_value_anywhere},
	{"a stray word is refused wherever it stands", stray_word_anywhere},
	{"a missing word is noticed wherever it was", word_missing_anywhere},
	{"an option given twice is refused wherever it stands", twice_anywhere},
	{"only matches can be negated", negated_settings},
};
UNIT_SUITE("common/rule, word by word", tests)
