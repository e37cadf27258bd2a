/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "client.h"
#include "common/cleanup.h"

/* A conversation, and when it must be over (CLOCK_MONOTONIC). */
struct talk {
	int fd;
	int64_t end_ms;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int wait_for(const struct talk *t, short events)
{
	struct pollfd p = {.fd = t->fd, .events = events};
	int64_t left;
	int n;

	do {
		left = t->end_ms - now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

/* What a call that moved n bytes, or failed, means: bytes moved, 0 to try again, or -errno. */
static ssize_t outcome(const struct talk *t, ssize_t n, short events)
{
	if (n >= 0)
		return n;
	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN)
		return wait_for(t, events);
	return errno == EPIPE ? -ECONNRESET : -errno;
}

static int send_all(const struct talk *t, const void *data, size_t length)
{
	const char *at = data;

	while (length > 0) {
		ssize_t n = send(t->fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		n = outcome(t, n, POLLOUT);
		if (n < 0)
			return (int)n;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

static int receive_all(const struct talk *t, void *data, size_t length)
{
	char *at = data;

	while (length > 0) {
		ssize_t n = recv(t->fd, at, length, MSG_DONTWAIT);

		if (n == 0)
			return -ECONNRESET;
		n = outcome(t, n, POLLIN);
		if (n < 0)
			return (int)n;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

/*
 * The connection waits in the kernel when the daemon's backlog is full: SO_SNDTIMEO is what bounds
 * that wait on a Unix socket, and EAGAIN what its end looks like (unix(7), socket(7)).
 */
static int connect_to(const char *path, unsigned int timeout_ms, int *out)
{
	const struct timeval wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)))
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*out = TAKE_FD(fd);
	return 0;
}

static int send_request(const struct talk *t, enum wire_command command, const json_t *request)
{
	_cleanup_free_ char *text = json_dumps(request, JSON_COMPACT);
	struct wire_header h = {.magic = WIRE_MAGIC, .version = WIRE_VERSION};
	uint8_t head[WIRE_HEADER_LEN];
	size_t length;
	int r;

	if (!text)
		return -EINVAL;
	length = strlen(text);
	if (length > wire_request_max(command))
		return -EMSGSIZE;
	h.command = (uint16_t)command;
	h.length = (uint32_t)length;
	wire_pack(&h, head);
	r = send_all(t, head, sizeof(head));
	return r ? r : send_all(t, text, length);
}

static int parse_reply(const char *text, size_t length, json_t **out)
{
	json_t *json = json_loadb(text, length, 0, NULL);

	if (!json_is_object(json)) {
		json_decref(json);
		return -EPROTO;
	}
	*out = json;
	return 0;
}

static int receive_reply(const struct talk *t, enum wire_command command, struct client_reply *out)
{
	_cleanup_free_ char *text = NULL;
	uint8_t head[WIRE_HEADER_LEN];
	struct wire_header h;
	json_t *json;
	int r;

	r = receive_all(t, head, sizeof(head));
	if (r)
		return r;
	if (wire_unpack(head, WIRE_REPLY_MAX, &h) || h.command != command ||
	    h.status > WIRE_REFUSED)
		return -EPROTO;
	text = malloc((size_t)h.length + 1);
	if (!text)
		return -ENOMEM;
	r = receive_all(t, text, h.length);
	if (r)
		return r;
	text[h.length] = '\0';
	r = parse_reply(text, h.length, &json);
	if (r)
		return r;
	*out = (struct client_reply){h.status, json, TAKE_PTR(text), h.length};
	return 0;
}

static int explain(int r, const char *path, char err[CLIENT_ERROR_LEN])
{
	const char *why = strerror(-r);

	if (r == -ETIMEDOUT)
		why = "no reply in time";
	else if (r == -ECONNRESET)
		why = "closed the connection before its reply was complete";
	else if (r == -EMSGSIZE)
		why = "this is too large for one request";
	else if (r == -EPROTO)
		why = "does not speak this version of the protocol";
	snprintf(err, CLIENT_ERROR_LEN, "app-fw at %.120s: %s", path, why);
	return r;
}

int client_call(const char *path, unsigned int timeout_ms, enum wire_command command,
		const json_t *request, struct client_reply *out, char err[CLIENT_ERROR_LEN])
{
	_cleanup_close_ int fd = -1;
	struct talk t = {.end_ms = now_ms() + timeout_ms};
	int r;

	r = connect_to(path, timeout_ms, &fd);
	if (r) {
		snprintf(err, CLIENT_ERROR_LEN, "cannot reach app-fw at %.120s: %s", path,
			 strerror(-r));
		return r;
	}
	t.fd = fd;
	r = send_request(&t, command, request);
	if (!r)
		r = receive_reply(&t, command, out);
	return r ? explain(r, path, err) : 0;
}

void client_reply_free(struct client_reply *r)
{
	json_decref(r->json);
	free(r->text);
	*r = (struct client_reply){.json = NULL};
}
