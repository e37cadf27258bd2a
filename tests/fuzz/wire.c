/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes on a connection to the daemon, cut as the first of them says. Each whole request gets a
 * whole reply or the connection ends; another client, whose request was begun before and is ended
 * after, is served all the same.
 */
#include "common/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bare_daemon.h"
#include "bare_loop.h"
#include "common/cleanup.h"
#include "fuzz.h"
#include "reply.h"

#define CUT_MASK 0x3f /* of the first byte: so many bytes at once; 0: all */
#define STALL	 0x40 /* the client says no more, and its time runs out */
#define TURNS	 1000 /* far more than any input here can need */

struct peer {
	int fd;
	char *heard;
	size_t n;
	bool ended;
};

static struct peer dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct peer p = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};

	strcpy(address.sun_path, path);
	fuzz_expect(p.fd >= 0 && connect(p.fd, (struct sockaddr *)&address, sizeof(address)) == 0,
		    "a connection: %s", strerror(errno));
	return p;
}

static void hear(struct peer *p)
{
	char bytes[4096];
	ssize_t n;

	while (!p->ended && (n = recv(p->fd, bytes, sizeof(bytes), 0)) != 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		p->heard = realloc(p->heard, p->n + (size_t)n);
		fuzz_expect(p->heard, "memory");
		memcpy(p->heard + p->n, bytes, (size_t)n);
		p->n += (size_t)n;
	}
	p->ended = true;
}

/* Until the daemon has done all that there is to do. */
static void settle(struct daemon *d, struct peer *p)
{
	int turns = 0;

	do {
		hear(p);
		fuzz_expect(turns++ < TURNS, "an end of it");
	} while (bare_loop_turn(d->control_loop));
	hear(p);
}

static void tell(struct daemon *d, struct peer *p, const void *bytes, size_t size, size_t cut)
{
	const char *at = bytes;

	while (size > 0 && !p->ended) {
		size_t want = cut && cut < size ? cut : size;
		ssize_t n = send(p->fd, at, want, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		at += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
		settle(d, p);
	}
}

/* The next reply among what was heard; false: no whole one is left. */
static bool next_reply(const struct peer *p, size_t *at)
{
	struct wire_header h;
	json_t *reply;

	if (p->n - *at < WIRE_HEADER_LEN)
		return false;
	fuzz_expect(wire_unpack((const uint8_t *)p->heard + *at, WIRE_REPLY_MAX, &h) == 0,
		    "the header of a reply");
	*at += WIRE_HEADER_LEN;
	if (p->n - *at < h.length)
		return false;
	reply = json_loadb(p->heard + *at, h.length, JSON_REJECT_DUPLICATES, NULL);
	fuzz_expect(reply, "JSON, not '%.*s'", (int)h.length, p->heard + *at);
	reply_expect(h.status, reply);
	json_decref(reply);
	*at += h.length;
	return true;
}

static size_t count_replies(const struct peer *p)
{
	size_t at = 0, n = 0;

	while (next_reply(p, &at))
		n++;
	return n;
}

static void hang_up(struct daemon *d, struct peer *p)
{
	shutdown(p->fd, SHUT_WR);
	settle(d, p);
	fuzz_expect(p->ended, "the daemon to hang up as well");
	close(p->fd);
	free(p->heard);
}

static void pack_request(uint8_t out[WIRE_HEADER_LEN + 2])
{
	const struct wire_header h = {
		.magic = WIRE_MAGIC, .version = WIRE_VERSION, .command = WIRE_LIST, .length = 2};

	wire_pack(&h, out);
	memcpy(out + WIRE_HEADER_LEN, "{}", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct daemon *d = bare_daemon();
	uint8_t request[WIRE_HEADER_LEN + 2];
	struct peer stranger, other;

	if (size == 0)
		return 0;
	pack_request(request);
	other = dial(d->options.socket);
	tell(d, &other, request, WIRE_HEADER_LEN / 2, 0);
	stranger = dial(d->options.socket);
	tell(d, &stranger, data + 1, size - 1, data[0] & CUT_MASK);
	tell(d, &other, request + WIRE_HEADER_LEN / 2, sizeof(request) - WIRE_HEADER_LEN / 2, 0);
	fuzz_expect(count_replies(&other) == 1, "the other client to be served");
	if (data[0] & STALL) {
		bare_loop_expire(d->control_loop);
		bare_loop_expire(d->control_loop);
	}
	count_replies(&stranger);
	hang_up(d, &stranger);
	hang_up(d, &other);
	return 0;
}
