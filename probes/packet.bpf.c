// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See packet.h. */
#include "packet.h"
#include "in_place.h"

#define TCP_FLAGS_AT 13
#define TCP_RST	     4

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
