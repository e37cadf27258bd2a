/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks up the verdict of a packet whose socket was proven before, and what stands in its way. It
 * is part of in_place.bpf.c. */
#ifndef PROBES_LOOK_H
#define PROBES_LOOK_H

#include "flow.h"
#include "holder.h"
#include "inherit.h"
#include "waiter.h"

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

	return tuple_of(&l->whole, l->hook, &tuple, *(const volatile __u64 *)&c->mask) &&
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

/* Whether one reference more is that of the call which sends the packet: one of a process with
 * threads has it, as memo_calls() counts it for all. */
static __always_inline bool is_of_own_call(const struct memo_holder *h, __u32 current, bool sending)
{
	return h->who.tgid == current && (sending || in_call_on(h->fd)) &&
	       field(view(files_struct, h->files), count.counter) > 1;
}

/*
 * As many as the descriptors of those who hold it, and these where they were. PCOUNT_COUNT, or what
 * is not so. sending: the current thread is in the call that sends the packet. During the last
 * close there is no reference: what is sent then is of the only one who ever had it since the
 * proof, as closing_proves() has it.
 */
static __always_inline enum probe_counter memo_holds(const struct memo *m, const struct look *l,
						     bool sending)
{
	const struct global_rec *g = global_state();
	const struct memo_holder *h = &m->h[0]; /* as a rule the only one */
	__s64 references = file_references(view(file, l->file), CAN_CAST);
	__u32 current = bpf_get_current_pid_tgid() >> 32;
	bool closed = !references && m->n == 1;
	enum probe_counter why;

	if (!g || !m->n || m->file != l->file || m->joined != m->joined_then ||
	    g->taken_ns >= m->when_ns || g->received_ns >= m->when_ns ||
	    (references != m->n && !closed &&
	     !(references == m->n + 1 && is_of_own_call(h, current, sending)) &&
	     !memo_explains(m, references, sending)))
		return PCOUNT_CACHE_HOLDERS;
	why = is_as_before(h, l->file, closed);
	if (why == PCOUNT_COUNT && m->n > 1)
		why = memo_others_hold(m, l->file);
	if (why != PCOUNT_COUNT || h->who.tgid == current)
		return why;
	/* Who sends is a holder; so is whoever is in a call on the socket. */
	return (sending || in_call_with(l->file)) && (m->n == 1 || !memo_names(m, current))
		       ? PCOUNT_CACHE_HOLDERS
		       : PCOUNT_COUNT;
}

/*
 * A full socket without an open file: an orphan, or the kernel's own, as note_socket() tells them.
 * The daemon drops what an orphan sends if it has denied its holders' last packet: no class says
 * that. So an orphan passes only if that packet passed too. A connection in TIME_WAIT is nobody's,
 * and the daemon remembers nothing of it.
 */
static __always_inline enum said look_up_nobody(const struct sock *sk, const struct memo *m,
						struct look *l, bool has_socket)
{
	const struct net *net = field(sk, __sk_common.skc_net.net);

	l->netns = field(net, ns.inum);
	if (field(sk, __sk_common.skc_state) == TCP_TIME_WAIT)
		return SAID_NOBODY;
	if (!(field(sk, __sk_common.skc_flags) & SOCK_DEAD_BIT))
		return has_socket ? SAID_NOBODY : SAID_NOTHING;
	l->passed = *(const volatile __u64 *)&m->in[l->hook & (CACHE_HOOKS - 1)].passed ==
		    cache_passed(l->cookie, l->misses, l->denied);
	return l->passed ? SAID_NOBODY : SAID_NOTHING;
}

/* Has the packet pass if it may. */
static __always_inline enum said passes(const struct look *l)
{
	return l->verdict == CACHE_ACCEPT && leave_ticket(l) ? SAID_PASSES : SAID_VERDICT;
}

/* Where the socket is open, or was: what the memo says. */
static __always_inline enum said look_up_holders(const struct memo *m, struct look *l,
						 const struct cache_chain *c, __u64 epoch,
						 bool sending)
{
	__u64 seq = *(const volatile __u64 *)&m->seq;
	enum probe_counter why;

	barrier();
	if (seq & 1)
		return SAID_NOTHING;
	if (m->cookie != l->cookie)
		return l->asked && inherit(l) ? passes(l) : SAID_NOTHING;
	why = memo_holds(m, l, sending);
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
		return passes(l);
	l->verdict = CACHE_NONE;
	if (l->asked && met_before(m, l))
		l->why = why;
	return SAID_PROVEN;
}

/*
 * One function, and what nearly every packet needs of others is inlined: where the kernel guards
 * its returns (srso, retbleed) each is paid for.
 */
int look_up(struct look *l)
{
	const struct socket *socket = NULL;
	const struct cache_chain *c;
	const struct sock *sk;
	const struct memo *m;
	__u16 proto = IPPROTO_TCP;
	__u64 epoch;
	__u8 state;

	if (!l || !l->sk)
		return SAID_NOTHING;
	c = chain_of(l->hook);
	sk = view(sock, l->sk);
	state = field(sk, __sk_common.skc_state);
	if (!c || state == TCP_NEW_SYN_RECV)
		return SAID_NOTHING;
	l->cookie = field(sk, __sk_common.skc_cookie.counter);
	m = l->cookie ? memo_of(l->cookie) : NULL;
	if (!m)
		return SAID_NOTHING;
	l->misses = *(const volatile __u32 *)&m->misses[l->hook & (CACHE_HOOKS - 1)];
	l->denied = *(const volatile __u32 *)&m->in[l->hook & (CACHE_HOOKS - 1)].denied;
	barrier();
	if (state != TCP_TIME_WAIT) {
		proto = field(sk, sk_protocol);
		socket = field(sk, sk_socket);
		if (socket && (__u64)field(socket, sk) != l->sk)
			return SAID_NOTHING; /* mptcp.h: it is not this one's memo that holds */
		if (socket)
			l->file = (__u64)field(socket, file);
	}
	l->joined = *(const volatile __u32 *)&m->joined;
	l->now = bpf_jiffies64();
	epoch = *(const volatile __u64 *)&c->epoch;
	barrier();
	l->asked = epoch && is_asked(c, l->now) && packet_flow(&l->packet, &l->whole) == proto;
	if (!l->file)
		return look_up_nobody(sk, m, l, socket);
	return look_up_holders(m, l, c, epoch, l->hook == CACHE_OUT && proto != IPPROTO_TCP);
}

#endif
