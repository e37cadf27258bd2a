/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/client.c"

#include <pthread.h>

#include "expect.h"
#include "unit.h"

#define LONG_MS	 20000
#define SHORT_MS 100

/* A daemon that takes one request, says what it was told to say, and hangs up or hangs. */
struct script {
	const char *reply;
	size_t n;
	bool hangs; /* leaves the connection open until the client closes it */
};

struct daemon {
	char folder[64], path[80];
	int fd;
	struct script script;
	pthread_t thread;
};

static void *play(void *cookie)
{
	struct daemon *d = cookie;
	int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
	struct talk t = {fd, now_ms() + LONG_MS};
	uint8_t request[WIRE_HEADER_LEN + 2];

	CU_ASSERT_EQUAL(receive_all(&t, request, sizeof(request)), 0);
	CU_ASSERT_EQUAL(send_all(&t, d->script.reply, d->script.n), 0);
	if (d->script.hangs)
		CU_ASSERT_EQUAL(receive_all(&t, request, 1), -ECONNRESET);
	close(fd);
	return NULL;
}

static void make_daemon(struct daemon *d, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *tmp = getenv("TMPDIR");

	snprintf(d->folder, sizeof(d->folder), "%.40s/client.XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(d->folder));
	snprintf(d->path, sizeof(d->path), "%s/sock", d->folder);
	strcpy(address.sun_path, d->path);
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(d->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(d->fd, backlog), 0);
}

static void remove_daemon(struct daemon *d)
{
	close(d->fd);
	unlink(d->path);
	CU_ASSERT_EQUAL(rmdir(d->folder), 0);
}

static int call(const char *path, unsigned int timeout_ms, struct client_reply *reply,
		char err[CLIENT_ERROR_LEN])
{
	json_t *request = json_object();
	int r;

	r = client_call(path, timeout_ms, WIRE_LIST, request, reply, err);
	json_decref(request);
	return r;
}

static int call_scripted(struct script script, unsigned int timeout_ms, struct client_reply *reply,
			 char err[CLIENT_ERROR_LEN])
{
	struct daemon d = {.script = script};
	int r;

	make_daemon(&d, 1);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&d.thread, NULL, play, &d), 0);
	r = call(d.path, timeout_ms, reply, err);
	CU_ASSERT_EQUAL_FATAL(pthread_join(d.thread, NULL), 0);
	remove_daemon(&d);
	return r;
}

/* A header as common/wire.h has it: magic, version, command, status, reserved, length. */
#define HEAD(command, status, length) "ACFW\1\0" command "\0" status "\0\0\0" length "\0\0\0"
#define LIST			      "\3"

static void a_reply_comes_with_its_status_and_text(void)
{
	static const char ok[] = HEAD(LIST, "\0", "\7") "{\"a\":1}";
	static const char refused[] = HEAD(LIST, "\1", "\15") "{\"error\":\"x\"}";
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN];

	CU_ASSERT_EQUAL_FATAL(
		call_scripted((struct script){ok, sizeof(ok) - 1, true}, LONG_MS, &reply, err), 0);
	expect_int("status", reply.status, WIRE_OK);
	expect_text("text", reply.text, "{\"a\":1}");
	expect_int("length", (long long)reply.length, 7);
	expect_int("a", json_integer_value(json_object_get(reply.json, "a")), 1);
	client_reply_free(&reply);
	CU_ASSERT_EQUAL_FATAL(call_scripted((struct script){refused, sizeof(refused) - 1, false},
					    LONG_MS, &reply, err),
			      0);
	expect_int("status", reply.status, WIRE_REFUSED);
	client_reply_free(&reply);
}

#define SAYS(text) text, sizeof(text) - 1

static const struct {
	const char *what, *reply;
	size_t n;
	int r;
} bad[] = {
	{"nothing", SAYS(""), -ECONNRESET},
	{"half a header", SAYS("ACFW\1"), -ECONNRESET},
	{"no payload", SAYS(HEAD(LIST, "\0", "\2")), -ECONNRESET},
	{"half a payload", SAYS(HEAD(LIST, "\0", "\2") "{"), -ECONNRESET},
	{"another magic", SAYS("HTTP/1.1 400 Bad"), -EPROTO},
	{"another version", SAYS("ACFW\2\0" LIST "\0\0\0\0\0\2\0\0\0{}"), -EPROTO},
	{"another command", SAYS(HEAD("\2", "\0", "\2") "{}"), -EPROTO},
	{"an unknown status", SAYS(HEAD(LIST, "\2", "\2") "{}"), -EPROTO},
	{"a length past all bounds", SAYS("ACFW\1\0" LIST "\0\0\0\0\0\377\377\377\377"), -EPROTO},
	{"no JSON", SAYS(HEAD(LIST, "\0", "\2") "{]"), -EPROTO},
	{"no object", SAYS(HEAD(LIST, "\0", "\2") "[]"), -EPROTO},
	{"an empty payload", SAYS(HEAD(LIST, "\0", "\0")), -EPROTO},
};

static void a_bad_reply_is_no_reply(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct client_reply reply;
		char err[CLIENT_ERROR_LEN] = "";

		expect_int(bad[i].what,
			   call_scripted((struct script){bad[i].reply, bad[i].n, false}, LONG_MS,
					 &reply, err),
			   bad[i].r);
		expect(strncmp(err, "app-fw at /", 11) == 0, "%s: '%s'", bad[i].what, err);
	}
}

static void a_daemon_that_hangs_is_given_up(void)
{
	static const char *const said[] = {"", "ACFW", "ACFW\1"};
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN];

	for (size_t i = 0; i < 3; i++)
		expect_int("hangs",
			   call_scripted((struct script){said[i], strlen(said[i]), true}, SHORT_MS,
					 &reply, err),
			   -ETIMEDOUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "no reply in time"));
}

static void a_backlog_that_stays_full_is_given_up(void)
{
	struct daemon d = {.fd = -1};
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN];
	int waiting;

	make_daemon(&d, 0);
	CU_ASSERT_EQUAL_FATAL(connect_to(d.path, SHORT_MS, &waiting), 0);
	expect_int("full", call(d.path, SHORT_MS, &reply, err), -ETIMEDOUT);
	close(waiting);
	remove_daemon(&d);
}

static void without_a_daemon_there_is_no_reply(void)
{
	struct daemon d = {.fd = -1};
	struct client_reply reply;
	char err[CLIENT_ERROR_LEN];
	char endless[200];

	make_daemon(&d, 1);
	close(d.fd);
	expect_int("stale", call(d.path, LONG_MS, &reply, err), -ECONNREFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "cannot reach app-fw at "));
	unlink(d.path);
	expect_int("none", call(d.path, LONG_MS, &reply, err), -ENOENT);
	rmdir(d.folder);
	memset(endless, 'x', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	expect_int("too long", call(endless, LONG_MS, &reply, err), -ENAMETOOLONG);
}

static const struct unit_test tests[] = {
	{"a reply comes with its status and text", a_reply_comes_with_its_status_and_text},
	{"a bad reply is no reply", a_bad_reply_is_no_reply},
	{"a daemon that hangs is given up", a_daemon_that_hangs_is_given_up},
	{"a backlog that stays full is given up", a_backlog_that_stays_full_is_given_up},
	{"without a daemon there is no reply", without_a_daemon_there_is_no_reply},
};
UNIT_SUITE("ctl/client", tests)
