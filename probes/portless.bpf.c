// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The sockets that receive without ports: raw ones, and those of kind SOCK_DGRAM for ICMP (ping).
 * sock_diag(7) knows no ping sockets, and raw ones on some kernels only. So each such socket of the
 * daemon's network namespace is remembered as it is made; what it is bound to, and whether it is
 * there still, is read when the daemon asks, or there is no more room. An object of its own: the
 * daemon works without it.
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

#pragma clang attribute pop

/* Socket cookie -> kernel address of the socket: who reads there compares the cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_PORTLESS);
	__type(key, __u64);
	__type(value, __u64);
} portless SEC(".maps");

const volatile __u64 netns_cookie; /* of the daemon's namespace */
__u64 lost;			   /* sockets that could not be remembered */
__u64 made;			   /* grows as one has been put into the map */

/*
 * Those of the map that were there at the last look, and `made` before it: until that grows they
 * are all there are, and the map, most of whose places are empty, need not be gone through for each
 * packet. One look at a time, by the daemon's data thread; this and the next.
 */
#define NEVER (~0ull)
__u64 looked = NEVER;
__u32 n_live;
struct portless_place live[ABI_PORTLESS];

/* What portless_tell found. */
__u32 n_told;
struct portless_rec told[ABI_PORTLESS_TOLD];

static __always_inline bool is_portless(__u32 type, __u32 protocol)
{
	return type == SOCK_RAW ||
	       (type == SOCK_DGRAM && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6));
}

static __always_inline bool is_ours(const struct bpf_sock *ctx)
{
	return is_portless(ctx->type, ctx->protocol) && family_is_inet(ctx->family);
}

/* Who reads there first looks whether it is still the socket's. */
static __always_inline bool is_gone(const struct sock *sk, __u64 cookie)
{
	return sock_cookie(sk) != cookie ||
	       !BPF_CORE_READ(sk, __sk_common.skc_refcnt.refs.counter) ||
	       (BPF_CORE_READ(sk, __sk_common.skc_flags) & SOCK_DEAD_BIT);
}

static long forget_if_gone(const void *map, const __u64 *cookie, const __u64 *sk, void *nothing)
{
	if (is_gone((const struct sock *)*sk, *cookie))
		bpf_map_delete_elem(&portless, cookie);
	return 0;
}

static __always_inline void remember(__u64 cookie, __u64 sk)
{
	if (bpf_map_update_elem(&portless, &cookie, &sk, BPF_ANY)) {
		bpf_for_each_map_elem(&portless, forget_if_gone, NULL, 0);
		if (bpf_map_update_elem(&portless, &cookie, &sk, BPF_ANY)) {
			__sync_fetch_and_add(&lost, 1);
			return;
		}
	}
	__sync_fetch_and_add(&made, 1);
}

/* The context of this kind of program is the struct sock itself (kernel/bpf/cgroup.c:
 * __cgroup_bpf_run_filter_sk). */
SEC("cgroup/sock_create")
int portless_created(struct bpf_sock *ctx)
{
	if (is_ours(ctx) && bpf_get_netns_cookie(ctx) == netns_cookie)
		remember(bpf_get_socket_cookie(ctx), (__u64)ctx);
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
	    sock_netns_cookie(sk) == netns_cookie)
		remember(bpf_get_socket_cookie(sk), (__u64)sk);
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

/* False: not bound yet, or gone meanwhile. */
static __always_inline bool read_socket(const struct sock *sk, __u64 cookie,
					struct portless_rec *rec)
{
	const struct sock_common___portless *c = (const void *)&sk->__sk_common;

	rec->number = BPF_CORE_READ(c, skc_num);
	rec->ping = BPF_CORE_READ((const struct sock___portless *)sk, sk_type) == SOCK_DGRAM;
	rec->cookie = cookie;
	rec->ifindex = BPF_CORE_READ(c, skc_bound_dev_if);
	__builtin_memset(rec->local, 0, sizeof(rec->local));
	__builtin_memset(rec->remote, 0, sizeof(rec->remote));
	__builtin_memset(rec->filter, 0, sizeof(rec->filter));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		read_ipv4(sk, rec);
	else
		read_ipv6(sk, rec);
	return rec->number && !is_gone(sk, cookie);
}

static long put_live(const void *map, const __u64 *cookie, const __u64 *sk, void *nothing)
{
	__u32 n = n_live;

	/* That can only be seen while they come and go: the next look sees to it. */
	if (n >= ABI_PORTLESS) {
		looked = NEVER;
		__sync_fetch_and_add(&lost, 1);
		return 1;
	}
	live[n & (ABI_PORTLESS - 1)] = (struct portless_place){*cookie, *sk};
	n_live = n + 1;
	return 0;
}

static __always_inline void look_at_map(void)
{
	__u64 before = *(volatile __u64 *)&made;

	if (looked == before)
		return;
	looked = before;
	n_live = 0;
	bpf_for_each_map_elem(&portless, put_live, NULL, 0);
}

/* Those that are gone leave the list, and the map. */
static long tell_one(__u32 i, __u32 *kept)
{
	struct portless_place p = live[i & (ABI_PORTLESS - 1)];
	const struct sock *sk = (const struct sock *)p.sk;
	__u32 n = n_told;

	if (is_gone(sk, p.cookie)) {
		bpf_map_delete_elem(&portless, &p.cookie);
		return 0;
	}
	live[*kept & (ABI_PORTLESS - 1)] = p;
	++*kept;
	if (n < ABI_PORTLESS_TOLD && read_socket(sk, p.cookie, &told[n & (ABI_PORTLESS_TOLD - 1)]))
		n_told = n + 1;
	return 0;
}

/* Writes down what each of them is bound to now. */
SEC("syscall")
int portless_tell(void *ctx)
{
	__u32 kept = 0;

	look_at_map();
	n_told = 0;
	bpf_loop(n_live, tell_one, &kept, 0);
	n_live = kept;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
