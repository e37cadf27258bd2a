/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict cache, as the note program asks it. A verdict is only met again while the proof it
 * rests on would come out the same: what is checked for each packet is what prove.bpf.c calls a
 * proof by history. All descriptors that were proven to be the socket's are there still, and since
 * just before that proof no holder has forked, executed, ended, changed its mappings or given a
 * descriptor away, and none has come to be on record.
 *
 * look.h asks for a packet of a socket that was proven before, memo.bpf.c keeps what was proven,
 * cache.bpf.c has what the daemon said of all packets that are alike, and the tickets.
 */
#ifndef PROBES_CACHE_H
#define PROBES_CACHE_H

#include "packet.h"
#include "prove.h"

enum said {
	SAID_NOTHING,
	SAID_NOBODY, /* of kernel origin, and nothing it is held to is in doubt */
	SAID_PROVEN, /* who holds the socket is as it was; the verdict is not known */
	SAID_VERDICT,
	SAID_PASSES, /* and it has its ticket */
};

/* What a look at the cache found out; zeroed by its caller. */
struct look {
	struct packet packet;
	__u64 sk; /* kernel address; 0: the packet has no socket */
	__u64 cookie;
	__u64 file;
	__u64 now;		     /* ticks */
	struct cache_tuple whole;    /* where `asked`: see packet_flow() */
	__u32 gen[ABI_MEMO_HOLDERS]; /* of the roster's first, before the proof */
	__u32 tally;
	__u32 joined;
	__u32 netns;  /* of a packet of kernel origin */
	__u32 misses; /* the socket's in this hook, before all else: see write_ticket(); as is */
	__u32 denied;
	__u8 hook; /* enum cache_hook */
	__u8 verdict;
	__u8 asked : 1;	 /* the packet is such as classes are of, and the chain has our programs */
	__u8 passed : 1; /* an orphan's: the last packet of who held it passed in this hook */
	__u8 why;	 /* enum probe_counter: what a verdict was revoked by; or PCOUNT_COUNT */
};

/* The functions below return what a bool would, where they do not say what else. */

/* Fills in the rest where packet, sk and hook are. Returns an enum said. */
int look_up(struct look *l);

/*
 * The parts of the question whether who was proven to hold a socket does so now that are not asked
 * of most packets. More references than descriptors: nothing new, and not somebody who was given
 * one; sending: the current thread is in the call that sends the packet.
 */
int memo_explains(const struct memo *m, __s64 references, __u64 sending);

/* PCOUNT_COUNT: all but the first do; else what is not so. */
int memo_others_hold(const struct memo *m, __u64 file);

/* Why the process of one of them is not as it was: an enum probe_counter. */
int memo_why_moved(const struct memo_holder *h);

/* Whether that process is one of them. */
int memo_names(const struct memo *m, __u32 tgid);

/* Fills in the note of a packet whose holders are still those that were proven, and of which
 * nothing is said yet: note_by_memo.h. 0: others are being written there. */
int note_by_memo(struct note *note, const struct look *l);

/* What was proven just now, for the packets to come. */
int memo_write(const struct look *l, const struct sock_rec *rec, const struct answer *a,
	       __u64 when_ns);

/* What the class said of this packet, for those of its socket that come after; unless others were
 * proven to hold it meanwhile. until: in ticks. */
int memo_meet(const struct look *l, const struct cache_key *key, __u64 epoch, __u64 until);

/*
 * What was said of the class of a packet whose holders are proven now, or were before
 * (SAID_PROVEN), or that nobody holds (SAID_NOBODY). The first packet of a socket that is to be
 * dropped goes to the daemon all the same, which remembers whom it has denied.
 */
int ask_class(struct look *l, const struct answer *a);
int ask_class_by_memo(struct look *l);
int ask_class_of_nobody(struct look *l);

/* Takes of a packet's addresses and ports what the mask has, and the rules of its chain make a
 * difference of. *t is all 0 before. */
int tuple_of(const struct cache_tuple *whole, __u32 hook, struct cache_tuple *t, __u64 mask);

/* Makes the memo of a socket that has none from the one of the packet before: inherit.h. 0: it is
 * not that simple. Else what was said of the packet is in *l. */
int inherit(struct look *l);

/* leave_ticket(), of a packet whose class was asked for. */
int write_ticket(const struct look *l);

static __always_inline bool memo_lock(struct memo *m)
{
	__u64 seq = *(const volatile __u64 *)&m->seq;

	return !(seq & 1) && __sync_val_compare_and_swap(&m->seq, seq, seq + 1) == seq;
}

static __always_inline void memo_unlock(struct memo *m)
{
	barrier();
	__sync_fetch_and_add(&m->seq, 1);
}

/* Of what was met in that hook. The memo is locked. */
static __always_inline void memo_forget(struct memo *m, __u32 hook)
{
	m->in[hook].v.class.epoch = 0;
	m->in[hook].v.class.verdict = CACHE_NONE;
}

static __always_inline bool same_who(const struct cache_who *a, const struct cache_who *b)
{
	return a->tgid == b->tgid && a->start_ns == b->start_ns && a->map_stamp == b->map_stamp &&
	       a->exec_pages == b->exec_pages;
}

/* Whether the class is of those whom the memo names: what was met there is true of both. */
static __always_inline bool is_of_memo(const struct cache_key *key, const struct memo *m)
{
	__u32 n = 0;

	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		if (i >= m->n)
			break;
		if (m->h[i].again)
			continue;
		if (!same_who(&key->who[n++ & (ABI_MEMO_HOLDERS - 1)], &m->h[i].who))
			return false;
	}
	return n && n == key->n_who && m->netns == key->netns;
}

static __always_inline bool same_tuple(const struct cache_tuple *a, const struct cache_tuple *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4];
}

static __always_inline struct cache_chain *chain_of(__u32 hook)
{
	return bpf_map_lookup_elem(&chains, &hook);
}

/* Tickets of its socket that nobody has used are void. Where no packet was ever asked about there
 * are none; and the line is every processor's. */
static __always_inline void void_tickets(struct look *l)
{
	const struct cache_chain *c = chain_of(l->hook);
	struct memo *m = l->cookie ? memo_of(l->cookie) : NULL;

	if (m && c && *(const volatile __u64 *)&c->seen)
		l->misses = __sync_fetch_and_add(&m->misses[l->hook & (CACHE_HOOKS - 1)], 1) + 1;
}

/* The packet goes to the daemon, although it might not have to. */
static __always_inline void count_miss(const struct look *l)
{
	if (!l->asked)
		return;
	count(PCOUNT_CACHE_MISSES);
	if (l->why < PCOUNT_COUNT)
		count(l->why);
}

/* Before the proof: what moves from here on is not in it. */
static __always_inline void look_around(struct look *l, const struct sock_rec *rec)
{
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++)
		l->gen[i] = gen_of(rec->s[i].tgid);
}

/*
 * Whether the packet of another socket that it is for may be on its way still: interrupted, by the
 * one that wants the place. It would come to the daemon without a note.
 */
static __always_inline bool is_waited_for(const volatile struct cache_ticket *t,
					  const struct look *l)
{
	__u64 whose = t->whose;
	const struct memo *m;

	if (!whose || whose >> 2 == l->cookie || l->now - t->when > ABI_TICKET_TICKS)
		return false;
	m = memo_of(whose >> 2);
	return m && *(const volatile __u32 *)&m->misses[l->hook & (CACHE_HOOKS - 1)] == t->misses;
}

/*
 * Has the packet pass, or stopped, where our programs are in the filter table. false: its place is
 * another's, or taken by a packet that came in between, or one of the socket has gone to the daemon
 * since this one's verdict was looked for.
 */
static __always_inline bool leave_ticket(const struct look *l)
{
	__u32 cpu = bpf_get_smp_processor_id(), place;
	volatile struct cache_ticket *t;
	const struct memo *m;
	__u64 whose, passed = 0;

	if (cpu >= ABI_CPUS)
		return false;
	place = (l->hook * ABI_CPUS + cpu) * ABI_TICKETS + (l->cookie & (ABI_TICKETS - 1));
	m = memo_of(l->cookie);
	t = bpf_map_lookup_elem(&tickets, &place);
	if (!m || !t || is_waited_for(t, l) ||
	    *(const volatile __u32 *)&m->misses[l->hook & (CACHE_HOOKS - 1)] != l->misses)
		return false;
	if (l->file && l->verdict == CACHE_ACCEPT)
		passed = cache_passed(l->cookie, l->misses, l->denied);
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
		return true;
	t->whose = 0;
	return false;
}

#endif
