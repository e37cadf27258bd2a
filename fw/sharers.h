/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets that have one port between them (SO_REUSEADDR, SO_REUSEPORT). Of UDP: which of them
 * get a datagram that comes in for more than one of them, and which may have sent one. Of TCP:
 * which of those that listen may get a connection. Sources, all in net: __udp_is_mcast_sock() in
 * ipv4/udp.c, __udp_v6_is_mcast_sock() in ipv6/udp.c; compute_score() in ipv4/inet_hashtables.c.
 */
#ifndef FW_SHARERS_H
#define FW_SHARERS_H

#include <stdbool.h>
#include <stdint.h>

#include "sockdiag.h"

#define SHARERS_MAX 256 /* of more, who they are is not told */

/* Whether the address is one of several hosts whatever the routing tables say: multicast, or the
 * broadcast of this link. Network order. */
bool sharers_get_all(uint8_t family, const uint8_t to[16]);

/*
 * Whether a socket gets the datagram or may get the connection (in), or may have sent it: then the
 * port alone counts, for a sender may name another peer, and another address of his own, with each.
 * Its memberships are not looked at: one that is of other groups is said to get it.
 */
bool sharers_fit(uint8_t family, const struct sockdiag_query *ends, bool v6_only,
		 const struct sockdiag_query *q, bool in);

/* Tells fn the cookies of those that fit. 0; or -errno, and there may be more than fn was told of.
 */
int sharers_each(struct sockdiag *d, const struct sockdiag_query *q, bool in,
		 void (*fn)(void *cookie, uint64_t socket), void *cookie);

#endif
