/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/patch.h"
#include "expect.h"
#include "unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* As it is written, and the canonical text; NULL: the same. */
static const struct {
	const char *text, *canonical;
} right[] = {
	{"--cidr 10.0.0.0/8 --note \"a\"", NULL},
	{"--note a --port 80 --cidr 10.1.2.3/8", "--cidr 10.0.0.0/8 --port 80 --note \"a\""},
	{"--cidr ::1 --note x", "--cidr ::1/128 --note \"x\""},
	{"-c INPUT --port 1:9 -p tcp --note \"a \\\"b\\\" c\"", NULL},
	{"--port 5 -! -p icmp --note \"x\"", NULL},
	{"-p icmp --note \"x\"", NULL},
	{"--sng-hash " HEX " --file /a --note x --until-unmapped",
	 "--file \"/a\" --until-unmapped --sng-hash " HEX " --note \"x\""},
	{"--file \"/a \\\"b\" --sng-hash " HEX
	 " --monitor --expires 2099-01-01T00:00:00Z --note \"x\"",
	 NULL},
	{"--sid 7 --note \"x\"", NULL},
	{"--port 80 --pattern \"${jndi: \\\\\" --note \"x\"", NULL},
	{"--pcre \"^a b\" --note \"x\"", NULL},
	{"log4shell", "log4shell --note \"CVE-2021-44228\""},
	{"shellshock -c INPUT --port 80 --note \"mine\"", NULL},
	{"--monitor shellshock", "shellshock --monitor --note \"CVE-2014-6271\""},
};

static void texts_come_back(void)
{
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		const char *want = right[i].canonical ? right[i].canonical : right[i].text;
		char text[PATCH_TEXT_MAX], again[PATCH_TEXT_MAX];
		struct rule_error err = {""};
		struct patch p;
		size_t n;

		if (!expect(patch_parse_text(right[i].text, &p, &err) == 0, "%s: %s", right[i].text,
			    err.text))
			continue;
		n = patch_format(&p, text);
		CU_ASSERT_EQUAL(n, strlen(text));
		expect_text(right[i].text, text, want);
		CU_ASSERT_EQUAL_FATAL(patch_parse_text(text, &p, &err), 0);
		patch_format(&p, again);
		expect_text("again", again, text);
	}
}

static const struct {
	const char *text, *fault;
} wrong[] = {
	{"", "a patch that matches everything: expected --cidr"},
	{"--note x", "a patch that matches everything: expected --cidr"},
	{"--port 80", "missing --note: expected"},
	{"--port 80 --note \"\"", "missing --note: expected"},
	{"--cidr 10.0.0.0/33 --note x", "--cidr 10.0.0.0/33: expected a prefix length"},
	{"--cidr --note x", "--cidr --note: expected an IPv4 or IPv6 address"},
	{"--note x --cidr", "--cidr: expected a value after it"},
	{"--port 65536 --note x", "--port 65536: expected a port"},
	{"--port 1 --port 2 --note x", "--port: option given twice"},
	{"--port 1 -p icmp --note x", "--port: that protocol has no ports"},
	{"--port 1 --dport 2 --note x", "--port: expected no --sport and no --dport"},
	{"--cidr ::1 -d ::2 --note x", "--cidr: expected no -s and no -d"},
	{"--port 1 -v DROP --note x", "-v: does not go with a patch"},
	{"-! --port 1 --note x", "-! --port: expected a match of a rule after -!"},
	{"--port 1 --note x -!", "-!: expected a match after it"},
	{"--port 1 --note x --nosuch", "--nosuch: expected an option of a rule"},
	{"--sid 0 --note x", "--sid 0: expected a number 1..4294967295"},
	{"--sid 1 --pcre x --note x", "--sid, --pattern, --pcre or a name: expected one"},
	{"log4shell --pcre x", "--sid, --pattern, --pcre or a name: expected one"},
	{"--pattern \"\" --note x", "--pattern \"\": expected 1 to 255 bytes"},
	{"heartbleed", "heartbleed: expected an option, log4shell or shellshock"},
	{"log4shell shellshock", "shellshock: a second name after log4shell"},
	{"--port 1 --file /a --note x", "--file: expected --sng-hash"},
	{"-! --sng-hash " HEX " --file /a --note x", "--file: expected --sng-hash"},
	{"--sng-hash " HEX " --file a --note x", "--file a: expected an absolute path"},
	{"--sng-hash " HEX " --until-unmapped --note x", "--until-unmapped: expected --object"},
};

static void wrong_words_are_named(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct patch p = {.id = 77};
		struct rule_error err = {""};

		expect(patch_parse_text(wrong[i].text, &p, &err) == -22, "%s: was taken",
		       wrong[i].text);
		expect(strncmp(err.text, wrong[i].fault, strlen(wrong[i].fault)) == 0,
		       "%s: got %s, want %s", wrong[i].text, err.text, wrong[i].fault);
		CU_ASSERT_EQUAL(p.id, 77);
	}
}

static void expect_rules(const char *text, enum chain chain, const char *const want[2])
{
	struct rule_error err;
	struct rule rules[2];
	struct patch p;
	size_t n;

	CU_ASSERT_EQUAL_FATAL(patch_parse_text(text, &p, &err), 0);
	p.id = 9;
	n = patch_rules(&p, chain, rules);
	for (size_t i = 0; i < 2; i++) {
		char got[RULE_TEXT_MAX] = "none";

		if (i < n)
			rule_format(&rules[i], got);
		expect_text(text, got, want[i] ? want[i] : "none");
		CU_ASSERT(i >= n || rules[i].patch == 9);
	}
}

static void an_end_is_two_rules(void)
{
	expect_rules("--cidr 10.0.0.1 --port 80 -p tcp --note x", CHAIN_INPUT,
		     (const char *const[]){"-c INPUT -v DROP -s 10.0.0.1/32 -p tcp --sport 80 "
					   "--note \"x\"",
					   "-c INPUT -v DROP -d 10.0.0.1/32 -p tcp --dport 80 "
					   "--note \"x\""});
	expect_rules("--port 80 --monitor --note x", CHAIN_FORWARD,
		     (const char *const[]){"-c FORWARD -v DROP --sport 80 --monitor --note \"x\"",
					   "-c FORWARD -v DROP --dport 80 --monitor --note "
					   "\"x\""});
	expect_rules("-p udp --note x", CHAIN_OUTPUT,
		     (const char *const[]){"-c OUTPUT -v DROP -p udp --note \"x\"", NULL});
	expect_rules("-c INPUT --port 80 --note x", CHAIN_OUTPUT,
		     (const char *const[]){NULL, NULL});
}

/* The longest text that there can be fits, and comes back. */
static void the_longest_fits(void)
{
	static char text[4 * PATCH_TEXT_MAX];
	char out[PATCH_TEXT_MAX], path[SET_PATH_MAX + 1], note[RULE_NOTE_MAX + 1];
	struct rule_error err = {""};
	struct patch p;
	char *at = text;

	memset(path, 'a', SET_PATH_MAX);
	path[0] = '/';
	path[SET_PATH_MAX] = '\0';
	memset(note, 'n', RULE_NOTE_MAX);
	note[RULE_NOTE_MAX] = '\0';
	at += sprintf(at,
		      "--sng-hash " HEX " --file %s --until-unmapped --note %s --cidr "
		      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --port 10000:20000 --pattern \"",
		      path, note);
	for (int i = 0; i < PATCH_PAYLOAD_MAX; i++)
		at += sprintf(at, "\\\"");
	strcpy(at, "\"");
	expect(patch_parse_text(text, &p, &err) == 0, "%s", err.text);
	CU_ASSERT(patch_format(&p, out) < PATCH_TEXT_MAX);
	CU_ASSERT_EQUAL(patch_parse_text(out, &p, &err), 0);
	CU_ASSERT_EQUAL(strlen(p.payload), PATCH_PAYLOAD_MAX);
}

static const struct unit_test tests[] = {
	{"canonical texts come back", texts_come_back},
	{"wrong words are named", wrong_words_are_named},
	{"either end of a packet is a rule", an_end_is_two_rules},
	{"the longest text fits", the_longest_fits},
};
UNIT_SUITE("common/patch", tests)
