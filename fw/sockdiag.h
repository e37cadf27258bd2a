/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The edge to sock_diag(7): which socket would the kernel itself find for this packet.
 * Sources: net/ipv4/inet_diag.c, net/ipv4/udp_diag.c.
 */
#ifndef FW_SOCKDIAG_H
#define FW_SOCKDIAG_H

#include <stdbool.h>
#include <stdint.h>

struct sockdiag;

struct sockdiag_query {
	uint8_t family;			  /* 4 or 6 */
	uint8_t proto;			  /* IPPROTO_TCP, IPPROTO_UDP or IPPROTO_UDPLITE */
	uint8_t local[16], remote[16];	  /* network order; IPv4 in the first 4 bytes */
	uint16_t local_port, remote_port; /* host order */
	uint32_t ifindex; /* it comes or goes by, or its socket is bound to; 0: any */
};

struct sockdiag_answer {
	uint64_t cookie;
	uint32_t inode; /* 0: no open file stands behind it */
	uint8_t state;	/* TCP state as in include/net/tcp_states.h */
	bool v6_only;	/* told by sockdiag_each(), of those that are not connected */
};

/* A handle on the network namespace of the caller. 0 or -errno; *out untouched on failure. */
int sockdiag_open(struct sockdiag **out);
void sockdiag_close(struct sockdiag *d); /* NULL is fine */

/* 0; -ENOENT when there is no such socket; -EOPNOTSUPP for another protocol; else -errno. */
int sockdiag_find(struct sockdiag *d, const struct sockdiag_query *q, struct sockdiag_answer *out);

#define SOCKDIAG_LISTEN 10 /* include/net/tcp_states.h: TCP_LISTEN */
#define SOCKDIAG_ANY	(~0u)

/*
 * Tells fn of every socket of a family and protocol, with that local port (0: any) and in one of
 * these states (a bit each, 1 << state), until it returns true. ends: its addresses, ports and
 * device. 0, or -errno.
 */
int sockdiag_each(struct sockdiag *d, uint8_t family, uint8_t proto, uint16_t port, uint32_t states,
		  bool (*fn)(void *cookie, const struct sockdiag_query *ends,
			     const struct sockdiag_answer *a),
		  void *cookie);

#endif
