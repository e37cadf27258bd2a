/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server end of the control protocol (common/wire.h) on a Unix socket. It admits, frames,
 * bounds and checks; what a command means is the handler's business.
 *
 * Nothing that a client does, or leaves undone, makes the loop wait: reads and writes never block,
 * each client has one request or one reply in memory, and CONTROL_DEADLINE_NS for each step: to
 * deliver a whole request (from its connection, or from the end of the reply before), and to take
 * a whole reply. Only one client at a
 * time may send a request past WIRE_REQUEST_MAX; another that tries is closed. A client that breaks
 * the protocol is closed, after an error reply if its header was in order.
 *
 * When CONTROL_CLIENTS_MAX are there, an idle one is closed for a new one: one that has had its
 * reply, else one that has said nothing for CONTROL_GRACE_NS. While there is no such, new ones wait
 * to be accepted: the deadlines make that short.
 */
#ifndef FW_CONTROL_H
#define FW_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"
#include "loop.h"

#define CONTROL_CLIENTS_MAX 32
#define CONTROL_DEADLINE_NS 5000000000ull
#define CONTROL_GRACE_NS    250000000ull

struct control;

/*
 * Answers one request, a JSON object that is valid during the call only. *reply is NULL on entry; a
 * new reference left there is taken over and sent. NULL: {} for WIRE_OK; for WIRE_REFUSED
 * it should be {"error": TEXT}. Must not close the control it is called from.
 */
typedef enum wire_status (*control_handler_fn)(void *cookie, enum wire_command command,
					       const json_t *request, json_t **reply);

/*
 * Takes its place at path and admits clients as listener.h says. 0 or -errno, as listener_open();
 * *out is untouched on failure.
 */
int control_open(struct loop *loop, const char *path, control_handler_fn handler, void *cookie,
		 struct control **out);

/* Closes all clients and the socket. NULL is fine. */
void control_close(struct control *c);

/* How many clients were not admitted, or closed for breaking the protocol or a deadline. */
uint64_t control_refused(const struct control *c);

/* Another deadline than CONTROL_DEADLINE_NS, for steps that begin after the call. For tests. */
void control_set_deadline(struct control *c, uint64_t ns);

#endif
