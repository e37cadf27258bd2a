/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The edge to rtnetlink(7): what the routing tables say of a packet that came in. Source:
 * net/ipv4/route.c.
 */
#ifndef FW_ROUTE_H
#define FW_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

struct route;

/* A handle on the network namespace of the caller. 0 or -errno; *out untouched on failure. */
int route_open(struct route **out);
void route_close(struct route *r); /* NULL is fine */

/*
 * Whether an IPv4 packet is for one host and no more. Addresses in network order; ifindex: the
 * device it came in by. False where that cannot be told, too.
 */
bool route_is_unicast(struct route *r, const uint8_t from[4], const uint8_t to[4],
		      uint32_t ifindex);

#endif
