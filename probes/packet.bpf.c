// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See packet.h. */
#include "packet.h"
#include "in_place.h"

#define TCP_FLAGS_AT 13
#define TCP_RST	     4

/* What of the packet the fingerprint is made of. */
struct header {
	__u64 addr[4];
	struct words words; /* after the IP header */
	__u16 id;
	__u8 proto;
};

/* Returns the offset of the bytes after the IP header, or 0 when there is no IP header. */
static __always_inline __u32 read_ip(const struct packet *p, struct header *h)
{
	struct words ip;

	if (p->length < IP_HEADER_MIN || !words_at(&ip, p->data, IP6_HEADER))
		return 0;
	if (ip.byte[0] >> 4 == 4) {
		__builtin_memcpy(&h->addr[0], ip.byte + 12, 4);
		__builtin_memcpy(&h->addr[2], ip.byte + 16, 4);
		__builtin_memcpy(&h->id, ip.byte + 4, 2);
		h->proto = ip.byte[9];
		return (ip.byte[0] & 15) * 4;
	}
	if (ip.byte[0] >> 4 != 6)
		return 0;
	__builtin_memcpy(&h->addr[0], ip.byte + 8, 16);
	__builtin_memcpy(&h->addr[2], ip.byte + 24, 16);
	h->proto = ip.byte[6];
	return IP6_HEADER;
}

__u64 packet_print(const struct packet *p)
{
	__u32 want = 8 * ABI_PRINT_WORDS_LONG, offset, words;
	struct header h = {};

	if (!p)
		return 0;
	offset = read_ip(p, &h);
	if (!offset || offset > p->linear)
		return 0;
	if (h.proto == IPPROTO_TCP)
		want = 8 * ABI_PRINT_WORDS_TCP;
	if (want > p->length - offset)
		want = p->length - offset;
	words = h.proto == IPPROTO_TCP ? ABI_PRINT_WORDS_TCP : ABI_PRINT_WORDS_LONG;
	if (want > p->linear - offset) {
		words = ABI_PRINT_WORDS_SHORT;
		want = 8;
	}
	if (!words_at(&h.words, p->data + offset, want))
		return 0;
	/* The loop in abi_print needs a constant bound to unroll to straight code. */
	if (words == ABI_PRINT_WORDS_TCP)
		return abi_print(h.addr, h.proto, h.id, h.words.word, ABI_PRINT_WORDS_TCP);
	if (words == ABI_PRINT_WORDS_SHORT)
		return abi_print(h.addr, h.proto, h.id, h.words.word, ABI_PRINT_WORDS_SHORT);
	return abi_print(h.addr, h.proto, h.id, h.words.word, ABI_PRINT_WORDS_LONG);
}

int packet_is_reset(const struct packet *p, const struct cache_tuple *t)
{
	const unsigned char *data;
	__u8 flags = TCP_RST;

	if (!p || !t || t->proto != IPPROTO_TCP)
		return 0;
	data = (const void *)p->data;
	data += t->family == 4 ? IP_HEADER_MIN : IP6_HEADER;
	if (p->linear > IP6_HEADER + TCP_FLAGS_AT)
		bpf_probe_read_kernel(&flags, 1, data + TCP_FLAGS_AT);
	return flags & TCP_RST;
}
