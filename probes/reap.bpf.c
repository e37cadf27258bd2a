// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Takes away the records of sockets that are no more, which nothing in the kernel tells of: see
 * roster.h. Whoever needs the place of one takes it; this is for those that have none, and for
 * whoever wants to know how many there are.
 */
#include "roster.h"

static long reap_place(__u32 i, struct reap_args *args)
{
	struct sock_place *p = bpf_map_lookup_elem(&sock_places, &i);
	__u64 cookie = p ? *(const volatile __u64 *)&p->cookie : 0;

	if (!cookie || cookie == PLACE_TAKEN)
		return 0;
	if (!is_gone(&p->rec, cookie)) {
		args->sockets++;
		return 0;
	}
	__sync_val_compare_and_swap(&p->cookie, cookie, 0);
	return 0;
}

static long reap_other(const void *map, const __u64 *cookie, const struct sock_rec *rec,
		       struct reap_args *args)
{
	if (!is_gone(rec, *cookie)) {
		args->sockets++;
		return 0;
	}
	bpf_map_delete_elem(&socks, cookie);
	return 0;
}

SEC("syscall")
int reap_sockets(struct reap_args *args)
{
	struct reap_args found = {};

	bpf_loop(ABI_PLACES, reap_place, &found, 0);
	bpf_for_each_map_elem(&socks, reap_other, &found, 0);
	args->sockets = found.sockets;
	return 0;
}
