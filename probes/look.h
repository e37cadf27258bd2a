/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks up the verdict of a packet whose socket was proven before, and what stands in its way. */
#ifndef PROBES_LOOK_H
#define PROBES_LOOK_H

#include "cache.h"

static __always_inline bool same_tuple(const struct cache_tuple *a, const struct cache_tuple *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4];
}

/* Whether the chain has our programs in it, and the daemon wants them to be asked. */
static __always_inline bool is_asked(const struct cache_chain *c, __u64 now)
{
	return now - c->seen < ABI_SEEN_TICKS;
}

/* Whether the rules make no difference between it and the last packet of its socket in this hook.
 * A function of its own: as a rule one is of the same flow as the other. */
static __noinline bool is_of_same_class(const struct memo *m, const struct look *l,
					const struct cache_chain *c)
{
	struct cache_tuple tuple = {};

	return tuple_of(l, &tuple, *(const volatile __u64 *)&c->mask) &&
	       same_tuple(&m->in[l->hook & (CACHE_HOOKS - 1)].tuple, &tuple);
}

/* The verdict that the socket's last packet met, if this one is like it. */
static __always_inline enum probe_counter take_verdict(const struct memo *m, struct look *l,
						       __u64 epoch, const struct cache_chain *c)
{
	const struct memo_verdict *v = &m->in[l->hook & (CACHE_HOOKS - 1)].v;

	if (v->class.epoch != epoch)
		return PCOUNT_CACHE_EPOCH;
	if (l->now >= v->class.until)
		return PCOUNT_CACHE_LEASE;
	if (!same_tuple(&v->whole, &l->whole) && !is_of_same_class(m, l, c))
		return PCOUNT_CACHE_OTHER;
	l->verdict = v->class.verdict;
	l->tally = v->class.tally;
	return l->verdict == CACHE_DROP && packet_is_reset(&l->packet, &l->whole)
		       ? PCOUNT_CACHE_OTHER
		       : PCOUNT_COUNT;
}

static __always_inline bool met_before(const struct memo *m, const struct look *l)
{
	return m->in[l->hook & (CACHE_HOOKS - 1)].v.class.verdict;
}

/*
 * A full socket without an open file: an orphan, or the kernel's own, as note_socket() tells them.
 * The daemon drops what an orphan sends if it has denied its holders' last packet: no class says
 * that. So an orphan passes only if that packet passed too.
 */
static __always_inline bool is_nobody(const struct sock *sk, const struct socket *socket,
				      const struct memo *m, struct look *l)
{
	if (!(sk->__sk_common.skc_flags & SOCK_DEAD_BIT))
		return socket;
	l->passed = *(const volatile __u64 *)&m->in[l->hook & (CACHE_HOOKS - 1)].passed ==
		    cache_passed(l->cookie, l->misses);
	return l->passed;
}

/* Whether packets like this one are in classes. */
static __always_inline bool ask(struct look *l, const struct cache_chain *c, __u64 epoch,
				__u16 proto)
{
	return epoch && is_asked(c, l->now) && packet_flow(&l->packet, &l->whole) == proto;
}

/* A connection in TIME_WAIT is nobody's, and the daemon remembers nothing of it. */
static __noinline enum said look_up_nobody(const struct sk_buff *skb, struct look *l)
{
	const struct sock *sk = skb->sk;
	const struct cache_chain *c = chain_of(l->hook);
	const struct memo *m = memo_of(l->cookie);
	__u16 proto = IPPROTO_TCP;
	bool is = true;

	if (!sk || !c || !m)
		return SAID_NOTHING;
	if (sk->__sk_common.skc_state != TCP_TIME_WAIT) {
		is = is_nobody(sk, sk->sk_socket, m, l);
		proto = sk->sk_protocol;
	}
	l->now = bpf_jiffies64();
	l->asked = ask(l, c, *(const volatile __u64 *)&c->epoch, proto);
	return is ? SAID_NOBODY : SAID_NOTHING;
}

/* Not inlined: what it needs of the stack, the proof needs after it. */
static __noinline enum said look_up(const struct sk_buff *skb, struct look *l)
{
	const struct sock *sk = skb->sk;
	const struct cache_chain *c = chain_of(l->hook);
	const struct socket *socket;
	const struct file *file = NULL;
	enum probe_counter why;
	const struct memo *m;
	__u64 seq, epoch;
	bool sending;
	__u8 state;

	if (!sk || !c)
		return SAID_NOTHING;
	state = sk->__sk_common.skc_state;
	if (state == TCP_NEW_SYN_RECV)
		return SAID_NOTHING;
	l->cookie = sk->__sk_common.skc_cookie.counter;
	m = l->cookie ? memo_of(l->cookie) : NULL;
	if (!m)
		return SAID_NOTHING;
	l->misses = *(const volatile __u32 *)&m->misses[l->hook & (CACHE_HOOKS - 1)];
	barrier();
	if (state != TCP_TIME_WAIT) {
		socket = sk->sk_socket;
		if (socket && socket->sk != sk)
			return SAID_NOTHING; /* mptcp.h: it is not this one's memo that holds */
		file = socket ? socket->file : NULL;
	}
	if (!file)
		return look_up_nobody(skb, l);
	l->file = (__u64)file;
	l->joined = *(const volatile __u32 *)&m->joined;
	l->now = bpf_jiffies64();
	epoch = *(const volatile __u64 *)&c->epoch;
	barrier();
	l->asked = ask(l, c, epoch, sk->sk_protocol);
	seq = *(const volatile __u64 *)&m->seq;
	barrier();
	if ((seq & 1) || m->cookie != l->cookie)
		return SAID_NOTHING;
	sending = l->hook == CACHE_OUT && sk->sk_protocol != IPPROTO_TCP;
	why = memo_holds(m, l, file_references(file, true), sending);
	if (why != PCOUNT_COUNT) {
		if (met_before(m, l))
			l->why = why;
		return SAID_NOTHING;
	}
	why = l->asked ? take_verdict(m, l, epoch, c) : PCOUNT_CACHE_OTHER;
	barrier();
	if (*(const volatile __u64 *)&m->seq != seq)
		return SAID_NOTHING;
	if (*(const volatile __u64 *)&c->epoch != epoch)
		why = PCOUNT_CACHE_EPOCH; /* what the rules name may be of others */
	if (why == PCOUNT_COUNT)
		return SAID_VERDICT;
	l->verdict = CACHE_NONE;
	if (l->asked && met_before(m, l))
		l->why = why;
	return SAID_PROVEN;
}

#endif
