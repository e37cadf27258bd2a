// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs in the filter table: iptables asks them (-m bpf) whether the packet has a ticket,
 * which the note program left on this processor a moment before. A ticket is used once.
 *
 * No packet passes by another's. One of the same socket has been at the note program itself: either
 * that let it pass too, or it made the socket's older tickets void. Without the note program there
 * are none: they last for two ticks of the clock. But those that stop a packet wait for it however
 * long it takes: the daemon would judge it by what is the case when it comes there.
 */
#include "maps.h"

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* Read in place, at a tenth of the cost of bpf_get_socket_cookie(). 0: it has none, and no ticket.
 */
static __always_inline __u64 cookie_of(struct __sk_buff *ctx)
{
	const struct sk_buff *skb;
	const struct sock *sk;

	if (!CAN_CAST)
		return bpf_get_socket_cookie(ctx);
	skb = bpf_cast_to_kern_ctx(ctx);
	sk = skb->sk;
	return sk ? sk->__sk_common.skc_cookie.counter : 0;
}

static __always_inline void tell_seen(__u32 hook, __u64 now)
{
	struct cache_chain *c = bpf_map_lookup_elem(&chains, &hook);

	if (c && now - c->seen > ABI_SEEN_TICKS / 8)
		c->seen = now;
}

static __always_inline void add_to(__u32 cpu, __u32 tally, __u32 length)
{
	__u32 place = cpu * ABI_TALLIES + (tally & (ABI_TALLIES - 1));
	struct cache_tally *t = bpf_map_lookup_elem(&tallies, &place);

	if (!t)
		return;
	__sync_fetch_and_add(&t->packets, 1);
	__sync_fetch_and_add(&t->bytes, length);
}

static __always_inline int has_ticket(struct __sk_buff *skb, __u32 hook, __u32 verdict)
{
	__u32 cpu = bpf_get_smp_processor_id(), place;
	__u64 now = bpf_jiffies64(), cookie = cookie_of(skb);
	volatile struct cache_ticket *t;
	volatile struct memo *m;
	bool valid;

	tell_seen(hook, now);
	if (!cookie || cpu >= ABI_CPUS)
		return 0;
	place = (hook * ABI_CPUS + cpu) * ABI_TICKETS + (cookie & (ABI_TICKETS - 1));
	t = bpf_map_lookup_elem(&tickets, &place);
	if (!t || t->whose != (cookie << 2 | verdict))
		return 0;
	m = memo_of(cookie);
	valid = m && m->misses[hook & (CACHE_HOOKS - 1)] == t->misses &&
		(verdict == CACHE_DROP || now - t->when <= ABI_TICKET_TICKS);
	t->whose = 0;
	if (!valid)
		return 0;
	/* As a rule it says so already: a line that is only read is every processor's. */
	if (t->passed && m->in[hook].passed != t->passed)
		m->in[hook].passed = t->passed;
	add_to(cpu, t->tally, skb->len);
	return 1;
}

SEC("socket")
int accept_out(struct __sk_buff *skb)
{
	return has_ticket(skb, CACHE_OUT, CACHE_ACCEPT);
}

SEC("socket")
int accept_in(struct __sk_buff *skb)
{
	return has_ticket(skb, CACHE_IN, CACHE_ACCEPT);
}

SEC("socket")
int drop_out(struct __sk_buff *skb)
{
	return has_ticket(skb, CACHE_OUT, CACHE_DROP);
}

SEC("socket")
int drop_in(struct __sk_buff *skb)
{
	return has_ticket(skb, CACHE_IN, CACHE_DROP);
}
