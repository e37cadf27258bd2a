/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "expect.h"
#include "fw/patch_sig.h"
#include "unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int made(const char *text, const struct sig_list *loaded,
		struct sig_rule *out[PATCH_SIGS_MAX], size_t *n, struct rule_error *err)
{
	struct patch p;

	if (patch_parse_text(text, &p, err)) {
		expect(false, "%s: %s", text, err->text);
		return -EINVAL;
	}
	p.id = 7;
	return patch_sig_rules(&p, loaded, out, n, err);
}

static void drop_all(struct sig_rule *rules[PATCH_SIGS_MAX], size_t n)
{
	for (size_t i = 0; i < n; i++)
		sig_rule_unref(rules[i]);
}

static const struct {
	const char *patch, *signature; /* NULL: it is refused with: */
	const char *fault;
} rows[] = {
	{"--pattern \"a;\" --note x",
	 "drop ip any any <> any any (msg:\"patch 7: x\"; content:\"|61 3b|\"; sid:3000000056;)",
	 NULL},
	{"--cidr 10.0.0.0/8 --port 80:90 -p tcp --monitor --pattern a --note \"b;c\"",
	 "alert tcp 10.0.0.0/8 80:90 <> any any (msg:\"patch 7: b'c\"; content:\"|61|\"; "
	 "sid:3000000056;)",
	 NULL},
	{"--port 53 -p udp -! --sng-hash " HEX " --pcre \"a/b;\\\\d\" --note x",
	 "drop udp any 53 <> any any (msg:\"patch 7: x\"; pcre:\"/a\\x2fb\\x3b\\d/\"; "
	 "app_hash:!" HEX "; sid:3000000056;)",
	 NULL},
	{"-c INPUT --pattern a --note x", NULL, "what looks at a payload goes with"},
	{"--uid 5 --pattern a --note x", NULL, "what looks at a payload goes with"},
	{"-p icmp --pattern a --note x", NULL, "-p: expected tcp or udp"},
	{"-p tcp --pcre \"(a\" --note x", NULL, ""},
	{"--sid 5 --note x", NULL, "--sid 5: expected a signature that is loaded"},
	{"--sid 5 --port 80 --note x", NULL, "--sid: the signature says where"},
};

static void own_ones(void)
{
	const struct sig_list none = {.n = 0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sig_rule *rules[PATCH_SIGS_MAX];
		struct rule_error err = {""};
		size_t n = 0;
		int r = made(rows[i].patch, &none, rules, &n, &err);

		if (!rows[i].signature) {
			expect(r != 0 && n == 0, "%s: was taken", rows[i].patch);
			expect(*err.text && strstr(err.text, rows[i].fault), "%s: %s",
			       rows[i].patch, err.text);
			continue;
		}
		if (!expect(r == 0 && n == 1, "%s: %s", rows[i].patch, err.text))
			continue;
		expect_text("signature", rules[0]->text, rows[i].signature);
		expect_int("id", (long long)patch_sig_id(rules[0]->sid), 7);
		drop_all(rules, n);
	}
}

static void built_in_ones(void)
{
	static const struct {
		const char *patch;
		size_t n;
		const char *head;
	} want[] = {
		{"log4shell --cidr 10.0.0.1 --port 80", 4,
		 "drop http any any -> 10.0.0.1/32 80 (msg:\"patch 7: CVE-2021-44228\"; "
		 "flow:to_server;"},
		{"shellshock --monitor", 1,
		 "alert http any any -> any any (msg:\"patch 7: CVE-2014-6271\"; flow:to_server;"},
	};
	const struct sig_list none = {.n = 0};

	for (size_t i = 0; i < 2; i++) {
		struct sig_rule *rules[PATCH_SIGS_MAX];
		struct rule_error err = {""};
		size_t n = 0;

		expect(made(want[i].patch, &none, rules, &n, &err) == 0, "%s", err.text);
		expect_int("signatures", (long long)n, (long long)want[i].n);
		for (size_t k = 0; k < n; k++) {
			expect(strncmp(rules[k]->text, want[i].head, strlen(want[i].head)) == 0,
			       "%s", rules[k]->text);
			expect_int("sid", rules[k]->sid, 3000000056u + k);
		}
		drop_all(rules, n);
	}
}

/* A loaded one that only alerts drops, with its own words but for its name. */
static void a_loaded_one(void)
{
	struct sig_rule *rules[PATCH_SIGS_MAX], *loaded[1];
	struct sig_list list = {.rules = loaded, .n = 1};
	struct rule_error err = {""};
	struct sig_error why = {""};
	size_t n = 0;

	if (!expect(sig_rule_parse(
			    "alert tcp any any -> 10.0.0.0/8 [80,90] (msg:\"it; sid:9; \\\" is\"; "
			    "content:\"sid:4|3b|\\;\"; flow:to_server; sid:5; rev:3;)",
			    &loaded[0], &why) == 0,
		    "%s", why.text))
		return;
	expect(made("--sid 5 --note x", &list, rules, &n, &err) == 0 && n == 1, "%s", err.text);
	if (n == 1)
		expect_text("signature", rules[0]->text,
			    "drop tcp any any -> 10.0.0.0/8 [80,90] (msg:\"patch 7: x\"; "
			    "content:\"sid:4|3b|\\;\"; flow:to_server; sid:3000000056; rev:3; )");
	drop_all(rules, n);
	sig_rule_unref(loaded[0]);
}

static const struct unit_test tests[] = {
	{"what looks for a text or expression", own_ones},
	{"built-in ones", built_in_ones},
	{"a signature that is loaded", a_loaded_one},
};
UNIT_SUITE("fw/patch_sig", tests)
