/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which TCP sockets were bound to a port, and so may listen there: whoever holds one of them may
 * accept a connection. Kept for the search alone: what is missing here, as one that listens without
 * having been bound, costs a scan of all processes.
 */
#ifndef PROBES_LISTENER_H
#define PROBES_LISTENER_H

#include "maps.h"

/* Of more than there is room for, the latest stay. */
static __always_inline void listener_add(__u64 netns_cookie, __u32 number, __u64 cookie)
{
	struct port port = {.netns = netns_cookie, .number = number};
	struct listeners *at, none = {};

	if (!number || !cookie)
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
