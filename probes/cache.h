/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict cache, as the note program asks it. A verdict is only met again while the proof it
 * rests on would come out the same: what is checked for each packet is what prove.bpf.c calls a
 * proof by history. All descriptors that were proven to be the socket's are there still, and since
 * just before that proof no holder has forked, executed, ended, changed its mappings or given a
 * descriptor away, and none has come to be on record.
 */
#ifndef PROBES_CACHE_H
#define PROBES_CACHE_H

#include "prove.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define cast(type, address)                                      \
	((const struct type *)bpf_rdonly_cast((void *)(address), \
					      bpf_core_type_id_kernel(struct type)))

#define IP_HEADER_MIN 20
#define IP6_HEADER    40
#define PORTS	      4
#define TCP_FLAGS_AT  13
#define TCP_RST	      4
#define IP_MAY_SPLIT  0x3fff /* network order is dealt with: more fragments, and their offset */

enum said {
	SAID_NOTHING,
	SAID_NOBODY, /* of kernel origin, and nothing it is held to is in doubt */
	SAID_PROVEN, /* who holds the socket is as it was; the verdict is not known */
	SAID_VERDICT,
};

/* What a look at the cache found out; zeroed by its caller. */
struct look {
	__u64 cookie;
	__u64 file;
	__u64 now;		     /* ticks */
	__u32 gen[ABI_MEMO_HOLDERS]; /* of the roster's first, before the proof */
	__u32 tally;
	__u32 joined;
	__u32 misses; /* the socket's in this hook, before all else: see write_ticket() */
	__u8 hook;    /* enum cache_hook */
	__u8 verdict;
	__u8 asked : 1;	 /* the packet is such as classes are of, and the chain has our programs */
	__u8 passed : 1; /* an orphan's: the last packet of who held it passed in this hook */
	__u8 why;	 /* enum probe_counter: what a verdict was revoked by; or PCOUNT_COUNT */
};

/* Takes of the headers what the mask has. */
static __always_inline void take_tuple(struct cache_tuple *t, const __u8 *from, const __u8 *to,
				       __u32 bytes, const __u8 *ports, __u64 mask)
{
	if (mask & CACHE_SADDR)
		__builtin_memcpy(&t->addr[0], from, bytes);
	if (mask & CACHE_DADDR)
		__builtin_memcpy(&t->addr[2], to, bytes);
	if (mask & CACHE_SPORT)
		__builtin_memcpy(&t->sport, ports, 2);
	if (mask & CACHE_DPORT)
		__builtin_memcpy(&t->dport, ports + 2, 2);
	t->mask = mask;
}

/* The headers of TCP and UDP, where there is nothing before them but the IP header. *t is all 0
 * before. Returns its protocol; 0: it is another packet. */
static __noinline __u8 read_tuple(const struct sk_buff *skb, struct cache_tuple *t, __u64 mask)
{
	const unsigned char *data = skb->data;
	__u32 length = skb->len, linear = length - skb->data_len, whole;
	__u8 ip[IP6_HEADER + PORTS];

	if (linear < IP_HEADER_MIN + PORTS ||
	    bpf_probe_read_kernel(ip, IP_HEADER_MIN + PORTS, data))
		return 0;
	if (ip[0] == 0x45) {
		whole = ip[2] << 8 | ip[3];
		if (((ip[6] << 8 | ip[7]) & IP_MAY_SPLIT) || whole > length ||
		    whole < IP_HEADER_MIN + PORTS)
			return 0;
		take_tuple(t, ip + 12, ip + 16, 4, ip + IP_HEADER_MIN, mask);
		t->proto = ip[9];
		t->family = 4;
	} else {
		if (ip[0] >> 4 != 6 || linear < sizeof(ip) ||
		    bpf_probe_read_kernel(ip, sizeof(ip), data))
			return 0;
		whole = ip[4] << 8 | ip[5];
		if (whole < PORTS || whole + IP6_HEADER > length)
			return 0;
		take_tuple(t, ip + 8, ip + 24, 16, ip + IP6_HEADER, mask);
		t->proto = ip[6];
		t->family = 6;
	}
	return t->proto == IPPROTO_TCP || t->proto == IPPROTO_UDP ? t->proto : 0;
}

/* A RST may be the daemon's own, which tells of a REJECT, or may not be one: only that knows. */
static __noinline bool is_reset(const struct sk_buff *skb, const struct cache_tuple *t)
{
	const unsigned char *data = skb->data;
	__u8 flags = TCP_RST;

	if (t->proto != IPPROTO_TCP)
		return false;
	data += t->family == 4 ? IP_HEADER_MIN : IP6_HEADER;
	if (skb->len - skb->data_len > IP6_HEADER + TCP_FLAGS_AT)
		bpf_probe_read_kernel(&flags, 1, data + TCP_FLAGS_AT);
	return flags & TCP_RST;
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

/* Whether the chain has our programs in it, and the daemon wants them to be asked. */
static __always_inline bool is_asked(const struct cache_chain *c, __u64 now)
{
	return now - c->seen < ABI_SEEN_TICKS;
}

/* References now, read in place. */
static __always_inline __s64 references_in_place(const struct file *file)
{
	const struct file___old *old = (const void *)file;
	__s64 n;

	if (!bpf_core_field_exists(file->f_ref))
		return BPF_CORE_READ(old, f_count.counter);
	n = file->f_ref.refcnt.counter;
	return n < 0 ? 0 : n + 1;
}

static __always_inline enum probe_counter descriptor_holds(const struct memo_holder *h, __u64 file)
{
	const struct task_struct *task = cast(task_struct, h->task);
	const struct files_struct *files = task->files;
	const struct mm_struct *mm = task->mm;
	const struct fdtable *fdt;
	const struct file *found = NULL;

	if ((__u64)files != h->files || !files || !mm)
		return PCOUNT_CACHE_HOLDERS;
	if (mm->exec_vm != h->who.exec_pages)
		return PCOUNT_CACHE_MAPPINGS;
	fdt = files->fdt;
	if (!fdt || h->fd >= fdt->max_fds)
		return PCOUNT_CACHE_HOLDERS;
	if (bpf_probe_read_kernel(&found, sizeof(found), fdt->fd + h->fd) || (__u64)found != file)
		return PCOUNT_CACHE_HOLDERS;
	return PCOUNT_COUNT;
}

/* Why a process's place in gens has moved on. */
static __always_inline enum probe_counter why_moved(const struct memo_holder *h)
{
	__u32 tgid = h->who.tgid;
	const struct proc_rec *proc = bpf_map_lookup_elem(&procs, &tgid);

	return proc && proc->map_stamp != h->who.map_stamp ? PCOUNT_CACHE_MAPPINGS
							   : PCOUNT_CACHE_HOLDERS;
}

/* PCOUNT_COUNT: who was proven to hold the socket does so now, as he was; else what is not so. */
static __always_inline enum probe_counter memo_holds(const struct memo *m, const struct look *l,
						     __s64 references, bool sending)
{
	const struct global_rec *g = global_state();
	__u32 current = bpf_get_current_pid_tgid() >> 32;
	bool sender = !sending;

	if (!g || !m->n || m->file != l->file || m->joined != m->joined_then ||
	    g->taken_ns >= m->when_ns || g->received_ns >= m->when_ns)
		return PCOUNT_CACHE_HOLDERS;
	if (references < m->n || references > (__s64)m->n + m->slack)
		return PCOUNT_CACHE_HOLDERS;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		const struct memo_holder *h = &m->h[i];
		enum probe_counter why;

		if (i >= m->n)
			break;
		if (gen_of(h->who.tgid) != h->gen)
			return why_moved(h);
		why = descriptor_holds(h, l->file);
		if (why != PCOUNT_COUNT)
			return why;
		sender |= h->who.tgid == current;
	}
	return sender ? PCOUNT_COUNT : PCOUNT_CACHE_HOLDERS;
}

/* The verdict that the socket's last packet met, if this one is like it. */
static __always_inline enum probe_counter take_verdict(const struct sk_buff *skb,
						       const struct memo *m, struct look *l,
						       __u64 epoch, const struct cache_tuple *t)
{
	const struct memo_verdict *v = &m->v[l->hook & (CACHE_HOOKS - 1)];

	if (v->class.epoch != epoch)
		return PCOUNT_CACHE_EPOCH;
	if (l->now >= v->class.until)
		return PCOUNT_CACHE_LEASE;
	if (!same_tuple(&v->tuple, t))
		return PCOUNT_CACHE_OTHER;
	l->verdict = v->class.verdict;
	l->tally = v->class.tally;
	return l->verdict == CACHE_DROP && is_reset(skb, t) ? PCOUNT_CACHE_OTHER : PCOUNT_COUNT;
}

static __always_inline bool met_before(const struct memo *m, const struct look *l)
{
	return m->v[l->hook & (CACHE_HOOKS - 1)].class.verdict;
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
	l->passed = *(const volatile __u64 *)&m->passed[l->hook & (CACHE_HOOKS - 1)] ==
		    cache_passed(l->cookie, l->misses);
	return l->passed;
}

/* Whether packets like this one are in classes. */
static __always_inline bool ask(const struct sk_buff *skb, const struct cache_chain *c, __u64 now,
				__u64 epoch, __u16 proto, struct cache_tuple *t)
{
	return epoch && is_asked(c, now) &&
	       read_tuple(skb, t, *(const volatile __u64 *)&c->mask) == proto;
}

/* A connection in TIME_WAIT is nobody's, and the daemon remembers nothing of it. */
static __noinline enum said look_up_nobody(const struct sk_buff *skb, struct look *l)
{
	const struct sock *sk = skb->sk;
	const struct cache_chain *c = chain_of(l->hook);
	const struct memo *m = memo_of(l->cookie);
	struct cache_tuple tuple = {};
	__u16 proto = IPPROTO_TCP;
	bool is = true;

	if (!sk || !c || !m)
		return SAID_NOTHING;
	if (sk->__sk_common.skc_state != TCP_TIME_WAIT) {
		is = is_nobody(sk, sk->sk_socket, m, l);
		proto = sk->sk_protocol;
	}
	l->now = bpf_jiffies64();
	l->asked = ask(skb, c, l->now, *(const volatile __u64 *)&c->epoch, proto, &tuple);
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
	struct cache_tuple tuple = {};
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
		file = socket ? socket->file : NULL;
	}
	if (!file)
		return look_up_nobody(skb, l);
	l->file = (__u64)file;
	l->joined = *(const volatile __u32 *)&m->joined;
	l->now = bpf_jiffies64();
	epoch = *(const volatile __u64 *)&c->epoch;
	barrier();
	l->asked = ask(skb, c, l->now, epoch, sk->sk_protocol, &tuple);
	seq = *(const volatile __u64 *)&m->seq;
	barrier();
	if ((seq & 1) || m->cookie != l->cookie)
		return SAID_NOTHING;
	sending = l->hook == CACHE_OUT && sk->sk_protocol != IPPROTO_TCP;
	why = memo_holds(m, l, references_in_place(file), sending);
	if (why != PCOUNT_COUNT) {
		if (met_before(m, l))
			l->why = why;
		return SAID_NOTHING;
	}
	why = l->asked ? take_verdict(skb, m, l, epoch, &tuple) : PCOUNT_CACHE_OTHER;
	barrier();
	if (*(const volatile __u64 *)&m->seq != seq)
		return SAID_NOTHING;
	if (why == PCOUNT_COUNT)
		return SAID_VERDICT;
	l->verdict = CACHE_NONE;
	if (met_before(m, l))
		l->why = why;
	return SAID_PROVEN;
}

/*
 * Has the packet pass, or stopped, where our programs are in the filter table. False: its place is
 * taken by a packet that came in between, or one of the socket has gone to the daemon since this
 * one's verdict was looked for.
 */
static __always_inline bool write_ticket(const struct look *l)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 place = (l->hook * ABI_CPUS + cpu) * ABI_TICKETS + (l->cookie & (ABI_TICKETS - 1));
	volatile struct cache_ticket *t;
	const struct memo *m = memo_of(l->cookie);
	__u64 whose = l->cookie << 2 | l->verdict;
	__u64 passed = 0;

	if (cpu >= ABI_CPUS || !m)
		return false;
	t = bpf_map_lookup_elem(&tickets, &place);
	if (!t || *(const volatile __u32 *)&m->misses[l->hook & (CACHE_HOOKS - 1)] != l->misses)
		return false;
	if (l->file && l->verdict == CACHE_ACCEPT)
		passed = cache_passed(l->cookie, l->misses);
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

/* Tickets of its socket that nobody has used are void. */
static __always_inline void void_tickets(struct look *l)
{
	struct memo *m = l->cookie ? memo_of(l->cookie) : NULL;

	if (m)
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

/* The answer that was proven before, and holds. False: another is being written there. */
__noinline int answer_again(struct answer *a, const struct look *l)
{
	const struct memo *m;
	__u32 n = 0;
	__u64 seq;

	if (!a || !l)
		return false;
	m = memo_of(l->cookie);
	if (!m)
		return false;
	seq = *(const volatile __u64 *)&m->seq;
	barrier();
	if ((seq & 1) || m->cookie != l->cookie)
		return false;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		const struct memo_holder *h = &m->h[i];
		struct note_holder *to = &a->holder[n & (ABI_HOLDERS - 1)];

		if (i >= m->n)
			break;
		if (h->again)
			continue;
		to->tgid = h->who.tgid;
		to->in_flight = 0;
		to->start_ns = h->who.start_ns;
		to->map_stamp = h->who.map_stamp;
		to->exec_pages = h->who.exec_pages;
		n++;
	}
	a->netns = m->netns;
	a->changed_ns = m->changed_ns;
	a->references = a->matched = m->n;
	a->lost = a->leaving = a->calls = 0;
	a->spread_ns = a->gave_ns = 0;
	a->n_holders = n;
	a->marks = MARK_PROVEN;
	a->state = NOTE_PROVEN;
	barrier();
	return *(const volatile __u64 *)&m->seq == seq && n;
}

/* The holder of that number in the answer; NULL: he is not named. */
static __always_inline const struct note_holder *named(const struct answer *a, __u32 tgid)
{
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++)
		if (i < a->n_holders && a->holder[i].tgid == tgid)
			return &a->holder[i];
	return NULL;
}

static __always_inline bool is_among(const struct memo *m, __u32 n, __u32 tgid)
{
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS - 1; i++)
		if (i < n && m->h[i].who.tgid == tgid)
			return true;
	return false;
}

/* One of the descriptors that the proof rests on; false: it may not be seen to change. */
static __always_inline bool memo_add(struct memo *m, __u32 n, const struct sighting *s, __u32 gen,
				     const struct answer *a)
{
	const struct note_holder *who = named(a, s->tgid);
	struct memo_holder *h = &m->h[n & (ABI_MEMO_HOLDERS - 1)];
	__u32 tgid = s->tgid;
	const struct proc_rec *proc = bpf_map_lookup_elem(&procs, &tgid);

	if (!who || !proc || who->in_flight || !who->exec_pages || !proc->task ||
	    (proc->flags & (PROC_EXITED | PROC_FILES_SHARED | PROC_URING | PROC_COMPAT)))
		return false;
	h->again = is_among(m, n, tgid);
	h->task = proc->task;
	h->files = s->files;
	h->fd = s->fd;
	h->gen = gen;
	h->who.tgid = tgid;
	h->who.start_ns = who->start_ns;
	h->who.map_stamp = who->map_stamp;
	h->who.exec_pages = who->exec_pages;
	return true;
}

/* All descriptors on the roster, if they are few and all hold. 0: they are not. */
static __always_inline __u32 memo_add_all(struct memo *m, const struct sock_rec *rec,
					  const struct look *l, const struct answer *a)
{
	__u32 n = 0;

	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		const struct sighting *s = &rec->s[i];

		if (i >= rec->used)
			break;
		if (!s->files)
			continue;
		if (!memo_add(m, n, s, l->gen[i], a))
			return 0;
		n++;
	}
	return n == a->matched ? n : 0;
}

static __always_inline bool memo_lock(struct memo *m)
{
	__u64 seq = *(const volatile __u64 *)&m->seq;

	return !(seq & 1) && __sync_val_compare_and_swap(&m->seq, seq, seq + 1) == seq;
}

/* What was proven just now, for the packets to come. */
__noinline int memo_write(const struct look *l, const struct sock_rec *rec, const struct answer *a,
			  __u64 when_ns)
{
	struct memo *m;
	__u32 extra;

	if (!l || !rec || !a)
		return 0;
	m = memo_of(l->cookie);
	if (!m || a->state != NOTE_PROVEN || a->lost || a->leaving ||
	    (a->marks & (MARK_SHARED | MARK_UNKNOWN | MARK_MANY | MARK_UNCLEAR)) ||
	    (rec->flags & (SOCK_UNSETTLED | SOCK_CROWDED | SOCK_GUESSED)) ||
	    rec->used > ABI_MEMO_HOLDERS || !memo_lock(m))
		return 0;
	m->cookie = l->cookie;
	m->file = l->file;
	m->netns = a->netns;
	m->changed_ns = a->changed_ns;
	m->when_ns = when_ns;
	m->joined_then = l->joined;
	m->n = memo_add_all(m, rec, l, a);
	/* A thread may be in a call on it, or in poll(2): as many as now, or one. */
	extra = a->references > m->n ? a->references - m->n : 0;
	m->slack = extra + 1;
	m->v[0].class.epoch = m->v[1].class.epoch = 0;
	m->v[0].class.verdict = m->v[1].class.verdict = CACHE_NONE;
	barrier();
	__sync_fetch_and_add(&m->seq, 1);
	return 0;
}

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
		key->who[i].tgid = h->tgid;
		key->who[i].start_ns = h->start_ns;
		key->who[i].map_stamp = h->map_stamp;
		key->who[i].exec_pages = h->exec_pages;
	}
	return true;
}

/* For the packets of this socket that come after. */
static __always_inline void memo_meet(const struct look *l, const struct cache_tuple *tuple,
				      __u64 epoch, __u64 until)
{
	struct memo *m = memo_of(l->cookie);
	struct memo_verdict *v;

	if (!m || !memo_lock(m))
		return;
	if (m->cookie == l->cookie && m->n) {
		v = &m->v[l->hook & (CACHE_HOOKS - 1)];
		v->tuple = *tuple;
		v->class.epoch = epoch;
		v->class.until = until;
		v->class.verdict = l->verdict;
		v->class.tally = l->tally;
	}
	barrier();
	__sync_fetch_and_add(&m->seq, 1);
}

/* The same for a packet of kernel origin. */
static __always_inline bool make_key_of_nobody(struct cache_key *key, __u32 hook,
					       const struct sock *sk)
{
	if (!sk)
		return false;
	key->netns = sock_netns(sk);
	key->hook = hook;
	return true;
}

/*
 * What was said of the class of a packet whose holders are proven; a NULL: that nobody holds. The
 * first packet of a socket that is to be dropped goes to the daemon all the same, which remembers
 * whom it has denied.
 */
static __noinline bool ask_class(const struct sk_buff *skb, struct look *l, const struct answer *a)
{
	const struct cache_chain *c = chain_of(l->hook);
	const volatile struct cache_class *class;
	struct cache_key key;
	__u64 now_ns = bpf_ktime_get_ns(), until, epoch, mask;

	if (!c || !l->asked)
		return false;
	__builtin_memset(&key, 0, sizeof(key));
	epoch = *(const volatile __u64 *)&c->epoch;
	barrier();
	mask = *(const volatile __u64 *)&c->mask;
	if (!epoch ||
	    !(a ? make_key(&key, l, mask, a) : make_key_of_nobody(&key, l->hook, skb->sk)) ||
	    !read_tuple(skb, &key.tuple, mask))
		return false;
	class = bpf_map_lookup_elem(&classes, &key);
	if (!class || class->epoch != epoch)
		return false;
	until = class->until;
	l->verdict = class->verdict;
	l->tally = class->tally;
	/* The map may have given the memory to another class while it was read. */
	if (bpf_map_lookup_elem(&classes, &key) != class || now_ns >= until)
		return false;
	if (a)
		memo_meet(l, &key.tuple, epoch, l->now + (until - now_ns) / ABI_TICK_NS);
	return l->verdict == CACHE_ACCEPT;
}

#endif
