// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The sockets that receive without ports: raw ones, and those of kind SOCK_DGRAM for ICMP (ping).
 * sock_diag(7) knows no ping sockets, and raw ones on some kernels only. So each such socket of the
 * daemon's network namespace is remembered from when it is made until it is freed; what it is bound
 * to is read when the daemon asks. An object of its own: the daemon works without it.
 */
#include "kernel.h"
#include "common/portless_abi.h"

#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define IPPROTO_ICMP   1
#define IPPROTO_ICMPV6 58

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net___portless {
	__u64 net_cookie;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common___portless {
	__u32 skc_daddr, skc_rcv_saddr;
	__u16 skc_num;
	int skc_bound_dev_if;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock___portless {
	__u16 sk_type;
};

struct icmp_filter {
	__u32 data;
};

struct icmp6_filter {
	__u32 data[8];
};

struct raw_sock {
	struct icmp_filter filter;
};

struct raw6_sock {
	struct icmp6_filter filter;
};

struct bpf_map;

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u8);
} portless SEC(".maps");

const volatile __u64 netns_cookie; /* of the daemon's namespace */
__u64 lost;			   /* sockets that could not be remembered */

static __always_inline bool is_portless(__u32 type, __u32 protocol)
{
	return type == SOCK_RAW ||
	       (type == SOCK_DGRAM && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6));
}

SEC("cgroup/sock_create")
int portless_created(struct bpf_sock *ctx)
{
	if (is_portless(ctx->type, ctx->protocol) && family_is_inet(ctx->family) &&
	    bpf_get_netns_cookie(ctx) == netns_cookie &&
	    !bpf_sk_storage_get(&portless, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE))
		__sync_fetch_and_add(&lost, 1);
	return 1;
}

static __always_inline __u64 sock_netns_cookie(const struct sock *sk)
{
	const struct net___portless *net = (const void *)BPF_CORE_READ(sk, __sk_common.skc_net.net);

	return BPF_CORE_READ(net, net_cookie);
}

/* Those that are older than the daemon. */
SEC("iter/task_file")
int portless_scan(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;

	if (!ctx->task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (sk && family_is_inet(sk->__sk_common.skc_family) &&
	    is_portless(BPF_CORE_READ((const struct sock___portless *)sk, sk_type),
			sk->sk_protocol) &&
	    sock_netns_cookie(sk) == netns_cookie &&
	    !bpf_sk_storage_get(&portless, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

static __always_inline void read_ipv4(const struct sock *sk, struct portless_rec *rec)
{
	const struct sock_common___portless *c = (const void *)&sk->__sk_common;
	const struct raw_sock *raw = (const void *)sk;

	rec->family = 4;
	bpf_core_read(rec->local, 4, &c->skc_rcv_saddr);
	bpf_core_read(rec->remote, 4, &c->skc_daddr);
	if (!rec->ping && rec->number == IPPROTO_ICMP)
		rec->filter[0] = BPF_CORE_READ(raw, filter.data);
}

static __always_inline void read_ipv6(const struct sock *sk, struct portless_rec *rec)
{
	const struct sock_common___portless *c = (const void *)&sk->__sk_common;
	const struct raw6_sock *raw = (const void *)sk;

	rec->family = 6;
	if (!bpf_core_field_exists(c->skc_v6_daddr))
		return;
	bpf_core_read(rec->local, 16, &c->skc_v6_rcv_saddr);
	bpf_core_read(rec->remote, 16, &c->skc_v6_daddr);
	if (!rec->ping && rec->number == IPPROTO_ICMPV6 && bpf_core_type_exists(struct raw6_sock))
		bpf_core_read(rec->filter, sizeof(rec->filter), &raw->filter);
}

SEC("iter/bpf_sk_storage_map")
int portless_each(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	const struct sock_common___portless *c;
	struct portless_rec rec = {};

	if (!sk || !ctx->value || BPF_CORE_READ(sk, __sk_common.skc_flags) & SOCK_DEAD_BIT)
		return 0;
	c = (const void *)&sk->__sk_common;
	rec.number = BPF_CORE_READ(c, skc_num);
	if (!rec.number) /* a ping socket that is not bound yet */
		return 0;
	rec.ping = BPF_CORE_READ((const struct sock___portless *)sk, sk_type) == SOCK_DGRAM;
	rec.cookie = bpf_get_socket_cookie(sk);
	rec.ifindex = BPF_CORE_READ(c, skc_bound_dev_if);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		read_ipv4(sk, &rec);
	else
		read_ipv6(sk, &rec);
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
