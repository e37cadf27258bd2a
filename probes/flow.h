/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which flow a packet is of: of those whose headers hold no surprise. */
#ifndef PROBES_FLOW_H
#define PROBES_FLOW_H

#include "cast.h"
#include "packet.h"

#define PORTS	     4
#define IP_MAY_SPLIT 0x3fff /* network order is dealt with: more fragments, and their offset */
#define HEADER_WORDS 6

struct words {
	union {
		__u64 word[HEADER_WORDS];
		__u8 byte[8 * HEADER_WORDS];
	};
};

/* As many words as the header of IPv6 and 4 bytes after it have, whether or not all are there. */
static __always_inline bool headers_at(struct words *w, __u64 address)
{
	const struct rtnl_link_stats64 *at;

	if (!CAN_CAST)
		return !bpf_probe_read_kernel(w, 8 * HEADER_WORDS, (const void *)address);
	at = cast(rtnl_link_stats64, address);
	w->word[0] = at->rx_packets;
	w->word[1] = at->tx_packets;
	w->word[2] = at->rx_bytes;
	w->word[3] = at->tx_bytes;
	w->word[4] = at->rx_errors;
	w->word[5] = at->tx_errors;
	return true;
}

static __always_inline void take_flow(struct cache_tuple *t, const __u8 *from, const __u8 *to,
				      __u32 bytes, const __u8 *ports)
{
	__builtin_memcpy(&t->addr[0], from, bytes);
	__builtin_memcpy(&t->addr[2], to, bytes);
	__builtin_memcpy(&t->sport, ports, 2);
	__builtin_memcpy(&t->dport, ports + 2, 2);
}

/* Takes addresses and ports of TCP and UDP, where there is nothing before their header but that of
 * IP. *t is all 0 before. Returns its protocol; 0: it is another packet. */
static __always_inline __u16 packet_flow(const struct packet *p, struct cache_tuple *t)
{
	struct words header;
	const __u8 *ip = header.byte;
	__u32 whole;

	if (p->linear < IP_HEADER_MIN + PORTS || !headers_at(&header, p->data))
		return 0;
	if (ip[0] == 0x45) {
		whole = ip[2] << 8 | ip[3];
		if (((ip[6] << 8 | ip[7]) & IP_MAY_SPLIT) || whole > p->length ||
		    whole < IP_HEADER_MIN + PORTS)
			return 0;
		take_flow(t, ip + 12, ip + 16, 4, ip + IP_HEADER_MIN);
		t->proto = ip[9];
		t->family = 4;
	} else {
		if (ip[0] >> 4 != 6 || p->linear < IP6_HEADER + PORTS)
			return 0;
		whole = ip[4] << 8 | ip[5];
		if (whole < PORTS || whole + IP6_HEADER > p->length)
			return 0;
		take_flow(t, ip + 8, ip + 24, 16, ip + IP6_HEADER);
		t->proto = ip[6];
		t->family = 6;
	}
	return t->proto == IPPROTO_TCP || t->proto == IPPROTO_UDP ? t->proto : 0;
}

#endif
