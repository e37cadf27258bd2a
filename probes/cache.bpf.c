// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon said of packets that are alike, and the tickets that let one pass: see cache.h.
 */
#include "cache.h"

/* A class that is asked for. */
struct question {
	struct cache_key key;
	__u64 epoch, mask; /* of the chain, from before all else */
};

/* false: there is none that the packet may be of. */
static __always_inline bool question_open(struct question *q, const struct look *l)
{
	const struct cache_chain *c = chain_of(l->hook);

	__builtin_memset(q, 0, sizeof(*q));
	if (!l->asked || !c)
		return false;
	q->epoch = *(const volatile __u64 *)&c->epoch;
	barrier();
	q->mask = *(const volatile __u64 *)&c->mask;
	q->key.hook = l->hook;
	return q->epoch;
}

static __always_inline bool name_who(struct cache_key *key, const struct answer *a)
{
	if (a->state != NOTE_PROVEN || !a->n_holders || a->n_holders > ABI_MEMO_HOLDERS)
		return false;
	key->netns = a->netns;
	key->n_who = a->n_holders;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		const struct note_holder *h = &a->holder[i];

		if (i >= a->n_holders)
			break;
		if (h->in_flight || !h->map_stamp)
			return false;
		cache_who_is(&key->who[i], h);
	}
	return true;
}

/* The same of the memo, in which nobody's mappings were in flight: memo_add(). */
static __always_inline bool name_who_by_memo(struct cache_key *key, const struct look *l)
{
	const struct memo *m = memo_of(l->cookie);
	__u32 n = 0;
	__u64 seq;

	if (!m)
		return false;
	seq = *(const volatile __u64 *)&m->seq;
	barrier();
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		const struct memo_holder *h = &m->h[i];

		if (i >= m->n)
			break;
		if (h->again)
			continue;
		if (!h->who.map_stamp)
			return false;
		key->who[n++ & (ABI_MEMO_HOLDERS - 1)] = h->who;
	}
	key->netns = m->netns;
	key->n_who = n;
	if ((seq & 1) || m->cookie != l->cookie)
		return false;
	barrier();
	return n && *(const volatile __u64 *)&m->seq == seq;
}

int tuple_of(const struct cache_tuple *whole, __u32 hook, struct cache_tuple *t, __u64 mask)
{
	const struct cache_named *names;

	if (!whole || !t)
		return 0;
	if (mask & CACHE_SADDR) {
		t->addr[0] = whole->addr[0];
		t->addr[1] = whole->addr[1];
	}
	if (mask & CACHE_DADDR) {
		t->addr[2] = whole->addr[2];
		t->addr[3] = whole->addr[3];
	}
	if (mask & CACHE_SPORT)
		t->sport = whole->sport;
	if (mask & CACHE_DPORT)
		t->dport = whole->dport;
	t->proto = whole->proto;
	t->family = whole->family;
	t->mask = mask;
	names = mask ? bpf_map_lookup_elem(&named_by, &hook) : NULL;
	if (names)
		cache_narrow(names, t);
	return 1;
}

/*
 * Looks for what the daemon said of packets with that key, in that epoch. Returns until when that
 * is so, in ns; 0: it said nothing. The map may give the memory to another class while it is read:
 * the daemon tells when it puts one there.
 */
static __always_inline __u64 find_class(const struct cache_key *key, __u64 epoch, struct look *l)
{
	const struct cache_chain *first = chain_of(CACHE_OUT);
	const volatile struct cache_class *class;
	__u64 puts, until;

	if (!first)
		return 0;
	puts = *(const volatile __u64 *)&first->puts;
	barrier();
	class = bpf_map_lookup_elem(&classes, key);
	if (!class || class->epoch != epoch)
		return 0;
	until = class->until;
	l->verdict = class->verdict;
	l->tally = class->tally;
	barrier();
	if (!(puts & 1) && *(const volatile __u64 *)&first->puts == puts)
		return until;
	return bpf_map_lookup_elem(&classes, key) == class ? until : 0;
}

/*
 * The class that the packet before it was of, if it is the same: that is in its socket's memo, and
 * found without a hash of the question. Returns until when, in ticks; 0: it is another.
 */
static __always_inline __u64 meet_as_last(const struct question *q, struct look *l)
{
	__u32 hook = l->hook;
	const __u64 *cookie = bpf_map_lookup_elem(&last_met, &hook);
	const struct memo *m = cookie ? memo_of(*cookie) : NULL;
	const struct memo_hook *in;
	struct cache_class class;
	__u64 seq;

	if (!m || q->key.cookie)
		return 0;
	in = &m->in[l->hook & (CACHE_HOOKS - 1)];
	seq = *(const volatile __u64 *)&m->seq;
	barrier();
	class = in->v.class;
	if ((seq & 1) || class.epoch != q->epoch || l->now >= class.until ||
	    !same_tuple(&in->tuple, &q->key.tuple) || !is_of_memo(&q->key, m))
		return 0;
	barrier();
	if (*(const volatile __u64 *)&m->seq != seq)
		return 0;
	l->verdict = class.verdict;
	l->tally = class.tally;
	return class.until;
}

/* The same of any. */
static __always_inline __u64 meet_any(const struct question *q, struct look *l)
{
	__u64 now_ns = bpf_ktime_get_ns(), until = find_class(&q->key, q->epoch, l);

	return now_ns < until ? l->now + (until - now_ns) / ABI_TICK_NS : 0;
}

static __always_inline void remember_met(const struct look *l)
{
	__u32 hook = l->hook;
	__u64 *cookie = bpf_map_lookup_elem(&last_met, &hook);

	if (cookie)
		*cookie = l->cookie;
}

static __always_inline int question_ask(struct question *q, struct look *l, bool held)
{
	const struct cache_chain *c = chain_of(l->hook);
	__u64 until = 0;

	if (held && (q->mask & CACHE_SOCKET))
		q->key.cookie = l->cookie;
	if (!c || !tuple_of(&l->whole, l->hook, &q->key.tuple, q->mask))
		return 0;
	if (held)
		until = meet_as_last(q, l);
	if (!until)
		until = meet_any(q, l);
	/* The names may be of other rules than the mask. */
	if (*(const volatile __u64 *)&c->epoch != q->epoch || !until)
		return 0;
	if (held) {
		memo_meet(l, &q->key, q->epoch, until);
		remember_met(l);
	}
	return l->verdict == CACHE_ACCEPT;
}

int ask_class(struct look *l, const struct answer *a)
{
	struct question q;

	if (!l || !a || !question_open(&q, l) || !name_who(&q.key, a))
		return 0;
	return question_ask(&q, l, true);
}

int ask_class_by_memo(struct look *l)
{
	struct question q;

	if (!l || !question_open(&q, l) || !name_who_by_memo(&q.key, l))
		return 0;
	return question_ask(&q, l, true);
}

int ask_class_of_nobody(struct look *l)
{
	struct question q;

	if (!l || !question_open(&q, l))
		return 0;
	q.key.netns = l->netns;
	return question_ask(&q, l, false);
}

int write_ticket(const struct look *l)
{
	return l && leave_ticket(l);
}
