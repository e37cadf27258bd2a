/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/rule_words.c"

#include "expect.h"
#include "unit.h"

#define WORDS_MAX 16

/* Words are parted by one blank. Returns the canonical text, or the error; it is static. */
static const char *resolved(const char *text)
{
	static char out[RULE_TEXT_MAX];
	char copy[256], *words[WORDS_MAX];
	struct rule_error err;
	struct rule rule;
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[n++] = word;
	if (rule_words_resolve(n, words, &rule, &err) == 0)
		rule_format(&rule, out);
	else
		strcpy(out, err.text);
	return out;
}

static void a_namespace_is_named_by_its_inode(void)
{
	char want[128];
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(stat("/proc/self/ns/net", &st), 0);
	snprintf(want, sizeof(want), "-c OUTPUT -v DROP -! -n net:[%ju]", (uintmax_t)st.st_ino);
	expect_text("path", resolved("-c OUTPUT -v DROP -! -n /proc/self/ns/net"), want);
	expect_text("inode", resolved("-c OUTPUT -v DROP -n net:[77]"),
		    "-c OUTPUT -v DROP -n net:[77]");
}

static void what_is_no_network_namespace_is_refused(void)
{
	static const char *const others[] = {"/proc/self/ns/mnt", "/dev/null", "/",
					     "/proc/self/exe"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[128], want[128];

		snprintf(text, sizeof(text), "-c OUTPUT -v DROP -n %s", others[i]);
		snprintf(want, sizeof(want), "-n %s: expected a network namespace", others[i]);
		expect_text(others[i], resolved(text), want);
	}
	expect_text("missing", resolved("-c OUTPUT -v DROP -n /none"),
		    "-n /none: No such file or directory");
}

static void an_object_is_named_by_its_digest(void)
{
	char want[256], hex[SHA256_HEX_LEN + 1];
	struct sha256 digest;

	CU_ASSERT_EQUAL_FATAL(hash_file("/proc/self/exe", &digest), 0);
	hex_format_sha256(&digest, hex);
	snprintf(want, sizeof(want), "-c OUTPUT -v ACCEPT -! --sng-hash %s", hex);
	expect_text("object", resolved("-! --object /proc/self/exe -v ACCEPT -c OUTPUT"), want);
	expect_text("folder", resolved("-c OUTPUT -v DROP --object /"),
		    "--object /: Is a directory");
	expect_text("twice",
		    resolved("--object /proc/self/exe --object /proc/self/exe -v DROP -c OUTPUT"),
		    "--sng-hash: option given twice: expected once");
}

static void a_script_is_a_digest_or_a_file(void)
{
	char want[RULE_TEXT_MAX], words[RULE_TEXT_MAX], hex[SHA256_HEX_LEN + 1];
	struct sha256 digest;

	CU_ASSERT_EQUAL_FATAL(hash_file("/proc/self/exe", &digest), 0);
	hex_format_sha256(&digest, hex);
	snprintf(want, sizeof(want), "-c OUTPUT -v DROP -! --script %s", hex);
	expect_text("file", resolved("-! --script /proc/self/exe -v DROP -c OUTPUT"), want);
	snprintf(words, sizeof(words), "-! --script %s -v DROP -c OUTPUT", hex);
	expect_text("digest", resolved(words), want);
	hex[63] = 0;
	snprintf(words, sizeof(words), "--script %s -v DROP -c OUTPUT", hex);
	snprintf(want, sizeof(want), "--script %s: No such file or directory", hex);
	expect_text("short digest", resolved(words), want);
	expect_text("folder", resolved("-c OUTPUT -v DROP --script /"),
		    "--script /: Is a directory");
}

static void all_else_is_the_grammars_business(void)
{
	expect_text("whole", resolved("-v DROP -c INPUT --dport 25 -p 6"),
		    "-c INPUT -v DROP -p tcp --dport 25");
	expect_text("no chain", resolved("-v DROP"),
		    "missing -c: expected INPUT, OUTPUT or FORWARD");
	expect_text("cut", resolved("-c OUTPUT -v DROP -n"), "-n: expected a value after it");
	expect_text("cut", resolved("-c OUTPUT -v DROP -!"), "-!: expected a match after it");
	expect_text("strange", resolved("-c OUTPUT --object-of"),
		    "--object-of: expected an option of a rule");
	expect_text("nothing", resolved(""), "missing -c: expected INPUT, OUTPUT or FORWARD");
}

static void a_duration_is_a_time_from_now(void)
{
	uint64_t before = (uint64_t)time(NULL), got = 0;
	const char *text = resolved("-c OUTPUT -v DROP --expires +90s");
	const char *at = strstr(text, "--expires ");

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	CU_ASSERT_EQUAL(instant_parse(at + strlen("--expires "), &got), 0);
	CU_ASSERT(got >= before + 90 && got <= (uint64_t)time(NULL) + 90);
	expect_text("time", resolved("-c OUTPUT -v DROP --expires 2099-01-01T00:00:00Z"),
		    "-c OUTPUT -v DROP --expires 2099-01-01T00:00:00Z");
	expect_text("no unit", resolved("-c OUTPUT -v DROP --expires +90"),
		    "--expires +90: expected + and a number and s, m, h or d, at most 3650d");
	expect_text("too long", resolved("-c OUTPUT -v DROP --expires +3651d"),
		    "--expires +3651d: expected + and a number and s, m, h or d, at most 3650d");
	expect_text("no plus", resolved("-c OUTPUT -v DROP --expires 90s"),
		    "--expires 90s: expected a time such as 2026-12-31T23:59:59Z");
}

static const struct unit_test tests[] = {
	{"a namespace is named by its inode", a_namespace_is_named_by_its_inode},
	{"what is no network namespace is refused", what_is_no_network_namespace_is_refused},
	{"an object is named by its digest", an_object_is_named_by_its_digest},
	{"a script is a digest or a file", a_script_is_a_digest_or_a_file},
	{"all else is the grammar's business", all_else_is_the_grammars_business},
	{"a duration is a time from now", a_duration_is_a_time_from_now},
};
UNIT_SUITE("ctl/rule_words", tests)
