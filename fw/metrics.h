/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of GET /metrics, on a thread of its own (libmicrohttpd). It answers whoever can reach
 * it; nothing that a client does, or leaves undone, makes another wait for long or holds much:
 *
 *  - each connection gets one answer and is closed; one on which nothing moves, after
 *    METRICS_TIMEOUT_S;
 *  - of more than METRICS_CLIENTS_KEPT connections, and of more than METRICS_REPLIES_MAX that have
 *    not taken their answer yet, the oldest is closed;
 *  - the figures are asked for once in METRICS_FRESH_NS at most: until then all get the same text.
 */
#ifndef FW_METRICS_H
#define FW_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"

#define METRICS_TIMEOUT_S    5
#define METRICS_CLIENTS_KEPT 48
#define METRICS_REPLIES_MAX  4
#define METRICS_FRESH_NS     1000000000ull

struct metrics;

/* The text, for the server to free; NULL: there is none now. Called on the server's thread. */
typedef char *(*metrics_tell_fn)(void *cookie, size_t *length);

/*
 * Listens, and answers 503 until metrics_serve(): before that `tell` is not called. 0; or -errno,
 * as endpoint_listen(), and *out is untouched.
 */
int metrics_open(const struct endpoint *at, metrics_tell_fn tell, void *cookie,
		 struct metrics **out);
void metrics_serve(struct metrics *m); /* NULL is fine */

/* Closes all connections, after a call of `tell` that is under way. NULL is fine. */
void metrics_close(struct metrics *m);

/* Where it listens. For tests, which let the kernel choose. */
uint16_t metrics_port(const struct metrics *m);

#endif
