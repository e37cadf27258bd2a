/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fingerprint of a packet: see common/probe_abi.h. It is part of in_place.bpf.c. */
#ifndef PROBES_PRINT_H
#define PROBES_PRINT_H

#include "flow.h"

/* What of the packet it is made of, but for what follows the IP header. */
struct print_header {
	__u64 addr[4];
	__u32 offset; /* of the bytes after the IP header */
	__u16 id;
	__u8 proto;
};

static __always_inline bool read_ip(const struct packet *p, struct print_header *h)
{
	struct words ip;

	if (p->length < IP_HEADER_MIN || !headers_at(&ip, p->data))
		return false;
	if (ip.byte[0] >> 4 == 4) {
		__builtin_memcpy(&h->addr[0], ip.byte + 12, 4);
		__builtin_memcpy(&h->addr[2], ip.byte + 16, 4);
		__builtin_memcpy(&h->id, ip.byte + 4, 2);
		h->proto = ip.byte[9];
		h->offset = (ip.byte[0] & 15) * 4;
	} else {
		__builtin_memcpy(&h->addr[0], ip.byte + 8, 16);
		__builtin_memcpy(&h->addr[2], ip.byte + 24, 16);
		h->proto = ip.byte[6];
		h->offset = IP6_HEADER;
	}
	return ip.byte[0] >> 4 == 4 || ip.byte[0] >> 4 == 6;
}

/* The first bytes of a word that begins `at` bytes from the start; 0 after them. */
static __always_inline __u64 first_bytes(__u64 word, __u32 at, __u32 bytes)
{
	if (bytes >= at + 8)
		return word;
	return bytes > at ? word & ((1ull << 8 * (bytes - at)) - 1) : 0;
}

/* n words, of which the first so many bytes are the packet's. */
static __always_inline bool words_at(__u64 word[ABI_PRINT_WORDS_LONG], __u64 address, __u32 bytes,
				     const __u32 n)
{
	const struct rtnl_link_stats64 *at;

	if (!CAN_CAST) {
		if (bytes > 8 * n)
			bytes = 8 * n;
		return !bpf_probe_read_kernel(word, bytes, (const void *)address);
	}
	at = cast(rtnl_link_stats64, address);
	word[0] = first_bytes(at->rx_packets, 0, bytes);
	if (n > 1)
		word[1] = first_bytes(at->tx_packets, 8, bytes);
	if (n > 2)
		word[2] = first_bytes(at->rx_bytes, 16, bytes);
	if (n > 3)
		word[3] = first_bytes(at->tx_bytes, 24, bytes);
	if (n > 4)
		word[4] = first_bytes(at->rx_errors, 32, bytes);
	return true;
}

/* abi_print() needs to know n as it is compiled: straight code is made of its loop then. */
static __always_inline __u64 print_with(const struct print_header *h, __u64 data, __u32 bytes,
					const __u32 n)
{
	__u64 word[ABI_PRINT_WORDS_LONG] = {};

	return words_at(word, data + h->offset, bytes, n)
		       ? abi_print(h->addr, h->proto, h->id, word, n)
		       : 0;
}

__u64 packet_print(const struct packet *p)
{
	struct print_header h = {};
	__u32 words, bytes;

	if (!p || !read_ip(p, &h) || !h.offset || h.offset > p->linear)
		return 0;
	words = h.proto == IPPROTO_TCP ? ABI_PRINT_WORDS_TCP : ABI_PRINT_WORDS_LONG;
	bytes = p->length - h.offset;
	if (bytes > 8 * words)
		bytes = 8 * words;
	if (bytes > p->linear - h.offset)
		return print_with(&h, p->data, 8, ABI_PRINT_WORDS_SHORT);
	if (h.proto == IPPROTO_TCP)
		return print_with(&h, p->data, bytes, ABI_PRINT_WORDS_TCP);
	return print_with(&h, p->data, bytes, ABI_PRINT_WORDS_LONG);
}

#endif
