/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client end of the control protocol (common/wire.h): one request, one reply. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>

#include "common/wire.h"

#define CLIENT_ERROR_LEN 256

struct client_reply {
	enum wire_status status;
	json_t *json; /* an object */
	char *text;   /* the same as it came, with a NUL */
	size_t length;
};

/*
 * Connects to the socket at path, sends the request and waits for the whole reply, all within
 * timeout_ms. Returns 0 when a reply came, whatever its status: give it to client_reply_free().
 * -ETIMEDOUT, -ECONNRESET for a daemon that closed the connection before its reply was whole,
 * -EPROTO for one that does not speak the protocol, -EMSGSIZE for a request past wire_request_max()
 * (nothing has been sent), or another -errno; err then holds one line for
 * people. *out is untouched on failure.
 */
int client_call(const char *path, unsigned int timeout_ms, enum wire_command command,
		const json_t *request, struct client_reply *out, char err[CLIENT_ERROR_LEN]);

void client_reply_free(struct client_reply *r);

#endif
