/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/http.h"

#include <stdlib.h>

#include "expect.h"
#include "random.h"
#include "unit.h"

#define NOTES_MAX (1 << 20)

/* All that is handed on, as one text that does not depend on the pieces. */
struct notes {
	char *text;
	size_t n;
	uint64_t request;
	bool in_body;
	unsigned int anomalies;
};

static void note(struct notes *o, const char *head, struct http_text t)
{
	CU_ASSERT_FATAL(o->n + t.n + 64 < NOTES_MAX);
	o->n += (size_t)sprintf(o->text + o->n, "%s", head);
	memcpy(o->text + o->n, t.data, t.n);
	o->n += t.n;
	o->text[o->n] = '\0';
}

static void on_target(uint64_t request, struct http_text method, struct http_text raw,
		      struct http_text target, unsigned int anomalies, void *cookie)
{
	struct notes *o = cookie;

	(void)anomalies;
	CU_ASSERT(request == o->request);
	note(o, "<", method);
	note(o, "|", raw);
	note(o, "|", target);
	o->in_body = false;
}

static void on_headers(uint64_t request, struct http_text raw, bool last, unsigned int anomalies,
		       void *cookie)
{
	(void)anomalies;
	CU_ASSERT(request == ((struct notes *)cookie)->request);
	note(cookie, last ? "|" : "|+", raw);
}

static void on_body(uint64_t request, uint64_t offset, struct http_text data, void *cookie)
{
	struct notes *o = cookie;

	CU_ASSERT(request == o->request && data.n > 0);
	CU_ASSERT((offset == 0) == !o->in_body);
	note(o, o->in_body ? "" : "#", data);
	o->in_body = true;
}

static void on_end(uint64_t request, unsigned int anomalies, void *cookie)
{
	struct notes *o = cookie;

	CU_ASSERT(request == o->request++);
	o->anomalies |= anomalies;
	note(o, ">", (struct http_text){(const uint8_t *)"", 0});
}

static const struct http_ops ops = {on_target, on_headers, on_body, on_end};

static void notes_begin(struct notes *o)
{
	*o = (struct notes){.text = calloc(1, NOTES_MAX)};
	CU_ASSERT_PTR_NOT_NULL_FATAL(o->text);
}

#define R(line) line "\r\n"
#define EVIL	"GET /%2e%2E/Etc/a+b?q=%24%7Bjndi HTTP/1.1"

static const struct row {
	const char *name, *in, *out;
	bool over;
	unsigned int anomalies;
} rows[] = {
	{"a request", R("GET /A HTTP/1.1") R("Host: h") R(""), "<GET|/A|/a|Host: h\r\n>", false, 0},
	{"no header", R("GET /A HTTP/1.0") R(""), "<GET|/A|/a|>", false, 0},
	{"decoded once", R(EVIL) R(""), "<GET|/%2e%2E/Etc/a+b?q=%24%7Bjndi|/../etc/a+b?q=${jndi|>",
	 false, 0},
	{"encoded twice", R("GET /%2541 HTTP/1.1") R(""), "<GET|/%2541|/%41|>", false,
	 HTTP_TWICE_ENCODED},
	{"bad escapes", R("GET /%zz%4 HTTP/1.1") R(""), "<GET|/%zz%4|/%zz%4|>", false,
	 HTTP_BAD_ESCAPE},
	{"bare LF, empty lines before", "\r\n\nGET /a HTTP/1.1\nA: b\n\n", "<GET|/a|/a|A: b\n>",
	 false, 0},
	{"body by length, then another",
	 R("POST /a HTTP/1.1") R("content-LENGTH: 3") R("") "xyz" R("GET /b HTTP/1.1") R(""),
	 "<POST|/a|/a|content-LENGTH: 3\r\n#xyz><GET|/b|/b|>", false, 0},
	{"chunks",
	 R("POST /a HTTP/1.1") R("Transfer-Encoding: chunked") R("") R("3;x=y") R("abc") R("A")
		 R("0123456789") R("0") R("Trailer: t") R("") R("GET /b HTTP/1.1") R(""),
	 "<POST|/a|/a|Transfer-Encoding: chunked\r\n#abc0123456789><GET|/b|/b|>", false, 0},
	{"both lengths",
	 R("POST /a HTTP/1.1") R("Content-Length: 90") R("Transfer-Encoding: chunked") R("") R("0")
		 R("") R("GET /b HTTP/1.1") R(""),
	 "<POST|/a|/a|Content-Length: 90\r\nTransfer-Encoding: chunked\r\n><GET|/b|/b|>", false,
	 HTTP_BOTH_LENGTHS},
	{"two lengths",
	 R("POST /a HTTP/1.1") R("Content-Length: 1") R("Content-Length: 2") R("") "x",
	 "<POST|/a|/a|Content-Length: 1\r\nContent-Length: 2\r\n#x>", false, HTTP_MANY_LENGTHS},
	{"a length that is none", R("POST /a HTTP/1.1") R("Content-Length: +1") R(""),
	 "<POST|/a|/a|Content-Length: +1\r\n>", false, HTTP_BAD_LENGTH},
	{"a folded length", R("POST /a HTTP/1.1") R("Content-Length:") R(" 2") R("") "xy",
	 "<POST|/a|/a|Content-Length:\r\n 2\r\n#xy>", false, HTTP_FOLDED},
	{"a blank before the colon", R("POST /a HTTP/1.1") R("Content-Length : 1") R("") "x",
	 "<POST|/a|/a|Content-Length : 1\r\n#x>", false, HTTP_BAD_HEADER},
	{"codings", R("POST /a HTTP/1.1") R("Transfer-Encoding: gzip, chunked") R("") R("0") R(""),
	 "<POST|/a|/a|Transfer-Encoding: gzip, chunked\r\n>", false, HTTP_BAD_CODING},
	{"a bad chunk",
	 R("POST /a HTTP/1.1") R("Transfer-Encoding: chunked") R("") R("1") "ab" R(""),
	 "<POST|/a|/a|Transfer-Encoding: chunked\r\n#a>", true, HTTP_BAD_CHUNK},
	{"upgrade, declined", R("GET /a HTTP/1.1") R("Upgrade: x") R("") R("GET /b HTTP/1.1") R(""),
	 "<GET|/a|/a|Upgrade: x\r\n><GET|/b|/b|>", false, HTTP_UPGRADE},
	{"upgrade, taken", R("GET /a HTTP/1.1") R("Upgrade: x") R("") "\x81\x05hello",
	 "<GET|/a|/a|Upgrade: x\r\n>", true, HTTP_UPGRADE},
	{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "", true, 0},
	{"binary", "\x16\x03\x01", "", true, 0},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", true, 0},
	{"HTTP/0.9", R("GET /a") R(""), "<GET|/a|/a|>", false, HTTP_BAD_VERSION},
};

static void expect_row(const struct row *row, size_t first, struct rng *rng)
{
	struct notes o;
	struct http *h;
	size_t n = strlen(row->in), at = 0;

	notes_begin(&o);
	h = http_new(&ops, &o);
	while (at < n) {
		size_t piece = !at && first ? first : rng ? 1 + rng_below(rng, 4) : n - at;

		piece = piece < n - at ? piece : n - at;
		CU_ASSERT(http_feed(h, row->in + at, piece) == 0);
		at += piece;
	}
	expect(strcmp(o.text, row->out) == 0, "%s, first %zu: '%s'", row->name, first, o.text);
	expect(http_is_over(h) == row->over, "%s: over", row->name);
	expect(o.anomalies == row->anomalies, "%s: anomalies %#x", row->name, o.anomalies);
	CU_ASSERT(http_requests(h) == o.request);
	http_free(h);
	free(o.text);
}

static void requests_are_read_in_any_pieces(void)
{
	struct rng rng = rng_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t at = 0; at <= strlen(rows[i].in); at++)
			expect_row(&rows[i], at, NULL);
		for (int k = 0; k < 20; k++)
			expect_row(&rows[i], 1, &rng);
	}
}

static void long_ones_are_cut(void)
{
	static char many[3 * HTTP_HEADERS_MAX];
	struct notes o;
	struct http *h;
	size_t n;

	notes_begin(&o);
	h = http_new(&ops, &o);
	n = (size_t)sprintf(many, "PUT /");
	memset(many + n, 'x', HTTP_TARGET_MAX + 500);
	n += HTTP_TARGET_MAX + 500;
	n += (size_t)sprintf(many + n, " HTTP/1.1\r\n");
	while (n < 2 * HTTP_HEADERS_MAX)
		n += (size_t)sprintf(many + n, "Name: value\r\n");
	n += (size_t)sprintf(many + n, "Content-Length: 1\r\n\r\n!PUT /b HTTP/1.1\r\n\r\n");
	CU_ASSERT(http_feed(h, many, n) == 0);
	CU_ASSERT(o.anomalies == (HTTP_TARGET_CUT | HTTP_HEADERS_CUT) && o.request == 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "\r\n#!><PUT|/b|/b|>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "Name: value\r\n|Name: value\r\n"));
	CU_ASSERT(http_memory(h) < 150 * 1024);
	http_free(h);
	free(o.text);
}

static void gaps_are_only_in_bodies(void)
{
	static const char in[] = R("POST /a HTTP/1.1") R("Content-Length: 5") R("") "a";
	struct notes o;
	struct http *h;

	notes_begin(&o);
	h = http_new(&ops, &o);
	http_feed(h, in, sizeof(in) - 1);
	http_gap(h, 4);
	CU_ASSERT(!http_is_over(h) && o.request == 1);
	http_gap(h, 1);
	CU_ASSERT(http_is_over(h));
	http_free(h);
	free(o.text);
}

static const struct unit_test tests[] = {
	{"requests are read in any pieces", requests_are_read_in_any_pieces},
	{"long targets and headers are cut, and what follows is read", long_ones_are_cut},
	{"a gap outside of a body ends it", gaps_are_only_in_bodies},
};
UNIT_SUITE("fw/http", tests)
