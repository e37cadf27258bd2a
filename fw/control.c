/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "clock.h"
#include "control.h"
#include "listener.h"

#define PAUSE_NS 50000000ull /* when nobody can be accepted */

enum step {
	STEP_HEADER,
	STEP_PAYLOAD,
	STEP_REPLY,
};

struct client {
	struct control *control;
	int fd; /* -1: the place is free */
	struct loop_source *source;
	struct loop_timer *timer;
	enum step step;
	bool last;	/* refused already, and closed once it has been told */
	bool served;	/* has had a reply */
	bool late;	/* past its deadline, and living on its grace */
	uint64_t since; /* when it became idle */
	struct wire_header header;
	uint8_t head[WIRE_HEADER_LEN];
	char *body;	     /* payload, or header and payload of the reply */
	size_t length, done; /* bytes of the step: all, and those behind us */
};

struct control {
	struct loop *loop;
	struct listener *listener;
	struct loop_source *source; /* of the listener; silent during a pause */
	struct loop_timer *pause;
	control_handler_fn handler;
	void *cookie;
	uint64_t deadline_ns;
	uint64_t refused;
	struct client clients[CONTROL_CLIENTS_MAX];
};

static void client_close(struct client *c)
{
	loop_disarm(c->timer);
	loop_remove_fd(c->source);
	c->source = NULL;
	close(c->fd);
	c->fd = -1;
	free(c->body);
	c->body = NULL;
}

static void client_refuse(struct client *c)
{
	c->control->refused++;
	client_close(c);
}

static bool client_is_idle(const struct client *c)
{
	return c->step == STEP_HEADER && c->done == 0;
}

static void begin(struct client *c, enum step step, char *body, size_t length)
{
	c->step = step;
	free(c->body);
	c->body = body;
	c->length = length;
	c->done = 0;
}

/* The deadline is for a whole request or a whole reply: header and payload share one. */
static void set_deadline(struct client *c)
{
	c->late = false;
	loop_arm(c->timer, c->control->deadline_ns);
}

/* Ready for the next request. */
static void client_rest(struct client *c)
{
	begin(c, STEP_HEADER, NULL, WIRE_HEADER_LEN);
	c->since = clock_monotonic_ns();
	set_deadline(c);
	if (loop_set_events(c->source, EPOLLIN))
		client_close(c);
}

/* --- Replies --- */

struct text {
	char *data;
	size_t length, room;
};

static int text_append(const char *data, size_t length, void *cookie)
{
	struct text *t = cookie;
	size_t room = t->room;
	char *more;

	if (length > WIRE_HEADER_LEN + (size_t)WIRE_REPLY_MAX - t->length)
		return -1;
	while (room < t->length + length)
		room = room ? 2 * room : 4096;
	if (room > t->room) {
		more = realloc(t->data, room);
		if (!more)
			return -1;
		t->data = more;
		t->room = room;
	}
	memcpy(t->data + t->length, data, length);
	t->length += length;
	return 0;
}

/* Only ASCII leaves here: a path or a note in a reply cannot steer the terminal it is shown on. */
static int compose(const struct client *c, enum wire_status status, const json_t *reply,
		   struct text *out)
{
	struct wire_header h = {.magic = WIRE_MAGIC, .version = WIRE_VERSION};
	uint8_t head[WIRE_HEADER_LEN] = {0};

	out->length = 0;
	if (text_append((const char *)head, sizeof(head), out) ||
	    json_dump_callback(reply, text_append, out, JSON_COMPACT | JSON_ENSURE_ASCII))
		return -EMSGSIZE;
	h.command = c->header.command;
	h.status = (uint16_t)status;
	h.length = (uint32_t)(out->length - WIRE_HEADER_LEN);
	wire_pack(&h, (uint8_t *)out->data);
	return 0;
}

/* One send a call: the loop gets its turn between two, however much the client takes. */
static void client_write(struct client *c)
{
	ssize_t n;

	n = send(c->fd, c->body + c->done, c->length - c->done, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		n = 0;
	if (n < 0) {
		client_close(c);
		return;
	}
	c->done += (size_t)n;
	if (c->done < c->length) {
		if (loop_set_events(c->source, EPOLLOUT))
			client_close(c);
	} else if (c->last) {
		client_close(c);
	} else {
		c->served = true;
		client_rest(c);
	}
}

/* Takes over the reference to reply; NULL: an empty object. */
static void client_reply(struct client *c, enum wire_status status, json_t *reply)
{
	struct text text = {.data = NULL};
	int r;

	if (!reply)
		reply = json_object();
	r = compose(c, status, reply, &text);
	json_decref(reply);
	if (r) {
		reply = json_pack("{s:s}", "error", "the reply is too large to be sent");
		r = compose(c, WIRE_REFUSED, reply, &text);
		json_decref(reply);
	}
	if (r) {
		free(text.data);
		client_close(c);
		return;
	}
	begin(c, STEP_REPLY, text.data, text.length);
	set_deadline(c);
	client_write(c);
}

/* --- Requests --- */

/* The reason may repeat bytes of the request: it stays one printable line. */
static void client_malformed(struct client *c, const char *why)
{
	char text[JSON_ERROR_TEXT_LENGTH + sizeof("malformed request: ")];

	snprintf(text, sizeof(text), "malformed request: %s", why);
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	c->control->refused++;
	c->last = true;
	client_reply(c, WIRE_REFUSED, json_pack("{s:s}", "error", text));
}

static void request_complete(struct client *c)
{
	struct control *control = c->control;
	json_t *request, *reply = NULL;
	enum wire_status status;
	json_error_t error;

	request = json_loadb(c->body ? c->body : "", c->length, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(request)) {
		client_malformed(c, request ? "not an object" : error.text);
		json_decref(request);
		return;
	}
	status = control->handler(control->cookie, c->header.command, request, &reply);
	json_decref(request);
	client_reply(c, status, reply);
}

static bool is_large(const struct client *c)
{
	return c->fd >= 0 && c->step == STEP_PAYLOAD && c->length > WIRE_REQUEST_MAX;
}

/* One at a time: what clients can make us hold in memory is bounded. */
static bool has_room_for_large(const struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (is_large(&control->clients[i]))
			return false;
	return true;
}

static void header_complete(struct client *c)
{
	char *body;

	if (wire_unpack(c->head, WIRE_RESTORE_MAX, &c->header) || c->header.status != 0 ||
	    c->header.length > wire_request_max(c->header.command)) {
		client_refuse(c);
		return;
	}
	if (c->header.length > WIRE_REQUEST_MAX && !has_room_for_large(c->control)) {
		client_refuse(c);
		return;
	}
	body = malloc(c->header.length + 1);
	if (!body) {
		client_close(c);
		return;
	}
	begin(c, STEP_PAYLOAD, body, c->header.length);
	if (c->length == 0)
		request_complete(c);
}

static void client_read(struct client *c)
{
	char *to = c->step == STEP_HEADER ? (char *)c->head : c->body;
	ssize_t n;

	n = recv(c->fd, to + c->done, c->length - c->done, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (client_is_idle(c))
			client_close(c);
		else
			client_refuse(c);
		return;
	}
	c->done += (size_t)n;
	if (c->done < c->length)
		return;
	if (c->step == STEP_HEADER)
		header_complete(c);
	else
		request_complete(c);
}

static void on_client(void *cookie, uint32_t events)
{
	struct client *c = cookie;

	(void)events; /* reading or writing tells of errors and ends */
	if (c->step == STEP_REPLY)
		client_write(c);
	else
		client_read(c);
}

/* Whether it is our turn: the bytes are there, or the room for them. */
static bool is_ready(const struct client *c)
{
	struct pollfd p = {.fd = c->fd, .events = c->step == STEP_REPLY ? POLLOUT : POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* What came in time must not be closed because the loop was busy with something else. */
static void on_deadline(void *cookie)
{
	struct client *c = cookie;

	if (!c->late && is_ready(c)) {
		c->late = true;
		loop_arm(c->timer, CONTROL_GRACE_NS);
		return;
	}
	if (client_is_idle(c) || c->last)
		client_close(c);
	else
		client_refuse(c);
}

/* --- Admission --- */

/* Of two idle clients the one that misses less when it is closed. */
static bool makes_room_before(const struct client *a, const struct client *b)
{
	return a->served != b->served ? a->served : a->since < b->since;
}

/* A free place, or one whose client can be closed; NULL: none at this moment. */
static struct client *find_place(struct control *control)
{
	struct client *best = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *c = &control->clients[i];

		if (c->fd < 0)
			return c;
		if (client_is_idle(c) && (!best || makes_room_before(c, best)))
			best = c;
	}
	if (best && !best->served && clock_monotonic_ns() - best->since < CONTROL_GRACE_NS)
		return NULL;
	return best;
}

static void admit(struct control *control, int fd, struct client *place)
{
	if (place->fd >= 0)
		client_close(place);
	place->source = loop_add_fd(control->loop, fd, EPOLLIN, on_client, place);
	if (!place->source) {
		close(fd);
		return;
	}
	place->fd = fd;
	place->last = place->served = false;
	client_rest(place);
}

/* Asking again at once, while nothing has changed, would burn a core. */
static void pause_accepting(struct control *c)
{
	loop_set_events(c->source, 0);
	loop_arm(c->pause, PAUSE_NS);
}

static void on_pause_over(void *cookie)
{
	struct control *c = cookie;

	if (loop_set_events(c->source, EPOLLIN))
		loop_arm(c->pause, PAUSE_NS);
}

/* One a call. */
static void on_connection(void *cookie, uint32_t events)
{
	struct control *c = cookie;
	struct client *place = find_place(c);
	int fd;

	(void)events;
	if (!place) {
		pause_accepting(c);
		return;
	}
	fd = accept4(listener_fd(c->listener), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			pause_accepting(c);
	} else if (listener_may_talk(c->listener, fd)) {
		admit(c, fd, place);
	} else {
		c->refused++;
		close(fd);
	}
}

/* --- Life --- */

static int add_to_loop(struct control *c)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		c->clients[i].timer = loop_add_timer(c->loop, on_deadline, &c->clients[i]);
		if (!c->clients[i].timer)
			return -ENOMEM;
	}
	c->pause = loop_add_timer(c->loop, on_pause_over, c);
	if (!c->pause)
		return -ENOMEM;
	c->source = loop_add_fd(c->loop, listener_fd(c->listener), EPOLLIN, on_connection, c);
	return c->source ? 0 : -errno;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (c->clients[i].fd >= 0)
			client_close(&c->clients[i]);
		loop_remove_timer(c->clients[i].timer);
	}
	loop_remove_timer(c->pause);
	loop_remove_fd(c->source);
	listener_close(c->listener);
	free(c);
}

static void cleanup_control(struct control **c)
{
	control_close(*c);
}

int control_open(struct loop *loop, const char *path, control_handler_fn handler, void *cookie,
		 struct control **out)
{
	_cleanup_(cleanup_control) struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct control){
		.loop = loop,
		.handler = handler,
		.cookie = cookie,
		.deadline_ns = CONTROL_DEADLINE_NS,
	};
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		c->clients[i].control = c;
		c->clients[i].fd = -1;
	}
	r = listener_open(path, &c->listener);
	if (r)
		return r;
	r = add_to_loop(c);
	if (r)
		return r;
	*out = TAKE_PTR(c);
	return 0;
}

uint64_t control_refused(const struct control *c)
{
	return c->refused;
}

void control_set_deadline(struct control *c, uint64_t ns)
{
	c->deadline_ns = ns;
}
