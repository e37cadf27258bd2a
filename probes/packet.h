/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is read of a packet's headers. */
#ifndef PROBES_PACKET_H
#define PROBES_PACKET_H

#include "kernel.h"
#include "common/cache_abi.h"
#include "common/probe_abi.h"

#define IP_HEADER_MIN 20
#define IP6_HEADER    40

/* Where its bytes are, from the IP header on: a plain value, as the parts of packet.bpf.c want. */
struct packet {
	__u64 data;   /* kernel address */
	__u32 length; /* bytes in all */
	__u32 linear; /* bytes that are at that address */
};

static __always_inline void packet_open(struct packet *p, const struct sk_buff *skb)
{
	p->data = (__u64)skb->data;
	p->length = skb->len;
	p->linear = p->length - skb->data_len;
}

/* Its fingerprint, or 0: it has none. See common/probe_abi.h. */
__u64 packet_print(const struct packet *p);

/* A RST may be the daemon's own, which tells of a REJECT, or may not be one: only that knows. */
int packet_is_reset(const struct packet *p, const struct cache_tuple *t);

#endif
