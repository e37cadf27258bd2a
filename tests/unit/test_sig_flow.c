/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fw/sig_flow.h"
#include "sigs.h"
#include "unit.h"

static void on_fire(void *cookie, struct sig_rule *rule)
{
	char *text = cookie;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%s%u", n ? " " : "", rule->sid);
}

static struct packet packet_of(uint8_t proto, bool to_server)
{
	struct packet p = {.family = 4,
			   .proto = proto,
			   .has_proto = true,
			   .has_ports = true,
			   .sport = to_server ? 4000 : 80,
			   .dport = to_server ? 80 : 4000,
			   .saddr = {10, 0, 0, to_server ? 1 : 2},
			   .daddr = {10, 0, 0, to_server ? 2 : 1}};
	return p;
}

/* What fires of bytes that come in pieces of so many. */
static void feed(struct sig_flow *f, bool to_server, const char *data, size_t n, size_t piece,
		 char fired[256])
{
	struct packet p = packet_of(IPPROTO_TCP, to_server);
	struct sig_context c = {.packet = &p, .to_server = to_server, .established = true};

	for (size_t at = 0; at < n; at += piece) {
		size_t k = n - at < piece ? n - at : piece;

		c.size = k;
		expect_int("bytes", sig_flow_bytes(f, &c, data + at, k, on_fire, fired), 0);
	}
}

static void datagram(const char *rules, const char *data, size_t n, const char *want)
{
	struct packet p = packet_of(IPPROTO_UDP, true);
	struct sig_context c = {.packet = &p, .size = n};
	struct sig_set *s = sigs(rules);
	char fired[256] = "";

	if (!s)
		return;
	expect_int(rules, sig_datagram(s, &c, data, n, on_fire, fired), 0);
	expect(strcmp(fired, want) == 0, "%s on '%s': got '%s', want '%s'", rules, data, fired,
	       want);
	sig_set_unref(s);
}

#define UDP(options) "alert udp any any -> any any (" options " sid:1;)"

static void contents(void)
{
	static const struct {
		const char *options, *data;
		bool fires;
	} rows[] = {
		{UDP("content:\"abc\";"), "xxabcxx", true},
		{UDP("content:\"abc\";"), "xxaBcxx", false},
		{UDP("content:\"abc\"; nocase;"), "xxaBcxx", true},
		{UDP("content:\"|61 62|c\";"), "xxabcxx", true},
		{UDP("content:\"a.c\";"), "abc", false},
		{UDP("content:\"abc\"; offset:2;"), "xxabc", true},
		{UDP("content:\"abc\"; offset:3;"), "xxabc", false},
		{UDP("content:\"abc\"; offset:3;"), "abcabc", true},
		{UDP("content:\"abc\"; depth:5;"), "xxabc", true},
		{UDP("content:\"abc\"; depth:4;"), "xxabc", false},
		{UDP("content:\"abc\"; offset:2; depth:3;"), "xxabc", true},
		{UDP("content:\"abc\"; offset:1; depth:3;"), "xxabc", false},
		{UDP("content:\"abc\"; startswith;"), "abcx", true},
		{UDP("content:\"abc\"; startswith;"), "xabc", false},
		{UDP("content:\"abc\"; endswith;"), "xabc", true},
		{UDP("content:\"abc\"; endswith;"), "abcx", false},
		{UDP("content:\"a\"; content:\"b\";"), "ba", true},
		{UDP("content:\"a\"; content:\"b\";"), "aa", false},
		{UDP("content:\"a\"; content:\"b\"; distance:0;"), "ba", false},
		{UDP("content:\"a\"; content:\"b\"; distance:0;"), "bab", true},
		{UDP("content:\"a\"; content:\"b\"; distance:2;"), "a.b", false},
		{UDP("content:\"a\"; content:\"b\"; distance:2;"), "a..b", true},
		{UDP("content:\"a\"; content:\"b\"; within:1;"), "ab", true},
		{UDP("content:\"a\"; content:\"b\"; within:1;"), "a.b", false},
		{UDP("content:\"a\"; content:\"bc\"; distance:1; within:3;"), "a..bc", true},
		{UDP("content:\"a\"; content:\"bc\"; distance:1; within:3;"), "abc", false},
		{UDP("content:\"a\"; content:\"bc\"; distance:1; within:3;"), "a...bc", false},
		{UDP("content:\"a\"; content:\"b\"; distance:0; content:\"c\"; distance:0;"),
		 "a1b1c", true},
		{UDP("content:\"a\"; content:\"b\"; distance:0; content:\"c\"; distance:0;"),
		 "a1c1b", false},
		{UDP("content:\"a\"; within:2; content:\"c\"; distance:0;"), ".a.c", true},
		{UDP("content:\"a\"; within:2; content:\"c\"; distance:0;"), "..a.c", false},
		{UDP("content:\"a\"; offset:1; depth:2; content:\"c\"; distance:0;"), "..ac", true},
		{UDP("content:\"a\"; offset:1; depth:2; content:\"c\"; distance:0;"), "a..ac",
		 false},
		{UDP("content:\"a\"; content:!\"b\";"), "a", true},
		{UDP("content:\"a\"; content:!\"b\";"), "ab", false},
		{UDP("content:\"a\"; content:!\"b\"; offset:2; depth:1;"), "ab", true},
		{UDP("content:\"a\"; content:!\"b\"; offset:2; depth:1;"), "axb", false},
		{UDP("content:\"a\"; pcre:!\"/b+c/\";"), "abb", true},
		{UDP("content:\"a\"; pcre:!\"/b+c/\";"), "abbc", false},
		{UDP("pcre:\"/a.c/\";"), "a\nc", false},
		{UDP("pcre:\"/a.c/s\";"), "a\nc", true},
		{UDP("pcre:\"/^b/\";"), "a\nb", false},
		{UDP("pcre:\"/^b/m\";"), "a\nb", true},
		{UDP("pcre:\"/AB/i\";"), "xab", true},
		{UDP("content:\"a\"; pcre:\"/b/R\";"), "ba", false},
		{UDP("content:\"a\"; pcre:\"/b/R\";"), "a.b", true},
		{UDP("content:\"a\"; pcre:\"/^b/R\";"), "a.b", false},
		{UDP("content:\"a\"; pcre:\"/^b/R\"; content:\"c\"; distance:1;"), "ab.c", true},
		{UDP("content:\"a\"; pcre:\"/b|x/R\"; content:\"c\"; within:1;"), "a.xc", true},
		{UDP("content:\"a\"; dsize:3;"), "a..", true},
		{UDP("content:\"a\"; dsize:3;"), "a.", false},
		{UDP("content:\"a\"; dsize:<3;"), "a.", true},
		{"alert tcp any any -> any any (content:\"a\"; sid:1;)", "a", false},
		{"alert ip any any -> any any (content:\"a\"; sid:1;)", "a", true},
		{"alert udp any any -> any 81 (content:\"a\"; sid:1;)", "a", false},
		{"alert udp any any -> any !81 (content:\"a\"; sid:1;)", "a", true},
		{"alert udp any any -> any [1:79,80] (content:\"a\"; sid:1;)", "a", true},
		{"alert udp any 80 -> any any (content:\"a\"; sid:1;)", "a", false},
		{"alert udp any 80 <> any any (content:\"a\"; sid:1;)", "a", true},
		{"alert udp 10.0.0.0/24 any -> !10.0.0.3 any (content:\"a\"; sid:1;)", "a", true},
		{"alert udp [10.0.0.0/24,!10.0.0.1] any -> any any (content:\"a\"; sid:1;)", "a",
		 false},
		{"alert udp 2001:db8::/32 any -> any any (content:\"a\"; sid:1;)", "a", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		datagram(rows[i].options, rows[i].data, strlen(rows[i].data),
			 rows[i].fires ? "1" : "");
	datagram(UDP("content:\"|00|a|00|\";"), "x\0a\0", 4, "1");
	datagram(UDP("content:\"a\"; content:\"b\";") "\n"
						      "alert udp any any -> any any "
						      "(content:\"b\"; content:!\"c\"; sid:2;)",
		 "ab", 2, "1 2");
}

/* The rules, behind as many others as make their contents sig_literals.h's. */
static struct sig_set *behind_many(const char *rules)
{
	_cleanup_free_ char *text = malloc(100 * SIG_LITERALS_FROM + strlen(rules) + 1);
	size_t n = 0;

	for (unsigned int i = 0; text && i < SIG_LITERALS_FROM; i++)
		n += (size_t)sprintf(
			text + n,
			"alert tcp any any -> any any (content:\"|00 01|%08x|02|\"; sid:%u;)\n",
			i * 2654435761u, 1000 + i);
	if (!text)
		return NULL;
	strcpy(text + n, rules);
	return sigs(text);
}

static int by_number(const void *a, const void *b)
{
	return atoi(*(char *const *)a) - atoi(*(char *const *)b);
}

/* Of what one piece completes, it is not said which is first. */
static void sort_words(char text[256])
{
	char copy[256], *words[64], *next = copy;
	size_t n = 0;

	strcpy(copy, text);
	for (char *word; n < 64 && (word = strsep(&next, " "));)
		words[n++] = word;
	qsort(words, n, sizeof(*words), by_number);
	*text = '\0';
	for (size_t i = 0; i < n; i++)
		sprintf(text + strlen(text), "%s%s", i ? " " : "", words[i]);
}

/* Of one way of f, in pieces of so many bytes. */
static void fires(struct sig_flow *f, bool to_server, const char *data, size_t piece,
		  const char *want)
{
	char fired[256] = "";

	feed(f, to_server, data, strlen(data), piece, fired);
	sort_words(fired);
	expect(!strcmp(fired, want), "'%s' by %zu, %s: '%s', want '%s'", data, piece,
	       to_server ? "up" : "down", fired, want);
}

/* Streams in pieces of any size, over each way: the same, whoever looks for the contents. */
static void streams(bool many)
{
	static const char rules[] =
		"alert tcp any any -> any 80 (content:\"needle-in-it\"; sid:1;)\n"
		"alert tcp any any -> any any (flow:to_client; content:\"NEEDLE-in-it\"; nocase; "
		"sid:2;)\n"
		"alert tcp any any -> any 80 (content:\"number-one\"; content:\"number-two\"; "
		"sid:3;)\n"
		"alert tcp any any -> any 80 (content:\"number-one\"; content:\"number-two\"; "
		"distance:0; within:14; sid:4;)\n"
		"alert tcp any any -> any 80 (content:\"needle-in-it\"; content:!\"the-thread\"; "
		"sid:5;)\n"
		"alert tcp any any -> any 80 (content:\"hay-and-straw\"; depth:15; sid:6;)\n"
		"alert tcp any any -> any 80 (content:\"hay-and-straw\"; offset:4; sid:7;)\n"
		"alert tcp any any -> any 80 (content:\"a|20|\"; content:\"needle-in-it\"; "
		"sid:8;)\n"
		"alert tcp any any -> any 80 (content:\"needle-in-it\"; dsize:>100; sid:9;)\n"
		"alert tcp any any -> any 80 (content:\"number-six\"; startswith; sid:10;)\n";
	static const struct {
		const char *data, *up, *down;
	} rows[] = {
		{"..needle-in-it..needle-in-it", "1 5", "2"},
		{"a needle-in-it", "1 5 8", "2"},
		{"..needle-i.n-it..", "", ""},
		{"..Needle-in-it..", "", "2"},
		{"number-two..number-one", "3", ""},
		{"number-one..number-two", "3 4", ""},
		{"the-thread needle-in-it", "1", "2"},
		{"..hay-and-straw", "6", ""},
		{"...hay-and-straw", "", ""},
		{"....hay-and-straw", "7", ""},
		{"number-six", "10", ""},
		{".number-six", "", ""},
	};
	struct sig_set *s = many ? behind_many(rules) : sigs(rules);

	CU_ASSERT(s && (sig_set_literals(s) > SIG_LITERALS_FROM) == many);
	for (size_t i = 0; s && i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= strlen(rows[i].data); piece++) {
			struct sig_flow *f = sig_flow_new(s);

			fires(f, true, rows[i].data, piece, rows[i].up);
			fires(f, false, rows[i].data, piece, rows[i].down);
			sig_flow_free(f);
		}
	sig_set_unref(s);
}

static void streams_of_few(void)
{
	streams(false);
}

static void streams_of_many(void)
{
	streams(true);
}

/* Nothing goes across a gap, or from one set to the next, there either. */
static void many_adopt(void)
{
	struct sig_set *a =
		behind_many("alert tcp any any -> any any (content:\"first-one\"; sid:1;)");
	struct sig_set *b =
		behind_many("alert tcp any any -> any any (content:\"other-one\"; sid:2;)");
	struct sig_flow *f = a ? sig_flow_new(a) : NULL;
	char fired[256] = "";

	if (!f || !b)
		return;
	feed(f, true, "first-one other-", 16, 5, fired);
	expect_int("adopt", sig_flow_adopt(f, b), 0);
	feed(f, true, "one", 3, 3, fired);
	expect_text("fired", fired, "1");
	feed(f, true, "other-o", 7, 7, fired);
	sig_flow_gap(f, true, 10);
	feed(f, true, "ne", 2, 2, fired);
	expect_text("fired", fired, "1");
	feed(f, true, " other-one", 10, 4, fired);
	expect_text("fired", fired, "1 2");
	CU_ASSERT(sig_flow_memory(f) >= sig_set_stream_memory(b));
	sig_flow_free(f);
	sig_set_unref(a);
	sig_set_unref(b);
}

/* Where vectorscan has much to do for the same bytes in any case, it does all of it. */
static void few(void)
{
	struct sig_set *s;
	char rules[100 * (SIG_LITERALS_REST + 1)] = "";

	for (unsigned int i = 0; i <= SIG_LITERALS_REST; i++)
		sprintf(rules + strlen(rules),
			"alert tcp any any -> any any (content:\"%04x\"; sid:%u;)\n", i, i + 1);
	s = behind_many(rules);
	CU_ASSERT(s && sig_set_literals(s) == 0);
	sig_set_unref(s);
	s = sigs("alert tcp any any -> any any (content:\"needle-in-it\"; sid:1;)");
	CU_ASSERT(s && sig_set_literals(s) == 0);
	sig_set_unref(s);
}

static void requests(void)
{
	static const char rules[] =
		"alert http any any -> any any (http.uri; content:\"/etc/passwd\"; sid:1;)\n"
		"alert tcp any any -> any any (content:\"${jndi:\"; http_header; sid:2;)\n"
		"alert http any any -> any any (http.method; content:\"POST\"; http.request_body; "
		"content:\"evil\"; sid:3;)\n"
		"alert http any any -> any any (http.uri; content:\"/login\"; http.header; "
		"content:!\"Referer\"; nocase; sid:4;)\n"
		"alert http any any -> any any (http.uri; content:\"/end\"; endswith; sid:5;)\n"
		"alert http any any -> any any (http.request_body; content:\"last\"; endswith; "
		"sid:6;)\n"
		"alert http any any -> any any (http.uri; content:\"/a\"; http.request_body; "
		"content:!\"token\"; sid:7;)\n"
		"alert http any any -> any any (content:\"raw\"; sid:8;)\n"
		"alert http any any -> any any (http.uri.raw; content:\"%2e\"; sid:9;)\n";
#define GET(target, headers) "GET " target " HTTP/1.1\r\nHost: x\r\n" headers "\r\n"
#define POST(target, length, body) \
	"POST " target " HTTP/1.1\r\nContent-Length: " length "\r\n\r\n" body
	static const struct {
		const char *data, *want;
	} rows[] = {
		{GET("/x", ""), ""},
		{GET("/../etc/passwd", ""), "1"},
		{GET("/%2e%2e/%65tc/pASSwd", ""), "1 9"},
		{GET("/x", "X: /etc/passwd\r\n"), ""},
		{GET("/x", "X: ${jndi:ldap}\r\n"), "2"},
		{GET("/x?${jndi:ldap}", ""), ""},
		{POST("/x", "6", "..evil"), "3"},
		{POST("/x", "3", "..evil"), ""},
		{GET("/x", "") POST("/x", "6", "..evil") GET("/etc/passwd", ""), "1 3"},
		{"GET /x HTTP/1.1\r\nContent-Length: 4\r\n\r\nevil", ""},
		{GET("/login", ""), "4"},
		{GET("/login", "referer: y\r\n"), ""},
		{GET("/the/end", ""), "5"},
		{GET("/the/end/", ""), ""},
		{POST("/x", "4", "last") GET("/x", ""), "6"},
		{POST("/x", "5", "last.") GET("/x", ""), ""},
		{POST("/a", "1", "x"), "7"},
		{POST("/a", "5", "token"), ""},
		{GET("/a", ""), "7"},
		{GET("/raw", ""), "8"},
		{"raw bytes, no request\r\n\r\n", ""},
	};
	struct sig_set *s = sigs(rules);

	for (size_t i = 0; s && i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= strlen(rows[i].data); piece++) {
			struct sig_flow *f = sig_flow_new(s);

			fires(f, true, rows[i].data, piece, rows[i].want);
			sig_flow_free(f);
		}
	sig_set_unref(s);
}

/* Another set goes on in the middle of a connection; what counts from its start is over. */
static void adopts(void)
{
	struct sig_set *a = sigs("alert tcp any any -> any any (content:\"one\"; sid:1;)");
	struct sig_set *b =
		sigs("alert tcp any any -> any any (content:\"two\"; sid:2;)\n"
		     "alert tcp any any -> any any (content:\"two\"; startswith; sid:3;)\n"
		     "alert tcp any any -> any any (content:\"a\"; content:\"b\"; sid:4;)");
	struct sig_flow *f = a ? sig_flow_new(a) : NULL;
	char fired[256] = "";

	if (!f || !b)
		return;
	feed(f, true, "..one", 5, 2, fired);
	expect_int("adopt", sig_flow_adopt(f, b), 0);
	CU_ASSERT(sig_flow_set(f) == b);
	feed(f, true, "two one ab", 10, 3, fired);
	expect_text("fired", fired, "1 2 4");
	sig_flow_gap(f, true, 10);
	feed(f, true, "tw", 2, 2, fired);
	sig_flow_gap(f, true, 10);
	feed(f, true, "o", 1, 1, fired);
	expect_text("nothing across a gap", fired, "1 2 4");
	sig_flow_free(f);
	sig_set_unref(a);
	sig_set_unref(b);
}

static void wants(void)
{
	struct packet to80 = packet_of(IPPROTO_TCP, true), from80 = packet_of(IPPROTO_TCP, false);
	struct packet udp = packet_of(IPPROTO_UDP, true), other = to80;
	struct sig_set *s = sigs("alert tcp any any -> 10.0.0.2 80 (content:\"x\"; sid:1;)");

	if (!s)
		return;
	other.dport = 81;
	CU_ASSERT(sig_set_may_want(s, &to80) && sig_set_may_want(s, &from80));
	CU_ASSERT(!sig_set_may_want(s, &other) && !sig_set_may_want(s, &udp));
	CU_ASSERT(sig_set_wants(s, &to80, true) && !sig_set_wants(s, &from80, false));
	to80.daddr[3] = 9;
	CU_ASSERT(!sig_set_wants(s, &to80, true));
	CU_ASSERT(!sig_set_stops(s) && !sig_set_wants_http(s));
	sig_set_unref(s);
}

static void refuses(void)
{
	static const char *const rows[] = {
		UDP("pcre:\"/(a)\\1/\";"),
		UDP("pcre:\"/a(?=b)/\";"),
		UDP("pcre:\"/(/\";"),
		UDP("pcre:\"/((a{100}){100}){100}/\";"),
		UDP("pcre:\"/a{100}{100}{100}/\";"),
		UDP("pcre:\"/a*/\";"),
		UDP("pcre:\"/([a-z]{2,200}x){3,400}/\";"),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sig_error err = {""};
		struct sig_set *s = NULL;
		struct sig_rule *r;
		size_t bad = 99;

		if (!expect_int(rows[i], sig_rule_parse(rows[i], &r, &err), 0))
			continue;
		expect(sig_set_check(r, &err) < 0, "%s is taken", rows[i]);
		expect(*err.text != '\0', "%s: no word", rows[i]);
		if (i < 2) {
			expect(sig_set_new(&r, 1, 0, &s, &bad, &err) < 0, "%s is compiled",
			       rows[i]);
			expect_int("which", (long long)bad, 0);
		}
		sig_rule_unref(r);
	}
}

static const struct unit_test tests[] = {
	{"what contents and expressions match", contents},
	{"streams in pieces of any size", streams_of_few},
	{"the same among many contents", streams_of_many},
	{"another set and gaps with many contents", many_adopt},
	{"when vectorscan looks for all", few},
	{"HTTP requests in pieces of any size", requests},
	{"another set in the middle", adopts},
	{"which packets a set wants", wants},
	{"what cannot be compiled", refuses},
};
UNIT_SUITE("fw/sig_flow", tests)
