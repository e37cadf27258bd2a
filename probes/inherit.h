/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The first packet of a new socket, sent by the process whose packet of another socket was the last
 * on this processor to meet the verdict of a class. If that process holds the new one alone, both
 * are alike in all that a class is of but addresses and ports; so the memo of the new one is made
 * from the other's, and nothing is proven or asked for at length.
 *
 * That he holds it alone is a proof by the sum (prove.bpf.c): the file's only reference is the
 * descriptor that his call is about, and the call's own where his table has several users. All else
 * that makes a proof void (a descriptor table that others share, an io_uring) the other's memo was
 * made without, and what would change it since moves his generation.
 *
 * It is part of in_place.bpf.c.
 */
#ifndef PROBES_INHERIT_H
#define PROBES_INHERIT_H

#include "holder.h"
#include "waiter.h"

/* Whether all that is on record of the socket is that it was made by him, and that it would be
 * where it is. */
static __always_inline bool is_newly_made(const struct sock_rec *rec, const struct memo_holder *h,
					  __u32 fd)
{
	const struct sighting *s = &rec->s[0];

	return rec->used == 1 && rec->creator == h->who.tgid && !rec->changed_ns &&
	       !(rec->flags & ~SOCK_GUESSED) && s->files == h->files && s->tgid == h->who.tgid &&
	       s->fd == fd;
}

/* Whether the memo's only holder is the current process, by its own descriptor table. */
static __always_inline bool is_of_current(const struct memo *m)
{
	return m->n == 1 && m->h[0].who.tgid == bpf_get_current_pid_tgid() >> 32 &&
	       m->h[0].files == (__u64)bpf_get_current_task_btf()->files;
}

/* Whether what its last packet in that hook met is to be met by a packet like `whole`. */
static __always_inline bool would_pass(const struct memo *m, __u32 hook,
				       const struct cache_tuple *whole, __u64 now)
{
	const struct memo_hook *in = &m->in[hook & (CACHE_HOOKS - 1)];
	const struct cache_chain *c = chain_of(hook);
	struct cache_tuple tuple = {};
	__u64 epoch;

	if (!c || in->v.class.verdict != CACHE_ACCEPT || now >= in->v.class.until)
		return false;
	epoch = *(const volatile __u64 *)&c->epoch;
	barrier();
	if (!tuple_of(whole, hook, &tuple, *(const volatile __u64 *)&c->mask) ||
	    (tuple.mask & CACHE_SOCKET) || !same_tuple(&in->tuple, &tuple))
		return false;
	barrier();
	return *(const volatile __u64 *)&c->epoch == epoch && in->v.class.epoch == epoch;
}

static __always_inline void turn_around(struct cache_tuple *t)
{
	__u64 from[2] = {t->addr[0], t->addr[1]};
	__u16 sport = t->sport;

	t->addr[0] = t->addr[2];
	t->addr[1] = t->addr[3];
	t->addr[2] = from[0];
	t->addr[3] = from[1];
	t->sport = t->dport;
	t->dport = sport;
}

static __always_inline void take_over(struct memo *m, const struct memo *from, __u32 hook,
				      const struct cache_tuple *whole)
{
	m->in[hook].tuple = from->in[hook].tuple;
	m->in[hook].v.class = from->in[hook].v.class;
	m->in[hook].v.whole = *whole;
}

/* Fills in the memo, which is locked. false: it says nothing then. */
static __always_inline bool inherit_locked(struct memo *m, const struct memo *from,
					   struct sock_rec *rec, __u32 fd, struct look *l)
{
	const struct file *file = view(file, l->file);
	__s64 references = file_references(file, CAN_CAST);
	__u64 seq = *(const volatile __u64 *)&from->seq;
	const struct net *net;
	__s64 calls;

	barrier();
	m->n = 0;
	m->h[0] = from->h[0];
	m->h[0].fd = fd;
	calls = field(view(files_struct, m->h[0].files), count.counter) > 1;
	net = field(view(sock, l->sk), __sk_common.skc_net.net);
	if ((seq & 1) || !is_of_current(from) || from->netns != field(net, ns.inum) ||
	    !is_newly_made(rec, &m->h[0], fd) || references != 1 + calls ||
	    is_as_before(&m->h[0], l->file, false) != PCOUNT_COUNT ||
	    file_references(file, CAN_CAST) != references ||
	    !would_pass(from, CACHE_OUT, &l->whole, l->now))
		return false;
	take_over(m, from, CACHE_OUT, &l->whole);
	turn_around(&l->whole);
	if (would_pass(from, CACHE_IN, &l->whole, l->now))
		take_over(m, from, CACHE_IN, &l->whole);
	else
		memo_forget(m, CACHE_IN);
	turn_around(&l->whole);
	m->netns = from->netns;
	barrier();
	if (*(const volatile __u64 *)&from->seq != seq)
		return false;
	m->cookie = l->cookie;
	m->file = l->file;
	m->changed_ns = 0;
	m->when_ns = rec->proven_ns;
	m->joined_then = l->joined;
	m->slack = calls + 1;
	m->n = 1;
	return true;
}

int inherit(struct look *l)
{
	__u32 hook = CACHE_OUT;
	const __u64 *last = bpf_map_lookup_elem(&last_met, &hook);
	const struct pt_regs *call = own_call();
	const struct memo *from;
	struct sock_place *p;
	struct memo *m;
	bool done;

	if (!l || !last || !call || l->hook != CACHE_OUT || !in_call_on(call->di))
		return 0;
	from = memo_of(*last);
	p = place_of(l->cookie);
	m = memo_of(l->cookie);
	if (!from || !m || m == from || !is_at(p, l->cookie) || !memo_lock(m))
		return 0;
	done = inherit_locked(m, from, &p->rec, call->di, l);
	if (done) {
		l->verdict = m->in[CACHE_OUT].v.class.verdict;
		l->tally = m->in[CACHE_OUT].v.class.tally;
	}
	memo_unlock(m);
	if (done)
		p->rec.flags &= ~SOCK_GUESSED;
	return done;
}

#endif
