/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "expect.h"
#include "fw/sig_rule.h"
#include "unit.h"

#define HEX64	      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define RULE(options) "alert tcp any any -> any any (" options " sid:1;)"

static void accepts(void)
{
	static const char *const rows[] = {
		RULE("content:\"x\";"),
		RULE("msg:\"a \\\"quoted\\\" one\\; two\"; content:\"|41 42|c|44|\"; nocase; "
		     "rev:3;"),
		RULE("content:\"a\"; offset:3; depth:4; content:\"b\"; distance:0; within:10;"),
		RULE("content:\"a\"; startswith; content:!\"b\";"),
		RULE("pcre:\"/a\\/b\\x3b/ims\"; reference:cve,2021-44228; classtype:x; metadata:a "
		     "b;"),
		RULE("content:\"a\"; pcre:\"/^b/R\"; fast_pattern:only; priority:1; gid:1; "
		     "target:src_ip;"),
		RULE("flow:established, to_server; content:\"a\"; dsize:>10;"),
		RULE("content:\"a\"; http_uri; content:\"b\"; http_header;"),
		RULE("http.uri; content:\"a\"; http.header; content:\"b\"; pkt_data; "
		     "content:\"c\";"),
		RULE("http_uri; content:\"a\"; content:\"b\";"),
		RULE("content:\"a\"; app_set:!backup; app_hash:" HEX64 ";"),
		"drop udp [10.0.0.0/8,!10.1.0.0/16] ![80,443] -> !192.0.2.1 1024: (content:\"x\"; "
		"endswith; sid:1;)",
		"reject http any any <> 2001:db8::/32 :1024 (content:\"x\"; sid:4294967295;)",
		"alert ip [any, ![1.1.1.1,2.2.2.2]] [1:2,![5,7:9]] -> any any (content:\"x\"; "
		"sid:7;)",
		"  alert icmp any any -> any any ( content : \"x\" ; sid : 1 ; )  ",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sig_error err = {""};
		struct sig_rule *r = NULL, *again = NULL;

		if (!expect_int(rows[i], sig_rule_parse(rows[i], &r, &err), 0)) {
			printf("\n    %s\n", err.text);
			continue;
		}
		expect_int("its text", sig_rule_parse(r->text, &again, &err), 0);
		expect_int("its sid", again ? again->sid : 0, r->sid);
		sig_rule_unref(again);
		sig_rule_unref(r);
	}
}

static void refuses(void)
{
	static const struct {
		const char *text;
		int error;
		const char *word;
	} rows[] = {
		{"", -EINVAL, "rule:"},
		{"allow tcp any any -> any any (content:\"x\"; sid:1;)", -EINVAL, "allow:"},
		{"pass tcp any any -> any any (content:\"x\"; sid:1;)", -ENOTSUP, "pass:"},
		{"alert dns any any -> any any (content:\"x\"; sid:1;)", -ENOTSUP, "dns:"},
		{"alert tcp any any <- any any (content:\"x\"; sid:1;)", -EINVAL, "<-:"},
		{"alert tcp 10.0.0.256 any -> any any (content:\"x\"; sid:1;)", -EINVAL,
		 "10.0.0.256:"},
		{"alert tcp any 65536 -> any any (content:\"x\"; sid:1;)", -EINVAL, "65536:"},
		{"alert tcp any 9:8 -> any any (content:\"x\"; sid:1;)", -EINVAL, "9:8:"},
		{"alert tcp any : -> any any (content:\"x\"; sid:1;)", -EINVAL, ":"},
		{"alert tcp [1.1.1.1 any -> any any (content:\"x\"; sid:1;)", -EINVAL, "["},
		{"alert tcp !any any -> any any (content:\"x\"; sid:1;)", -EINVAL, "!any:"},
		{"alert tcp ![!1.1.1.1] any -> any any (content:\"x\"; sid:1;)", -ENOTSUP, "!:"},
		{"alert tcp any any -> any any", -EINVAL, "rule: expected ("},
		{"alert tcp any any -> any any (content:\"x\"; sid:1;", -EINVAL,
		 "an option without"},
		{"alert tcp any any -> any any (content:\"x\"; sid:1;) x", -EINVAL,
		 "x: text after"},
		{"alert tcp any any -> any any (content:\"x\";)", -EINVAL, "sid: is missing"},
		{"alert tcp any any -> any any (sid:1;)", -ENOTSUP, "content:"},
		{"alert tcp any any -> any any (content:\"x\"; sid:0;)", -EINVAL, "sid:"},
		{"alert tcp any any -> any any (content:\"x\"; sid:4294967296;)", -EINVAL, "sid:"},
		{RULE("content:\"x\"; flowbits:set,a;"), -ENOTSUP, "flowbits:"},
		{RULE("content:\"x\"; depht:3;"), -ENOTSUP, "depht:"},
		{RULE("content:\"x\"; nocase:1;"), -EINVAL, "nocase:"},
		{RULE("nocase; content:\"x\";"), -EINVAL, "nocase: no content"},
		{RULE("content:\"xyz\"; depth:2;"), -EINVAL, "depth: less than"},
		{RULE("content:\"x\"; depth:-1;"), -ENOTSUP, "depth:"},
		{RULE("content:\"x\"; depth:name;"), -ENOTSUP, "depth:"},
		{RULE("content:\"x\"; depth:1; depth:1;"), -EINVAL, "depth: is given twice"},
		{RULE("content:\"x\"; offset:1; distance:1;"), -EINVAL, "distance:"},
		{RULE("content:\"x\"; distance:-4;"), -ENOTSUP, "distance: -4"},
		{RULE("content:\"x\"; within:16385;"), -EINVAL, "within:"},
		{RULE("content:\"a\"; content:!\"x\"; within:5;"), -ENOTSUP, "within:"},
		{RULE("content:\"\";"), -EINVAL, "content:"},
		{RULE("content:x;"), -EINVAL, "content:"},
		{RULE("content:\"|4|\";"), -EINVAL, "content:"},
		{RULE("content:\"|4g|\";"), -EINVAL, "content:"},
		{RULE("content:\"|41\";"), -EINVAL, "content:"},
		{RULE("content:\"a\\n\";"), -EINVAL, "content:"},
		{RULE("content:!\"x\";"), -ENOTSUP, "content:"},
		{RULE("content:\"x\"; endswith;"), -ENOTSUP, "endswith:"},
		{RULE("content:\"x\"; content:\"y\"; http_uri; http_header;"), -EINVAL,
		 "http_header:"},
		{RULE("content:\"x\"; http_cookie;"), -ENOTSUP, "http_cookie:"},
		{RULE("content:\"x\"; http_uri; flow:to_client;"), -ENOTSUP, "to_client:"},
		{RULE("pcre:\"a\";"), -EINVAL, "pcre:"},
		{RULE("pcre:\"//\";"), -EINVAL, "pcre:"},
		{RULE("pcre:\"/a/x\";"), -ENOTSUP, "/x:"},
		{RULE("content:\"a\"; pcre:\"/b|^c/R\";"), -ENOTSUP, "/R:"},
		{RULE("content:\"x\"; flow:to_server,to_client;"), -EINVAL, "flow:"},
		{RULE("content:\"x\"; flow:sideways;"), -ENOTSUP, "sideways:"},
		{RULE("content:\"x\"; dsize:5<>5;"), -EINVAL, "dsize:"},
		{RULE("content:\"x\"; app_hash:12;"), -EINVAL, "app_hash:"},
		{RULE("content:\"x\"; app_set:-x;"), -EINVAL, "app_set:"},
		{RULE("content:\"x\"; msg:\"a\"; msg:\"b\";"), -EINVAL, "msg:"},
		{"alert udp any any -> any any (content:\"x\"; http_uri; sid:1;)", -EINVAL,
		 "http:"},
		{"alert tcp any any -> any any (content:\"\x01\"; sid:1;)", -EINVAL, "rule:"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sig_error err = {""};
		struct sig_rule *r = (void *)1;
		int e = sig_rule_parse(rows[i].text, &r, &err);

		expect_int(rows[i].text, e, rows[i].error);
		expect(strstr(err.text, rows[i].word) != NULL, "%s: got '%s', want '%s'",
		       rows[i].text, err.text, rows[i].word);
		expect(r == (void *)1, "%s: the output is touched", rows[i].text);
		if (!e)
			sig_rule_unref(r);
	}
}

static void values(void)
{
	struct sig_error err;
	struct sig_rule *r;
	char cve[32];

	if (!expect_int(
		    "a rule",
		    sig_rule_parse(
			    "drop tcp any any -> any 80 (msg:\"a\\;b\"; content:\"A|42 "
			    "0a|\\\"|43|\"; nocase; "
			    "offset:2; depth:9; content:\"z\"; distance:1; within:4; dsize:3<>9; "
			    "reference:url,x.example; reference:cve,2014-6271; sid:77; rev:2;)",
			    &r, &err),
		    0))
		return;
	expect_text("msg", r->msg, "a;b");
	expect_text("reference", r->reference, "url,x.example cve,2014-6271");
	sig_rule_cve(r, cve);
	expect_text("cve", cve, "CVE-2014-6271");
	expect_int("matches", (long long)r->n_matches, 2);
	expect_int("bytes", (long long)r->matches[0].n, 5);
	CU_ASSERT(memcmp(r->matches[0].text, "AB\n\"C", 5) == 0);
	CU_ASSERT(r->matches[0].nocase && r->matches[0].offset == 2 && r->matches[0].depth == 9);
	CU_ASSERT(r->matches[1].relative && r->matches[1].distance == 1 &&
		  r->matches[1].within == 4);
	CU_ASSERT(!sig_rule_size_fits(r, 3) && sig_rule_size_fits(r, 4) &&
		  sig_rule_size_fits(r, 8) && !sig_rule_size_fits(r, 9));
	CU_ASSERT(r->action == SIG_DROP && r->sid == 77 && r->rev == 2);
	sig_rule_unref(r);
}

static const struct unit_test tests[] = {
	{"what the subset has", accepts},
	{"what it has not is refused by its word", refuses},
	{"what a rule says", values},
};
UNIT_SUITE("fw/sig_rule", tests)
