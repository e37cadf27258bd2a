// SPDX-License-Identifier: GPL-2.0-or-later
#include "metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "common/cleanup.h"
#include "log.h"
#include "loop.h"
#include "mailbox.h"
#include "metrics_text.h"

/* More than are kept: what is shut down still has a place until the server has seen its end. */
#define CLIENTS_MAX 64
#define BACKLOG	    64
#define MS_NS	    1000000ull
#define REQUEST_BYTES                                                               \
	8192 /* memory for one connection: the headers of a request, and of a reply \
	      */

struct client {
	bool here, replying;
	bool leaving; /* shut down already */
	int fd;
	uint64_t number; /* of its connection: a smaller one is older */
};

struct metrics {
	struct MHD_Daemon *server;
	metrics_tell_fn tell;
	void *cookie;
	int fd; /* the server's: it closes it */
	atomic_bool serving;

	struct loop *loop;
	struct mailbox *mailbox;
	pthread_t thread;
	bool running;

	/* The thread's. */
	struct loop_timer *timeout;
	struct client clients[CLIENTS_MAX];
	uint64_t connections;
	struct MHD_Response *fresh; /* the last one made; NULL: none yet */
	uint64_t made_ns;
};

/* --- Connections --- */

static bool is_here(const struct client *c)
{
	return c->here;
}

static bool is_replying(const struct client *c)
{
	return c->replying;
}

/* Keeps at most `max` of those that `belongs` tells of: the oldest of the others goes. */
static void make_room(struct metrics *m, bool (*belongs)(const struct client *c), size_t max)
{
	struct client *oldest = NULL;
	size_t n = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (!belongs(c) || c->leaving)
			continue;
		n++;
		if (!oldest || c->number < oldest->number)
			oldest = c;
	}
	if (n <= max)
		return;
	oldest->leaving = true;
	shutdown(oldest->fd, SHUT_RDWR);
}

static struct client *find_place(struct metrics *m)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!m->clients[i].here)
			return &m->clients[i];
	return NULL;
}

static void on_connection(void *cookie, struct MHD_Connection *connection, void **place,
			  enum MHD_ConnectionNotificationCode what)
{
	struct metrics *m = cookie;
	struct client *c = *place;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (c)
			c->here = c->replying = false;
		return;
	}
	c = find_place(m);
	*place = c;
	if (!c)
		return;
	*c = (struct client){
		.here = true,
		.fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			      ->connect_fd,
		.number = m->connections++,
	};
	make_room(m, is_here, METRICS_CLIENTS_KEPT);
}

static void note_reply(struct metrics *m, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *c = info ? info->socket_context : NULL;

	if (!c)
		return;
	c->replying = true;
	make_room(m, is_replying, METRICS_REPLIES_MAX);
}

/* --- Answers --- */

static struct MHD_Response *make_response(char *text, size_t length,
					  enum MHD_ResponseMemoryMode memory, const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(length, text, memory);

	if (!r)
		return NULL;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return r;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status,
			      const char *text, const char *header, const char *value)
{
	struct MHD_Response *r = make_response((char *)text, strlen(text), MHD_RESPMEM_PERSISTENT,
					       "text/plain; charset=utf-8");
	enum MHD_Result done;

	if (!r)
		return MHD_NO;
	if (header)
		MHD_add_response_header(r, header, value);
	done = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return done;
}

static void forget(struct metrics *m)
{
	if (m->fresh)
		MHD_destroy_response(m->fresh);
	m->fresh = NULL;
}

/* The response that is fresh still, or another. NULL: there is none. */
static struct MHD_Response *get_response(struct metrics *m)
{
	size_t length = 0;
	char *text;

	if (m->fresh && clock_monotonic_ns() - m->made_ns < METRICS_FRESH_NS)
		return m->fresh;
	forget(m);
	text = m->tell(m->cookie, &length);
	if (!text)
		return NULL;
	m->fresh = make_response(text, length, MHD_RESPMEM_MUST_FREE, METRICS_TEXT_TYPE);
	if (!m->fresh)
		free(text);
	m->made_ns = clock_monotonic_ns();
	return m->fresh;
}

static enum MHD_Result on_request(void *cookie, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct metrics *m = cookie;
	struct MHD_Response *response = NULL;

	(void)version, (void)upload, (void)upload_size, (void)state;
	if (strcmp(url, "/metrics") != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "there is only /metrics\n", NULL,
			      NULL);
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n",
			      MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (atomic_load(&m->serving))
		response = get_response(m);
	if (!response)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "not now\n",
			      MHD_HTTP_HEADER_RETRY_AFTER, "1");
	note_reply(m, connection);
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

/* --- Life --- */

/* Lets the server do what can be done, and come back when the next of its clients has had enough
 * time. */
static void attend(void *cookie)
{
	struct metrics *m = cookie;
	MHD_UNSIGNED_LONG_LONG after_ms;

	MHD_run(m->server);
	if (MHD_get_timeout(m->server, &after_ms) == MHD_YES)
		loop_arm(m->timeout, after_ms * MS_NS);
	else
		loop_disarm(m->timeout);
}

static void on_ready(void *cookie, uint32_t events)
{
	(void)events;
	attend(cookie);
}

static void *run(void *cookie)
{
	struct metrics *m = cookie;
	int r = loop_run(m->loop);

	if (r)
		log_line("app-fw: waiting for who asks for metrics: %s", strerror(-r));
	return NULL;
}

static void stop(void *cookie)
{
	loop_stop(cookie);
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	if (m->running) {
		mailbox_call(m->mailbox, stop, m->loop);
		pthread_join(m->thread, NULL);
	}
	mailbox_free(m->mailbox);
	loop_free(m->loop);
	if (m->server)
		MHD_stop_daemon(m->server);
	forget(m);
	free(m);
}

static void cleanup_metrics(struct metrics **m)
{
	metrics_close(*m);
}

/*
 * On a thread of ours: MHD_stop_daemon() is called when none of its requests is being answered. On
 * a thread of its own, it may be told to stop just then, and of a request that it refuses itself
 * the response would be NULL (0.9.75, MHD_queue_response() and transmit_error_response_len()).
 */
static int start_thread(struct metrics *m)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(m->server, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	m->loop = loop_new();
	m->mailbox = m->loop ? mailbox_new(m->loop) : NULL;
	m->timeout = m->mailbox ? loop_add_timer(m->loop, attend, m) : NULL;
	if (!m->timeout || !loop_add_fd(m->loop, info->epoll_fd, EPOLLIN, on_ready, m))
		return -errno;
	r = -pthread_create(&m->thread, NULL, run, m);
	m->running = !r;
	return r;
}

int metrics_open(const struct endpoint *at, metrics_tell_fn tell, void *cookie,
		 struct metrics **out)
{
	_cleanup_(cleanup_metrics) struct metrics *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->tell = tell;
	m->cookie = cookie;
	m->fd = endpoint_listen(at, BACKLOG);
	if (m->fd < 0)
		return m->fd;
	m->server = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, m, MHD_OPTION_LISTEN_SOCKET, m->fd,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, m, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)METRICS_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)REQUEST_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!m->server)
		return -ENOMEM;
	r = start_thread(m);
	if (r)
		return r;
	*out = TAKE_PTR(m);
	return 0;
}

void metrics_serve(struct metrics *m)
{
	if (m)
		atomic_store(&m->serving, true);
}

uint16_t metrics_port(const struct metrics *m)
{
	struct sockaddr_in6 in = {0}; /* the port lies where that of IPv4 does */
	socklen_t length = sizeof(in);

	return getsockname(m->fd, (struct sockaddr *)&in, &length) ? 0 : ntohs(in.sin6_port);
}
