/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "fw/metrics.h"
#include "unit.h"

#define LONG_MS	   20000 /* no test waits this long: what comes later than that is lost */
#define BIG	   (32u << 20)
#define IDLE_MANY  200
#define SLOW_MANY  12
#define ENDS	   300
#define REPLY_ROOM 4096

/* --- A server on a port of its own, with a text for the tests --- */

struct server {
	struct metrics *metrics;
	struct sockaddr_in at;
	atomic_int told; /* calls of tell() */
	size_t size;	 /* of the text; 0: none */
};

static char *tell(void *cookie, size_t *length)
{
	struct server *s = cookie;
	char *text = s->size ? malloc(s->size + 1) : NULL;

	atomic_fetch_add(&s->told, 1);
	if (!text)
		return NULL;
	memset(text, 'x', s->size);
	text[s->size] = '\0';
	*length = s->size;
	return text;
}

static void start(struct server *s, size_t size)
{
	struct endpoint e;

	memset(s, 0, sizeof(*s));
	s->size = size;
	CU_ASSERT_EQUAL_FATAL(endpoint_parse("127.0.0.1:1", &e), 0);
	((struct sockaddr_in *)&e.address)->sin_port = 0;
	CU_ASSERT_EQUAL_FATAL(metrics_open(&e, tell, s, &s->metrics), 0);
	memcpy(&s->at, &e.address, sizeof(s->at));
	s->at.sin_port = htons(metrics_port(s->metrics));
}

static void start_serving(struct server *s, size_t size)
{
	start(s, size);
	metrics_serve(s->metrics);
}

/* --- Clients --- */

static int join_server(const struct server *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (const struct sockaddr *)&s->at, sizeof(s->at)), 0);
	return fd;
}

static void say(int fd, const char *text, size_t n)
{
	CU_ASSERT_EQUAL(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Bytes until the end of the connection, or -1 when that did not come; the first ones in head. */
static long read_all(int fd, char head[REPLY_ROOM])
{
	static char rest[1 << 16];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t kept = 0;
	long n = 0;

	while (poll(&p, 1, LONG_MS) > 0) {
		ssize_t got = recv(fd, rest, sizeof(rest), 0);
		size_t fits = got > 0 ? (size_t)got : 0;

		if (fits > REPLY_ROOM - 1 - kept)
			fits = REPLY_ROOM - 1 - kept;
		memcpy(head + kept, rest, fits);
		kept += fits;
		head[kept] = '\0';
		if (got <= 0)
			return n;
		n += got;
	}
	return -1;
}

/* The reply's beginning is valid until the next call. */
static const char *ask(const struct server *s, const char *request)
{
	static char reply[REPLY_ROOM];
	int fd = join_server(s);

	*reply = '\0';
	say(fd, request, strlen(request));
	expect(read_all(fd, reply) >= 0, "no end after: %.40s", request);
	close(fd);
	return reply;
}

static const char get[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

static void expect_served(const struct server *s, const char *when)
{
	const char *reply = ask(s, get);
	const char *body = strstr(reply, "\r\n\r\n");

	expect(strncmp(reply, "HTTP/1.1 200 ", 13) == 0, "%s: %.60s", when, reply);
	expect(body && strspn(body + 4, "x") == s->size && strlen(body + 4) == s->size,
	       "%s: the text", when);
}

static bool has_header(const char *reply, const char *line)
{
	const char *at = strstr(reply, line), *end = strstr(reply, "\r\n\r\n");

	return at && at[-1] == '\n' && at < end && strncmp(at + strlen(line), "\r\n", 2) == 0;
}

/* --- What must hold --- */

static void tells_the_text(void)
{
	struct server s;
	const char *reply;

	start_serving(&s, 100);
	expect_served(&s, "GET");
	reply = ask(&s, get);
	expect(has_header(reply, "Content-Type: application/openmetrics-text; version=1.0.0; "
				 "charset=utf-8"),
	       "type in: %s", reply);
	expect(has_header(reply, "Connection: close"), "close in: %s", reply);
	reply = ask(&s, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(strncmp(reply, "HTTP/1.1 200 ", 13) == 0, "HEAD: %s", reply);
	expect(has_header(reply, "Content-Length: 100"), "length in: %s", reply);
	expect(!strstr(reply, "xx"), "HEAD has no text: %s", reply);
	metrics_close(s.metrics);
}

static void refuses_the_rest(void)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"GET /metric HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"GET /../metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404},
		{"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405},
		{"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 405},
		{"PUT /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405},
		{"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"OPTIONS /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"get /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"GET /metrics HTTP/1.1\r\n\r\n", 400},
	};
	struct server s;

	start_serving(&s, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *reply = ask(&s, rows[i].request);
		int status = 0;

		sscanf(reply, "HTTP/1.%*c %d", &status);
		expect(status == rows[i].status, "%d: %s", status, rows[i].request);
		expect(status != 405 || has_header(reply, "Allow: GET, HEAD"), "%s", reply);
		expect(!strstr(reply, "xx"), "the text after all: %s", rows[i].request);
	}
	CU_ASSERT_EQUAL(s.told, 0);
	metrics_close(s.metrics);
}

static void garbage_harms_nobody(void)
{
	static char long_line[100000];
	struct server s;

	start_serving(&s, 100);
	memset(long_line, 'a', sizeof(long_line) - 1);
	ask(&s, "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 hello\r\n\r\n");
	ask(&s, "GET\r\n\r\n");
	ask(&s, "GET /metrics HTTP/9.9\r\n\r\n");
	ask(&s, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n");
	CU_ASSERT_EQUAL(s.told, 0);
	for (int i = 0; i < 20; i++) {
		int fd = join_server(&s);

		send(fd, long_line, sizeof(long_line) - 1, MSG_NOSIGNAL);
		close(fd);
	}
	expect_served(&s, "after garbage");
	metrics_close(s.metrics);
}

static void says_not_now(void)
{
	struct server s;
	const char *reply;

	start(&s, 100);
	reply = ask(&s, get);
	expect(strncmp(reply, "HTTP/1.1 503 ", 13) == 0, "before it serves: %s", reply);
	CU_ASSERT_EQUAL(s.told, 0);
	metrics_serve(s.metrics);
	expect_served(&s, "then");
	metrics_close(s.metrics);
	start_serving(&s, 0);
	reply = ask(&s, get);
	expect(strncmp(reply, "HTTP/1.1 503 ", 13) == 0, "without a text: %s", reply);
	s.size = 10;
	expect_served(&s, "with one again");
	metrics_close(s.metrics);
	metrics_serve(NULL);
	metrics_close(NULL);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Asks as fast as it can until the figures have been taken anew twice. */
static void asks_for_figures_once_in_a_while(void)
{
	uint64_t began = now_ns(), took;
	struct server s;

	start_serving(&s, 100);
	for (int i = 0; i < 50; i++)
		expect_served(&s, "one of many");
	expect(s.told <= 1 + (int)((now_ns() - began) / METRICS_FRESH_NS), "told %d times",
	       (int)s.told);
	while (s.told < 3 && now_ns() - began < LONG_MS * 1000000ull)
		expect_served(&s, "one of more");
	took = now_ns() - began;
	CU_ASSERT_EQUAL(s.told, 3);
	expect(took >= 2 * METRICS_FRESH_NS, "three times in %llu ns", (unsigned long long)took);
	metrics_close(s.metrics);
}

static bool is_closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	return poll(&p, 1, LONG_MS) > 0 && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

/* What is no request yet, and does not go on. */
static void what_is_never_said_is_not_waited_for(void)
{
	static const char *const begun[] = {"", "\r\n\r\n\r\n", "GET /metrics HTTP/1.1\r\nHost: x"};
	int fd[sizeof(begun) / sizeof(begun[0]) + 1];
	const size_t n = sizeof(fd) / sizeof(fd[0]);
	static const char zeros[64];
	struct server s;

	start_serving(&s, 100);
	for (size_t i = 0; i < n; i++)
		fd[i] = join_server(&s);
	for (size_t i = 0; i < n - 1; i++)
		say(fd[i], begun[i], strlen(begun[i]));
	say(fd[n - 1], zeros, sizeof(zeros));
	expect_served(&s, "meanwhile");
	for (size_t i = 0; i < n; i++) {
		expect(is_closed(fd[i]), "the %zuth is still there", i);
		close(fd[i]);
	}
	metrics_close(s.metrics);
}

/* Whether all were served before the first of them can have been sent off for saying nothing. */
static bool serve_among_idle_ones(void)
{
	static int idle[IDLE_MANY];
	uint64_t began = now_ns(), took;
	struct server s;

	start_serving(&s, 100);
	for (int i = 0; i < IDLE_MANY; i++) {
		idle[i] = join_server(&s);
		if (i % 2)
			say(idle[i], "GET /met", 8);
		if (i % 50 == 49)
			expect_served(&s, "among the idle");
	}
	took = now_ns() - began;
	for (int i = 0; i < IDLE_MANY - METRICS_CLIENTS_KEPT; i++)
		expect(is_closed(idle[i]), "the %dth is still there", i);
	for (int i = 0; i < IDLE_MANY; i++)
		close(idle[i]);
	metrics_close(s.metrics);
	return took < METRICS_TIMEOUT_S * 1000000000ull;
}

/* A machine may stand still for that long once; who waited for an end would wait each time. */
static void idle_ones_make_room(void)
{
	bool at_once = false;

	for (int tries = 0; tries < 5 && !at_once; tries++)
		at_once = serve_among_idle_ones();
	expect(at_once, "nobody waited for an end");
}

/* An answer that nobody takes is too big for the socket: only so many are kept. */
static void slow_readers_make_room(void)
{
	int slow[SLOW_MANY], fast, closed = 0;
	char head[REPLY_ROOM];
	struct server s;

	start_serving(&s, BIG);
	for (int i = 0; i < SLOW_MANY; i++) {
		struct pollfd p = {.events = POLLIN};

		slow[i] = p.fd = join_server(&s);
		say(slow[i], get, sizeof(get) - 1);
		expect(poll(&p, 1, LONG_MS) == 1, "the %dth has no answer", i);
	}
	fast = join_server(&s);
	say(fast, get, sizeof(get) - 1);
	expect(read_all(fast, head) > (long)BIG, "the fast one has it all");
	close(fast);
	for (int i = 0; i < SLOW_MANY; i++) {
		long n = read_all(slow[i], head);

		closed += n >= 0 && n < (long)BIG;
		close(slow[i]);
	}
	expect(closed >= SLOW_MANY - METRICS_REPLIES_MAX, "%d were closed", closed);
	metrics_close(s.metrics);
}

static void ends_with_all_connections(void)
{
	struct server s;
	int idle, half;

	start_serving(&s, 100);
	idle = join_server(&s);
	half = join_server(&s);
	say(half, get, sizeof(get) - 3);
	expect_served(&s, "before the end");
	metrics_close(s.metrics);
	CU_ASSERT(is_closed(idle));
	CU_ASSERT(is_closed(half));
	close(idle);
	close(half);
}

/* What clients say as it ends is under way in each of its states, sooner or later. */
static void ends_while_it_refuses(void)
{
	static const char *const said[] = {
		"GET\r\n\r\n",
		"GET /metrics HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	enum { N = sizeof(said) / sizeof(said[0]) };

	for (int i = 0; i < ENDS; i++) {
		struct server s;
		int fd[N];

		start_serving(&s, 100);
		for (int j = 0; j < N; j++)
			fd[j] = join_server(&s);
		for (int j = 0; j < N; j++)
			say(fd[j], said[j], strlen(said[j]));
		metrics_close(s.metrics);
		for (int j = 0; j < N; j++) {
			expect(is_closed(fd[j]) || read_all(fd[j], (char[REPLY_ROOM]){0}) >= 0,
			       "%d of the %dth was not closed", j, i);
			close(fd[j]);
		}
	}
}

static const struct unit_test tests[] = {
	{"GET and HEAD have the text, with its type", tells_the_text},
	{"other places and methods are refused", refuses_the_rest},
	{"garbage harms nobody", garbage_harms_nobody},
	{"while there is no text, not now", says_not_now},
	{"however often it is asked, it asks now and then", asks_for_figures_once_in_a_while},
	{"what is never said is not waited for", what_is_never_said_is_not_waited_for},
	{"idle connections make room", idle_ones_make_room},
	{"connections that do not take their answer make room", slow_readers_make_room},
	{"its end is that of all connections", ends_with_all_connections},
	{"it may end while it refuses a request", ends_while_it_refuses},
};
UNIT_SUITE("fw/metrics", tests)
