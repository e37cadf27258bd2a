/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl/client.h"
#include "expect.h"
#include "fw/control.h"
#include "unit.h"

#define MS	     1000000ull
#define LONG_MS	     20000 /* no test waits this long: what comes later than that is lost */
#define SHORT_MS     200
#define BIG_REPLY    (8u << 20)
#define TOO_BIG	     (WIRE_REPLY_MAX + 1u)
#define PARALLEL_MAX 100

/* --- A server on a thread, with a handler for the tests --- */

struct server {
	char folder[64];
	char path[80];
	struct loop *loop;
	struct control *control;
	int stop;
	pthread_t thread;
};

static json_t *text_of(size_t n)
{
	char *text = malloc(n + 1);
	json_t *json;

	memset(text, 'x', n);
	text[n] = '\0';
	json = json_pack("{s:s}", "text", text);
	free(text);
	return json;
}

static enum wire_status answer(void *cookie, enum wire_command command, const json_t *request,
			       json_t **reply)
{
	(void)cookie;
	switch (command) {
	case WIRE_LIST:
		*reply = json_pack("{s:O}", "echo", request);
		return WIRE_OK;
	case WIRE_STATS:
		*reply = text_of((size_t)json_integer_value(json_object_get(request, "size")));
		return WIRE_OK;
	case WIRE_DELETE:
		*reply = json_pack("{s:s}", "error", "no such rule");
		return WIRE_REFUSED;
	case WIRE_EXPLAIN: /* takes longer than a short deadline */
		usleep(2 * SHORT_MS * 1000);
		return WIRE_OK;
	default:
		return WIRE_OK;
	}
}

static void on_stop(void *cookie, uint32_t events)
{
	(void)events;
	loop_stop(cookie);
}

static void *serve(void *cookie)
{
	struct server *s = cookie;

	CU_ASSERT_EQUAL(loop_run(s->loop), 0);
	return NULL;
}

static void make_place(struct server *s)
{
	const char *tmp = getenv("TMPDIR");

	*s = (struct server){.stop = -1};
	snprintf(s->folder, sizeof(s->folder), "%.40s/control.XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/sock", s->folder);
}

static void start(struct server *s, uint64_t deadline_ms)
{
	make_place(s);
	s->loop = loop_new();
	s->stop = eventfd(0, EFD_CLOEXEC);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->loop);
	CU_ASSERT_EQUAL_FATAL(control_open(s->loop, s->path, answer, NULL, &s->control), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(loop_add_fd(s->loop, s->stop, EPOLLIN, on_stop, s->loop));
	control_set_deadline(s->control, deadline_ms * MS);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* Returns how many clients were refused. */
static uint64_t stop(struct server *s)
{
	uint64_t refused;

	CU_ASSERT_EQUAL_FATAL(eventfd_write(s->stop, 1), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_join(s->thread, NULL), 0);
	refused = control_refused(s->control);
	control_close(s->control);
	loop_free(s->loop);
	close(s->stop);
	CU_ASSERT_EQUAL(access(s->path, F_OK), -1);
	CU_ASSERT_EQUAL(rmdir(s->folder), 0);
	return refused;
}

/* --- Clients --- */

static int connect_fd(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, path);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address));
}

static int dial(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(connect_fd(fd, path), 0);
	return fd;
}

static void tell(int fd, const void *data, size_t n)
{
	CU_ASSERT_EQUAL(send(fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
}

static struct wire_header header_of(enum wire_command command, size_t length)
{
	return (struct wire_header){.magic = WIRE_MAGIC,
				    .version = WIRE_VERSION,
				    .command = (uint16_t)command,
				    .length = (uint32_t)length};
}

static void tell_header(int fd, const struct wire_header *h)
{
	uint8_t head[WIRE_HEADER_LEN];

	wire_pack(h, head);
	tell(fd, head, sizeof(head));
}

static void tell_request(int fd, enum wire_command command, const char *text, size_t n)
{
	struct wire_header h = header_of(command, n);

	tell_header(fd, &h);
	tell(fd, text, n);
}

/* Exactly n bytes; false at the end of the stream or when LONG_MS have gone by. */
static bool hear(int fd, void *data, size_t n)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char *at = data;

	while (n > 0) {
		ssize_t got = poll(&p, 1, LONG_MS) == 1 ? recv(fd, at, n, 0) : -1;

		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static bool hears_end(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	if (poll(&p, 1, LONG_MS) != 1)
		return false;
	return recv(fd, &c, 1, 0) <= 0;
}

/* Reads a reply to the command and expects its status and text. */
static void hear_reply(int fd, enum wire_command command, enum wire_status status, const char *text)
{
	uint8_t head[WIRE_HEADER_LEN];
	struct wire_header h;
	char body[1024] = "";

	CU_ASSERT_FATAL(hear(fd, head, sizeof(head)));
	CU_ASSERT_EQUAL_FATAL(wire_unpack(head, sizeof(body) - 1, &h), 0);
	expect_int("command of the reply", h.command, command);
	expect_int("status of the reply", h.status, status);
	CU_ASSERT_FATAL(hear(fd, body, h.length));
	if (text)
		expect_text("reply", body, text);
}

static void expect_served(const char *path)
{
	json_t *request = json_pack("{s:i}", "n", 7);
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN] = "";

	expect_int("client_call", client_call(path, LONG_MS, WIRE_LIST, request, &reply, err), 0);
	expect_text("error", err, "");
	if (!*err) {
		expect_text("reply", reply.text, "{\"echo\":{\"n\":7}}");
		client_reply_free(&reply);
	}
	json_decref(request);
}

/* --- Requests and replies --- */

static void a_request_gets_its_handlers_reply(void)
{
	struct server s;

	start(&s, LONG_MS);
	for (int i = 0; i < 3; i++)
		expect_served(s.path);
	expect_int("refused", (long long)stop(&s), 0);
}

static void a_connection_carries_many_requests(void)
{
	struct server s;
	int fd;

	start(&s, LONG_MS);
	fd = dial(s.path);
	tell_request(fd, WIRE_LIST, "{\"n\":1}", 7);
	hear_reply(fd, WIRE_LIST, WIRE_OK, "{\"echo\":{\"n\":1}}");
	tell_request(fd, WIRE_STATUS, "{}", 2);
	hear_reply(fd, WIRE_STATUS, WIRE_OK, "{}");
	tell_request(fd, WIRE_DELETE, "{}", 2);
	hear_reply(fd, WIRE_DELETE, WIRE_REFUSED, "{\"error\":\"no such rule\"}");
	tell_request(fd, WIRE_LIST, "{}", 2);
	hear_reply(fd, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	close(fd);
	expect_int("refused", (long long)stop(&s), 0);
}

static void requests_sent_ahead_are_answered_in_order(void)
{
	struct server s;
	char text[32];
	int fd;

	start(&s, LONG_MS);
	fd = dial(s.path);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "{\"n\":%d}", i);
		tell_request(fd, WIRE_LIST, text, strlen(text));
	}
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "{\"echo\":{\"n\":%d}}", i);
		hear_reply(fd, WIRE_LIST, WIRE_OK, text);
	}
	close(fd);
	stop(&s);
}

static void a_request_may_come_byte_by_byte(void)
{
	struct wire_header h = header_of(WIRE_LIST, 2);
	uint8_t head[WIRE_HEADER_LEN];
	struct server s;
	int fd;

	start(&s, LONG_MS);
	fd = dial(s.path);
	wire_pack(&h, head);
	for (size_t i = 0; i < sizeof(head); i++)
		tell(fd, head + i, 1);
	tell(fd, "{", 1);
	tell(fd, "}", 1);
	hear_reply(fd, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	close(fd);
	stop(&s);
}

static void a_client_that_has_said_all_gets_its_reply(void)
{
	struct server s;
	int fd;

	start(&s, LONG_MS);
	fd = dial(s.path);
	tell_request(fd, WIRE_LIST, "{}", 2);
	CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
	hear_reply(fd, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	CU_ASSERT(hears_end(fd));
	close(fd);
	expect_int("refused", (long long)stop(&s), 0);
}

static void a_big_reply_arrives_whole(void)
{
	json_t *request = json_pack("{s:i}", "size", BIG_REPLY);
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN];
	struct server s;

	start(&s, LONG_MS);
	CU_ASSERT_EQUAL_FATAL(client_call(s.path, LONG_MS, WIRE_STATS, request, &reply, err), 0);
	expect_int("length", (long long)reply.length, BIG_REPLY + strlen("{\"text\":\"\"}"));
	expect_int("end", reply.text[BIG_REPLY - 1], 'x');
	client_reply_free(&reply);
	json_decref(request);
	stop(&s);
}

static void a_reply_past_the_bound_is_refused(void)
{
	json_t *request = json_pack("{s:i}", "size", TOO_BIG);
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN];
	struct server s;

	start(&s, LONG_MS);
	CU_ASSERT_EQUAL_FATAL(client_call(s.path, LONG_MS, WIRE_STATS, request, &reply, err), 0);
	expect_int("status", reply.status, WIRE_REFUSED);
	expect_text("reply", reply.text, "{\"error\":\"the reply is too large to be sent\"}");
	client_reply_free(&reply);
	json_decref(request);
	expect_served(s.path);
	stop(&s);
}

static void a_reply_is_harmless_on_a_terminal(void)
{
	struct server s;
	int fd;

	start(&s, LONG_MS);
	fd = dial(s.path);
	tell_request(fd, WIRE_LIST, "{\"a\":\"\\u001b[2J\\u009b\\u202e\"}", 29);
	hear_reply(fd, WIRE_LIST, WIRE_OK, "{\"echo\":{\"a\":\"\\u001B[2J\\u009B\\u202E\"}}");
	close(fd);
	stop(&s);
}

/* --- Breaches --- */

static void a_broken_header_closes_that_client_only(void)
{
	struct wire_header broken[6];
	struct server s;
	int other;

	for (size_t i = 0; i < 6; i++)
		broken[i] = header_of(WIRE_LIST, 2);
	broken[0].magic++;
	broken[1].version++;
	broken[2].command = WIRE_COMMAND_COUNT;
	broken[3].length = WIRE_REQUEST_MAX + 1;
	broken[4].reserved = 1;
	broken[5].status = 1;
	start(&s, LONG_MS);
	other = dial(s.path);
	for (size_t i = 0; i < 6; i++) {
		int fd = dial(s.path);

		tell_header(fd, &broken[i]);
		expect(hears_end(fd), "header %zu: not closed", i);
		close(fd);
	}
	tell_request(other, WIRE_LIST, "{}", 2);
	hear_reply(other, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	close(other);
	expect_int("refused", (long long)stop(&s), 6);
}

/* What clients can make the daemon hold is bounded: only one at a time may send a long one. */
static void one_long_request_at_a_time(void)
{
	static char text[WIRE_REQUEST_MAX + 1];
	const struct wire_header h = header_of(WIRE_RESTORE, sizeof(text));
	struct server s;
	int first, second;

	memset(text, ' ', sizeof(text));
	memcpy(text, "{}", 2);
	start(&s, LONG_MS);
	first = dial(s.path);
	tell_request(first, WIRE_LIST, "{}", 2);
	hear_reply(first, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	tell_header(first, &h);
	second = dial(s.path);
	tell_request(second, WIRE_LIST, "{}", 2);
	hear_reply(second, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	tell_header(second, &h);
	CU_ASSERT(hears_end(second));
	close(second);
	tell(first, text, sizeof(text));
	hear_reply(first, WIRE_RESTORE, WIRE_OK, "{}");
	second = dial(s.path);
	tell_request(second, WIRE_RESTORE, text, sizeof(text));
	hear_reply(second, WIRE_RESTORE, WIRE_OK, "{}");
	close(first);
	close(second);
	expect_int("refused", (long long)stop(&s), 1);
}

#define TEXT(literal)                        \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct {
	const char *text;
	size_t n;
} malformed[] = {
	TEXT(""),
	TEXT("{"),
	TEXT("[]"),
	TEXT("1"),
	TEXT("null"),
	TEXT("{} {}"),
	TEXT("{}x"),
	TEXT("{\"a\":1,\"a\":2}"),
	TEXT("{\"a\":}"),
	TEXT("\"\xff\""),
	TEXT("{\"\\u0000\":1}"),
	TEXT("{}\0"),
};

static void expect_malformed(const char *path, const char *text, size_t n)
{
	int fd = dial(path);

	tell_request(fd, WIRE_LIST, text, n);
	hear_reply(fd, WIRE_LIST, WIRE_REFUSED, NULL);
	CU_ASSERT(hears_end(fd));
	close(fd);
}

static void what_is_no_json_object_is_refused(void)
{
	size_t n = sizeof(malformed) / sizeof(malformed[0]);
	struct server s;

	start(&s, LONG_MS);
	for (size_t i = 0; i < n; i++)
		expect_malformed(s.path, malformed[i].text, malformed[i].n);
	expect_served(s.path);
	expect_int("refused", (long long)stop(&s), (long long)n);
}

/* Whatever bytes it repeats. */
static void the_refusal_is_one_printable_line(void)
{
	static const char text[] = "{\"a\":\x01\x1b[2J";
	struct server s;
	int fd;

	start(&s, LONG_MS);
	fd = dial(s.path);
	tell_request(fd, WIRE_LIST, text, sizeof(text) - 1);
	hear_reply(fd, WIRE_LIST, WIRE_REFUSED,
		   "{\"error\":\"malformed request: invalid token near '?'\"}");
	CU_ASSERT(hears_end(fd));
	close(fd);
	stop(&s);
}

static void a_depth_bomb_is_refused(void)
{
	static char bomb[WIRE_REQUEST_MAX];
	struct server s;

	start(&s, LONG_MS);
	memset(bomb, '[', sizeof(bomb));
	expect_malformed(s.path, bomb, sizeof(bomb));
	for (size_t i = 0; i + 5 <= sizeof(bomb); i += 5)
		memcpy(bomb + i, "{\"a\":", 5);
	expect_malformed(s.path, bomb, sizeof(bomb));
	expect_served(s.path);
	stop(&s);
}

static void words_after_a_request_are_no_request(void)
{
	struct server s;
	int fd;

	start(&s, LONG_MS);
	fd = dial(s.path);
	tell_request(fd, WIRE_LIST, "{}", 2);
	tell(fd, "and more of the same", 20);
	hear_reply(fd, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	CU_ASSERT(hears_end(fd));
	close(fd);
	expect_int("refused", (long long)stop(&s), 1);
}

static void a_client_may_vanish_at_any_moment(void)
{
	struct wire_header h = header_of(WIRE_STATS, 20);
	char text[32];
	struct server s;
	int fd;

	start(&s, LONG_MS);
	close(dial(s.path));
	fd = dial(s.path);
	tell(fd, "CF", 2);
	close(fd);
	fd = dial(s.path);
	tell_header(fd, &h);
	close(fd);
	fd = dial(s.path);
	snprintf(text, sizeof(text), "{\"size\":%u}", BIG_REPLY);
	tell_request(fd, WIRE_STATS, text, strlen(text));
	CU_ASSERT(hear(fd, text, 10));
	close(fd);
	expect_served(s.path);
	expect_int("refused", (long long)stop(&s), 2);
}

/* --- Deadlines and bounds --- */

static void a_slow_client_is_closed_at_its_deadline(void)
{
	struct wire_header h = header_of(WIRE_LIST, 20);
	int silent, in_header, in_payload;
	struct server s;

	start(&s, SHORT_MS);
	silent = dial(s.path);
	in_header = dial(s.path);
	tell(in_header, "A", 1);
	in_payload = dial(s.path);
	tell_header(in_payload, &h);
	tell(in_payload, "{", 1);
	expect_served(s.path);
	CU_ASSERT(hears_end(silent));
	CU_ASSERT(hears_end(in_header));
	CU_ASSERT(hears_end(in_payload));
	close(silent);
	close(in_header);
	close(in_payload);
	expect_int("refused", (long long)stop(&s), 2);
}

static void a_request_in_time_outlives_a_busy_loop(void)
{
	struct server s;
	int slow, fd;

	start(&s, SHORT_MS);
	slow = dial(s.path);
	fd = dial(s.path);
	tell_request(fd, WIRE_LIST, "{}", 2);
	hear_reply(fd, WIRE_LIST, WIRE_OK, NULL);
	tell_request(slow, WIRE_EXPLAIN, "{}", 2);
	tell_request(fd, WIRE_LIST, "{}", 2);
	hear_reply(fd, WIRE_LIST, WIRE_OK, NULL);
	hear_reply(slow, WIRE_EXPLAIN, WIRE_OK, "{}");
	close(fd);
	close(slow);
	expect_int("refused", (long long)stop(&s), 0);
}

static void a_client_that_does_not_read_is_closed(void)
{
	struct pollfd p = {.events = POLLHUP};
	char text[32];
	struct server s;

	start(&s, SHORT_MS);
	p.fd = dial(s.path);
	snprintf(text, sizeof(text), "{\"size\":%u}", BIG_REPLY);
	tell_request(p.fd, WIRE_STATS, text, strlen(text));
	expect_served(s.path);
	expect_int("hung up", poll(&p, 1, LONG_MS), 1);
	expect_served(s.path);
	close(p.fd);
	expect_int("refused", (long long)stop(&s), 1);
}

static void silent_clients_make_room_for_a_new_one(void)
{
	int fds[CONTROL_CLIENTS_MAX];
	size_t closed = 0;
	struct server s;

	start(&s, LONG_MS);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fds[i] = dial(s.path);
	expect_served(s.path);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct pollfd p = {.fd = fds[i], .events = POLLIN};

		closed += (size_t)poll(&p, 1, 0);
		close(fds[i]);
	}
	expect_int("closed", (long long)closed, 1);
	expect_int("refused", (long long)stop(&s), 0);
}

static void a_served_client_makes_room_before_a_silent_one(void)
{
	int fds[CONTROL_CLIENTS_MAX];
	struct server s;

	start(&s, LONG_MS);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fds[i] = dial(s.path);
	tell_request(fds[5], WIRE_LIST, "{}", 2);
	hear_reply(fds[5], WIRE_LIST, WIRE_OK, NULL);
	expect_served(s.path);
	CU_ASSERT(hears_end(fds[5]));
	tell_request(fds[0], WIRE_LIST, "{}", 2);
	hear_reply(fds[0], WIRE_LIST, WIRE_OK, NULL);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	stop(&s);
}

static void clients_in_the_middle_are_waited_for(void)
{
	int fds[CONTROL_CLIENTS_MAX];
	struct server s;

	start(&s, SHORT_MS);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = dial(s.path);
		tell(fds[i], "A", 1);
	}
	expect_served(s.path);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	expect_int("refused", (long long)stop(&s), CONTROL_CLIENTS_MAX);
}

static void *call_once(void *cookie)
{
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN];
	json_t *request = json_object();
	intptr_t r;

	r = client_call(cookie, LONG_MS, WIRE_LIST, request, &reply, err);
	if (!r)
		client_reply_free(&reply);
	json_decref(request);
	return (void *)r;
}

static void many_clients_at_once_are_all_served(void)
{
	pthread_t threads[PARALLEL_MAX];
	struct server s;
	void *r;

	start(&s, LONG_MS);
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, call_once, s.path), 0);
	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		CU_ASSERT_EQUAL(pthread_join(threads[i], &r), 0);
		expect(r == NULL, "client %zu: %s", i, strerror(-(int)(intptr_t)r));
	}
	expect_int("refused", (long long)stop(&s), 0);
}

/* A socket that has the last descriptor there is. */
static int last_socket(struct rlimit *was)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct rlimit small;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, was), 0);
	small = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = was->rlim_max};
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &small), 0);
	expect_int("one more", socket(AF_UNIX, SOCK_STREAM, 0), -1);
	return fd;
}

static void without_descriptors_clients_wait_and_no_core_burns(void)
{
	struct pollfd p = {.events = POLLIN};
	struct rlimit was;
	struct server s;
	clock_t used;

	start(&s, LONG_MS);
	expect_served(s.path);
	p.fd = last_socket(&was);
	used = clock();
	CU_ASSERT_EQUAL(connect_fd(p.fd, s.path), 0);
	tell_request(p.fd, WIRE_LIST, "{}", 2);
	expect_int("replies", poll(&p, 1, SHORT_MS), 0);
	used = clock() - used;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &was), 0);
	hear_reply(p.fd, WIRE_LIST, WIRE_OK, "{\"echo\":{}}");
	expect(used < CLOCKS_PER_SEC / 1000 * SHORT_MS / 2, "%ld us of CPU", (long)used);
	close(p.fd);
	stop(&s);
}

static const struct unit_test tests[] = {
	{"a request gets its handler's reply", a_request_gets_its_handlers_reply},
	{"a connection carries many requests", a_connection_carries_many_requests},
	{"requests sent ahead are answered in order", requests_sent_ahead_are_answered_in_order},
	{"a request may come byte by byte", a_request_may_come_byte_by_byte},
	{"a client that has said all gets its reply", a_client_that_has_said_all_gets_its_reply},
	{"a big reply arrives whole", a_big_reply_arrives_whole},
	{"a reply past the bound is refused", a_reply_past_the_bound_is_refused},
	{"a reply is harmless on a terminal", a_reply_is_harmless_on_a_terminal},
	{"a broken header closes that client only", a_broken_header_closes_that_client_only},
	{"what is no JSON object is refused", what_is_no_json_object_is_refused},
	{"the refusal is one printable line", the_refusal_is_one_printable_line},
	{"a depth bomb is refused", a_depth_bomb_is_refused},
	{"words after a request are no request", words_after_a_request_are_no_request},
	{"a client may vanish at any moment", a_client_may_vanish_at_any_moment},
	{"a slow client is closed at its deadline", a_slow_client_is_closed_at_its_deadline},
	{"a request in time outlives a busy loop", a_request_in_time_outlives_a_busy_loop},
	{"a client that does not read is closed", a_client_that_does_not_read_is_closed},
	{"silent clients make room for a new one", silent_clients_make_room_for_a_new_one},
	{"a served client makes room before a silent one",
	 a_served_client_makes_room_before_a_silent_one},
	{"clients in the middle are waited for", clients_in_the_middle_are_waited_for},
	{"many clients at once are all served", many_clients_at_once_are_all_served},
	{"without descriptors clients wait and no core burns",
	 without_descriptors_clients_wait_and_no_core_burns},
	{"one long request at a time", one_long_request_at_a_time},
};
UNIT_SUITE("fw/control", tests)
