// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon said of packets that are alike, and the tickets that let one pass: see cache.h.
 */
#include "cache.h"

/* All but the tuple. */
static __always_inline bool make_key(struct cache_key *key, const struct look *l, __u64 mask,
				     const struct answer *a)
{
	if (a->state != NOTE_PROVEN || !a->n_holders || a->n_holders > ABI_MEMO_HOLDERS)
		return false;
	key->netns = a->netns;
	key->cookie = mask & CACHE_SOCKET ? l->cookie : 0;
	key->hook = l->hook;
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

/* The same for a packet of kernel origin. */
static __always_inline bool make_key_of_nobody(struct cache_key *key, __u32 hook, __u64 sk)
{
	if (!sk)
		return false;
	key->netns = sock_netns((const struct sock *)sk);
	key->hook = hook;
	return true;
}

int ask_class(struct look *l, const struct answer *a, __u64 sk)
{
	const struct cache_chain *c;
	const volatile struct cache_class *class;
	struct cache_key key;
	__u64 now_ns = bpf_ktime_get_ns(), until, epoch, mask;

	if (!l || !l->asked)
		return 0;
	c = chain_of(l->hook);
	if (!c)
		return 0;
	__builtin_memset(&key, 0, sizeof(key));
	epoch = *(const volatile __u64 *)&c->epoch;
	barrier();
	mask = *(const volatile __u64 *)&c->mask;
	if (!epoch || !(a ? make_key(&key, l, mask, a) : make_key_of_nobody(&key, l->hook, sk)) ||
	    !packet_tuple(&l->packet, &key.tuple, mask))
		return 0;
	class = bpf_map_lookup_elem(&classes, &key);
	if (!class || class->epoch != epoch)
		return 0;
	until = class->until;
	l->verdict = class->verdict;
	l->tally = class->tally;
	/* The map may have given the memory to another class while it was read. */
	if (bpf_map_lookup_elem(&classes, &key) != class || now_ns >= until)
		return 0;
	if (a)
		memo_meet(l, &key.tuple, epoch, l->now + (until - now_ns) / ABI_TICK_NS);
	return l->verdict == CACHE_ACCEPT;
}

int write_ticket(const struct look *l)
{
	__u32 cpu = bpf_get_smp_processor_id(), place;
	volatile struct cache_ticket *t;
	const struct memo *m;
	__u64 whose, passed = 0;

	if (!l || cpu >= ABI_CPUS)
		return 0;
	place = (l->hook * ABI_CPUS + cpu) * ABI_TICKETS + (l->cookie & (ABI_TICKETS - 1));
	m = memo_of(l->cookie);
	t = bpf_map_lookup_elem(&tickets, &place);
	if (!m || !t ||
	    *(const volatile __u32 *)&m->misses[l->hook & (CACHE_HOOKS - 1)] != l->misses)
		return 0;
	if (l->file && l->verdict == CACHE_ACCEPT)
		passed = cache_passed(l->cookie, l->misses);
	whose = l->cookie << 2 | l->verdict;
	t->whose = 0;
	t->when = l->now;
	t->misses = l->misses;
	t->tally = l->tally;
	t->passed = passed;
	t->whose = whose;
	/* A softirq that has come in between has left its own there. */
	if (t->misses == l->misses && t->tally == l->tally && t->passed == passed &&
	    t->whose == whose)
		return 1;
	t->whose = 0;
	return 0;
}
