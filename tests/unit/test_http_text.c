/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/http_text.h"

#include <string.h>

#include "expect.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A literal of any bytes. */
#define T(literal)                                              \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

static bool same(struct http_text got, const char *want)
{
	return got.n == strlen(want) && memcmp(got.data, want, got.n) == 0;
}

static void tokens(void)
{
	static const char all[] = "!#$%&'*+-.^_`|~0123456789"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (int c = 0; c < 256; c++)
		expect(http_is_token((uint8_t)c) == (c && strchr(all, c)), "byte %#x", (unsigned)c);
}

static void targets_are_decoded_once(void)
{
	static const struct {
		struct http_text raw;
		const char *want;
		unsigned int anomalies;
	} cases[] = {
		{T(""), "", 0},
		{T("/A+b/../C?X=Y"), "/a+b/../c?x=y", 0},
		{T("%2fetc%2Fpasswd"), "/etc/passwd", 0},
		{T("%41"), "a", 0},
		{T("\xc3\x84"), "\xc3\x84", 0}, /* only A to Z have small letters here */
		{T("%"), "%", HTTP_BAD_ESCAPE},
		{T("%4"), "%4", HTTP_BAD_ESCAPE},
		{T("a%G1%1G"), "a%g1%1g", HTTP_BAD_ESCAPE},
		{T("%252e"), "%2e", HTTP_TWICE_ENCODED},
		{T("%%32e"), "%2e", HTTP_BAD_ESCAPE | HTTP_TWICE_ENCODED},
		{T("%25"), "%", 0},
		{T("%253"), "%3", 0},
	};

	for (size_t i = 0; i < N(cases); i++) {
		uint8_t out[32];
		unsigned int anomalies = HTTP_FOLDED;
		size_t n = http_normalise(cases[i].raw, out, &anomalies);

		expect(same((struct http_text){out, n}, cases[i].want), "%s: '%.*s'",
		       (const char *)cases[i].raw.data, (int)n, (const char *)out);
		expect(anomalies == (HTTP_FOLDED | cases[i].anomalies), "%s: anomalies %#x",
		       (const char *)cases[i].raw.data, anomalies);
	}
}

static void a_decoded_nul_is_a_byte(void)
{
	static const struct http_text raw = T("a%00b");
	unsigned int anomalies = 0;
	uint8_t out[8];

	CU_ASSERT(http_normalise(raw, out, &anomalies) == 3 && !memcmp(out, "a\0b", 3));
}

static void request_lines(void)
{
	static const struct {
		struct http_text line;
		bool is;
		const char *method, *target;
		unsigned int anomalies;
	} cases[] = {
		{T("GET / HTTP/1.1"), true, "GET", "/", 0},
		{T("get / HTTP/1.0"), true, "get", "/", 0},
		{T("M-SEARCH * HTTP/1.1"), true, "M-SEARCH", "*", 0},
		{T("GET  /a b\t HTTP/1.1"), true, "GET", "/a b", 0},
		{T("GET / HTTP/1.1 "), true, "GET", "/", 0},
		{T("GET / HTTP/1.2"), true, "GET", "/", HTTP_BAD_VERSION},
		{T("GET / HTTP/"), true, "GET", "/", HTTP_BAD_VERSION},
		{T("GET /a"), true, "GET", "/a", HTTP_BAD_VERSION},
		{T("GET /a http/1.1"), true, "GET", "/a http/1.1", HTTP_BAD_VERSION},
		{T("POST /a"), false, NULL, NULL, 0},
		{T("CONNECT a:443 HTTP/1.1"), true, "CONNECT", "a:443", HTTP_UPGRADE},
		{T("PRI * HTTP/2.0"), false, NULL, NULL, 0},
		{T("PRI * HTTP/1.1"), true, "PRI", "*", 0},
		{T("GET HTTP/1.1"), false, NULL, NULL, 0},
		{T(""), false, NULL, NULL, 0},
		{T(" GET / HTTP/1.1"), false, NULL, NULL, 0},
		{T("GET"), false, NULL, NULL, 0},
		{T("GET "), false, NULL, NULL, 0},
		{T("G\"T / HTTP/1.1"), false, NULL, NULL, 0},
		{T("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1"), true,
		 "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "/", 0},
		{T("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1"), false, NULL, NULL, 0},
	};

	for (size_t i = 0; i < N(cases); i++) {
		const char *name = (const char *)cases[i].line.data;
		struct http_text method, target;
		unsigned int anomalies = 0;
		bool is = http_request_line(cases[i].line, &method, &target, &anomalies);

		if (!expect(is == cases[i].is, "%s: %d", name, is) || !is)
			continue;
		expect(same(method, cases[i].method), "%s: method", name);
		expect(same(target, cases[i].target), "%s: target '%.*s'", name, (int)target.n,
		       (const char *)target.data);
		expect(anomalies == cases[i].anomalies, "%s: anomalies %#x", name, anomalies);
	}
}

static void header_lines(void)
{
	static const struct {
		struct http_text lines[2];
		struct http_framing want;
		unsigned int anomalies;
	} cases[] = {
		{{T("Host: a")}, {0}, 0},
		{{T("Content-Length: 12")}, {true, false, false, 12}, 0},
		{{T("cOnTeNt-lEnGtH:12\t")}, {true, false, false, 12}, 0},
		{{T("Content-Length:")}, {true, false, false, 0}, HTTP_BAD_LENGTH},
		{{T("Content-Length: 1,1")}, {true, false, false, 0}, HTTP_BAD_LENGTH},
		{{T("Content-Length: 0x10")}, {true, false, false, 0}, HTTP_BAD_LENGTH},
		{{T("Content-Length: -1")}, {true, false, false, 0}, HTTP_BAD_LENGTH},
		{{T("Content-Length: 1000000000000000000")},
		 {true, false, false, 1000000000000000000ull},
		 0},
		{{T("Content-Length: 18446744073709551617")},
		 {true, false, false, 0},
		 HTTP_BAD_LENGTH},
		{{T("Content-Length: 1"), T("Content-Length: 2")},
		 {true, false, false, 1},
		 HTTP_MANY_LENGTHS},
		{{T("Transfer-Encoding: Chunked")}, {false, true, true, 0}, 0},
		{{T("Transfer-Encoding: gzip, chunked")}, {false, true, true, 0}, HTTP_BAD_CODING},
		{{T("Transfer-Encoding: chunked, gzip")}, {false, true, false, 0}, HTTP_BAD_CODING},
		{{T("Transfer-Encoding: chunked"), T("Transfer-Encoding: x")},
		 {false, true, false, 0},
		 HTTP_BAD_CODING},
		{{T("Transfer-Encoding: chunked"), T("Content-Length: 1")},
		 {true, true, true, 1},
		 HTTP_BOTH_LENGTHS},
		{{T("Upgrade: h2c")}, {0}, HTTP_UPGRADE},
		{{T("Content-Length : 3")}, {true, false, false, 3}, HTTP_BAD_HEADER},
		{{T(": 3")}, {0}, HTTP_BAD_HEADER},
		{{T("Content-Length")}, {0}, HTTP_BAD_HEADER},
		{{T("")}, {0}, HTTP_BAD_HEADER},
		{{T("A: b\0c")}, {0}, HTTP_BAD_HEADER},
		{{T("A: b\rContent-Length: 3")}, {0}, HTTP_BAD_HEADER},
		{{T("Content-Length:\r\n 3")}, {true, false, false, 3}, 0},
	};

	for (size_t i = 0; i < N(cases); i++) {
		const char *name = (const char *)cases[i].lines[0].data;
		const struct http_framing *want = &cases[i].want;
		struct http_framing f = {0};
		unsigned int anomalies = 0;

		for (size_t k = 0; k < 2 && cases[i].lines[k].data; k++)
			http_header_line(cases[i].lines[k], &f, &anomalies);
		expect(f.has_length == want->has_length && f.length == want->length,
		       "%s: length %d %llu", name, f.has_length, (unsigned long long)f.length);
		expect(f.has_coding == want->has_coding && f.chunked == want->chunked,
		       "%s: coding %d, chunked %d", name, f.has_coding, f.chunked);
		expect(anomalies == cases[i].anomalies, "%s: anomalies %#x", name, anomalies);
	}
}

static void chunk_sizes(void)
{
	static const struct {
		struct http_text line;
		bool is;
		uint64_t size;
	} cases[] = {
		{T("0"), true, 0},
		{T("1aF"), true, 0x1af},
		{T("0010"), true, 16},
		{T("5;name=value"), true, 5},
		{T("5 ;name"), true, 5},
		{T("5\t"), true, 5},
		{T("fffffffffffffff"), true, 0xfffffffffffffffull},
		{T("10000000000000000"), false, 0},
		{T("fffffffffffffffff"), false, 0},
		{T(""), false, 0},
		{T(";"), false, 0},
		{T(" 5"), false, 0},
		{T("-1"), false, 0},
		{T("5x"), false, 0},
		{T("0x5"), false, 0},
	};

	for (size_t i = 0; i < N(cases); i++) {
		const char *name = (const char *)cases[i].line.data;
		uint64_t size = 77;
		bool is = http_chunk_size(cases[i].line, &size);

		expect(is == cases[i].is, "'%s': %d", name, is);
		expect(size == (cases[i].is ? cases[i].size : 77), "'%s': %llu", name,
		       (unsigned long long)size);
	}
}

static const struct unit_test tests[] = {
	{"tokens are those of RFC 9110", tokens},
	{"targets are decoded once", targets_are_decoded_once},
	{"a decoded NUL is a byte as any other", a_decoded_nul_is_a_byte},
	{"request lines", request_lines},
	{"header lines", header_lines},
	{"chunk sizes", chunk_sizes},
};
UNIT_SUITE("fw/http_text", tests)
