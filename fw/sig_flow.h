/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What signatures say of the bytes of one TCP connection, as they come in order, and of single
 * datagrams. Pure; of one set, one thread at a time.
 *
 * A rule fires once for each way of a connection, or, if it looks into HTTP, once for each request:
 * when all its positive parts have matched. A negated part must not have matched by then; one of a
 * request is waited for until the part of the request that it looks into is complete.
 */
#ifndef FW_SIG_FLOW_H
#define FW_SIG_FLOW_H

#include "sig_set.h"

struct sig_flow;

/* The packet that brings the bytes; of a whole datagram, its own. */
struct sig_context {
	const struct packet *packet;
	size_t size;	  /* bytes that it carries, for dsize */
	bool to_server;	  /* of TCP: which way it goes */
	bool established; /* of TCP */
};

typedef void (*sig_fire_fn)(void *cookie, struct sig_rule *rule);

/* 0; -EIO: vectorscan failed, and what was not scanned may hold anything. */
int sig_datagram(struct sig_set *s, const struct sig_context *c, const void *data, size_t n,
		 sig_fire_fn fire, void *cookie);

/* NULL: no memory. It keeps a reference on the set. */
struct sig_flow *sig_flow_new(struct sig_set *s);
void sig_flow_free(struct sig_flow *f); /* nothing fires; NULL is fine */

/* Another set looks at what comes from now on. What counts from the start of a connection does not
 * match there any more. 0 or -ENOMEM: the old one stays. */
int sig_flow_adopt(struct sig_flow *f, struct sig_set *s);

struct sig_set *sig_flow_set(const struct sig_flow *f);

/* The next n > 0 bytes of a way. 0; -EIO as above; -ENOMEM. */
int sig_flow_bytes(struct sig_flow *f, const struct sig_context *c, const void *data, size_t n,
		   sig_fire_fn fire, void *cookie);

/* n bytes of a way are missing: no match goes across them. */
void sig_flow_gap(struct sig_flow *f, bool to_server, uint64_t n);

/* Bytes that it takes now. */
size_t sig_flow_memory(const struct sig_flow *f);

/* Requests of HTTP that it has seen; of their anomalies, all bits (fw/http.h). */
uint64_t sig_flow_requests(const struct sig_flow *f);
unsigned int sig_flow_anomalies(const struct sig_flow *f);

#endif
