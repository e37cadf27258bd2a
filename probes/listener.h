/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which sockets listen at a port: whoever holds one of them may accept a connection there. Kept for
 * the search alone: what is missing here costs a scan of all processes.
 */
#ifndef PROBES_LISTENER_H
#define PROBES_LISTENER_H

#include "maps.h"

/* The socket begins to listen, or does already. Of more than there is room for, the latest stay. */
static __always_inline void listener_add(const struct sock *sk, __u64 cookie)
{
	struct port port = {.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)};
	struct listeners *at, none = {};

	port.number = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (!port.number || !cookie)
		return;
	bpf_map_update_elem(&ports, &port, &none, BPF_NOEXIST);
	at = bpf_map_lookup_elem(&ports, &port);
	if (!at)
		return;
	for (__u32 i = 0; i < ABI_LISTENERS; i++)
		if (at->cookie[i] == cookie)
			return;
	at->cookie[__sync_fetch_and_add(&at->next, 1) & (ABI_LISTENERS - 1)] = cookie;
}

#endif
