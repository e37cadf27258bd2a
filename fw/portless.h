/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which raw and ping sockets of our network namespace an incoming packet is handed to: those have
 * no ports by which sock_diag(7) could name them. Sources: net/ipv4/raw.c, net/ipv6/raw.c,
 * net/ipv4/ping.c.
 */
#ifndef FW_PORTLESS_H
#define FW_PORTLESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/portless_abi.h"
#include "packet.h"

#define PORTLESS_MAX 64 /* sockets that get one packet; of more, who they are is not told */

struct portless;

struct portless_query {
	uint8_t family, proto;
	uint8_t icmp_type;
	bool is_icmp, is_reply; /* is_reply: to an echo request, of identifier `id` */
	uint16_t id;
	uint8_t local[16], remote[16];
	uint32_t ifindex; /* it came in by */
};

/* Sees the sockets of the caller's namespace, older ones too. 0 or -errno. */
int portless_open(struct portless **out);
void portless_close(struct portless *p); /* NULL is fine */

/*
 * Whether such a socket's process counts as receiver. False for what the kernel itself acts on
 * (ICMP errors, echo requests, neighbour discovery, IGMP): there a process only listens in, and the
 * host needs the packet whatever the rules say of that process.
 */
bool portless_may_get(const struct packet *k);

/* What is asked for a packet that came in. */
void portless_make_query(const struct packet *k, uint32_t ifindex, struct portless_query *q);

/*
 * Whether the socket gets the packet. Two things are not looked at, and then it is said to get one
 * that it may not: a filter program on the socket, and its memberships if it is bound to an address
 * and the packet is multicast. Of ping sockets with one identifier all are said to get it.
 */
bool portless_gets(const struct portless_rec *s, const struct portless_query *q);

/*
 * Tells fn the cookies of the sockets that get the packet. 0; or -errno, and there may be more than
 * fn was told of. p may be NULL.
 */
int portless_each(struct portless *p, const struct portless_query *q,
		  void (*fn)(void *cookie, uint64_t socket), void *cookie);

#endif
