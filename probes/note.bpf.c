// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The note program: a netfilter BPF program (linux 6.4) just before the filter table; before that,
 * a program at the kernel's own function that puts packets into queues. For each packet it writes
 * down which socket it belongs to and who holds that socket now, under the packet's fingerprint, so
 * that the daemon's verdict rests on the moment the packet was sent, even if the sender is gone by
 * the time the packet is judged. It never touches the packet.
 */
#include "cache.h"
#include "in_place.h"
#include "mptcp.h"
#include "prove.h"
#include "snapshot.h"

#define NF_ACCEPT	  1
#define NF_INET_LOCAL_IN  1
#define NF_INET_LOCAL_OUT 3

#define SEVERAL (~0ull) /* no socket's cookie */
#define NOBODY	(~1ull) /* nor this */

/* When the map is full: a record for this one packet, one a processor. NULL: it is in use. */
static __always_inline struct scratch *borrow_scratch(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct scratch *s = bpf_map_lookup_elem(&scratches, &cpu);

	if (!s || __sync_val_compare_and_swap(&s->busy, 0, 1))
		return NULL;
	s->rec.used = s->rec.busy = 0;
	s->rec.proven_ns = s->rec.changed_ns = 0;
	s->rec.creator = s->rec.flags = 0;
	s->rec.sk = s->rec.netns = 0;
	return s;
}

/* The room of holders who are named last: no memo has so many, and a proof has not begun to name
 * any. The stack has none. */
static __always_inline struct sock_view *view_in(struct note *note)
{
	_Static_assert(sizeof(struct sock_view) <= 2 * sizeof(struct note_holder) &&
			       ABI_MEMO_HOLDERS <= ABI_HOLDERS - 2,
		       "there is room");
	return (void *)&note->holder[ABI_HOLDERS - 2];
}

/* Whether the current thread is in a call on that socket. */
static __always_inline bool is_own_call(__u64 sk_at)
{
	const struct sock *sk = (const void *)sk_at;

	return in_call_with((__u64)BPF_CORE_READ(sk, sk_socket, file));
}

/* Where it is. */
static __always_inline void put_on_record(struct sock_rec *rec, const struct sock_view *sk)
{
	if (rec->netns)
		return;
	rec->netns = sk->netns;
	rec->sk = sk->open;
}

/* Nobody has accepted it yet: by its record the daemon finds who has when it has the packet. */
static __always_inline void note_unaccepted(struct note *note, const struct sock_view *sk)
{
	struct sock_rec *rec = note->cookie ? sock_record(note->cookie) : NULL;

	if (rec)
		put_on_record(rec, sk);
	note->netns = sk->netns;
	note->changed_ns = rec ? rec->changed_ns : 0;
	nobody(&note->answer); /* what `sk` points to lies there: it is over */
	note->answer.references = 0;
	note->state = NOTE_UNPROVEN;
	note->flags = NOTE_UNACCEPTED;
}

/*
 * look: NULL, or what the cache said of the packet. A function of its own, as the parts of the
 * proof are: the verifier looks at it once, whatever the cache said.
 */
__noinline int note_socket(struct note *note, __u64 sk_at, __u32 hook, struct look *look)
{
	struct scratch *scratch = NULL;
	struct sock_view *sk;
	struct sock_rec *rec;
	bool sending;

	if (!note)
		return 0;
	note->state = NOTE_KERNEL;
	sk = view_in(note);
	sock_look(sk, sk_at);
	if (!sk->open)
		return 0;
	note->cookie = sk->cookie;
	if (sk->path != sk->cookie)
		path_add(sk->path, sk->cookie);
	if (!sk->file) {
		note->netns = sk->netns;
		if (sk->dead) {
			note->flags =
				look && look->passed ? NOTE_ORPHAN | NOTE_PASSED : NOTE_ORPHAN;
		} else if (!sk->accepted) {
			note_unaccepted(note, sk);
		}
		return 0;
	}
	note->state = NOTE_UNPROVEN;
	note_opener(note, sk->file);
	rec = note->cookie ? sock_record(note->cookie) : NULL;
	if (!rec) {
		scratch = borrow_scratch();
		if (!scratch)
			return 0;
		rec = &scratch->rec;
	}
	put_on_record(rec, sk);
	note->netns = rec->netns;
	if (look && look->file)
		look_around(look, rec);
	/* TCP also sends when acknowledgements come or timers end. */
	sending = hook == NF_INET_LOCAL_OUT && sk->protocol != IPPROTO_TCP;
	prove(rec, &note->answer, scratch ? 0 : note->cookie, sk->file, sending);
	if ((note->answer.marks & MARK_UNSEEN) && is_own_call(rec->sk))
		snapshot_take();
	if (look && look->file && !scratch)
		memo_write(look, rec, &note->answer, note->when_ns);
	if (scratch)
		scratch->busy = 0;
	count(note->state == NOTE_UNPROVEN ? PCOUNT_UNPROVEN : PCOUNT_PROVEN);
	return 0;
}

/* Where a note is written: whether the packet needs it shows later. NULL: all are in use. */
static __always_inline struct note_draft *borrow_draft(void)
{
	__u32 first = bpf_get_smp_processor_id() * ABI_NOTE_DRAFTS;

	for (__u32 i = 0; i < ABI_NOTE_DRAFTS; i++) {
		__u32 place = first + i;
		struct note_draft *d = bpf_map_lookup_elem(&note_drafts, &place);

		if (!d)
			return NULL;
		if (!d->busy && !__sync_val_compare_and_swap(&d->busy, 0, 1))
			return d;
	}
	return NULL;
}

/* All but where it lies. Returns whether what the cache said of others like it lets the packet
 * pass. */
static __always_inline bool fill_note(const struct sk_buff *skb, struct note *note, __u8 hook,
				      struct look *look, enum said said)
{
	/* A plain value, as note_socket() wants: one that was in memory which others fill in. */
	__u64 sk = look ? *(volatile __u64 *)&look->sk : (__u64)BPF_CORE_READ(skb, sk);

	note->when_ns = bpf_ktime_get_boot_ns();
	note->cookie = note->netns = 0;
	note->n_holders = note->flags = 0;
	note->uid = note->gid = ABI_NO_ID;
	note->current_tgid = bpf_get_current_pid_tgid() >> 32;
	if (look && said == SAID_PROVEN && note_by_memo(note, look)) {
		count(PCOUNT_PROVEN);
		return false; /* its class has been asked for */
	}
	note_socket(note, sk, hook, look);
	return look && look->file && ask_class(look, &note->answer) && write_ticket(look);
}

/* Whether a note of that print is there. */
int is_of_print(__u32 at, __u64 print)
{
	const struct note_head *h = head_at(at);

	return h && h->turn && abi_note_is_at(h->turn, at) && h->print == print;
}

/* The latest note of a print, or a number past the last. */
static __always_inline __u32 latest_of(const struct note_set *set, __u64 print)
{
	__u32 next = set->next;

	for (__u32 i = 1; i <= ABI_NOTE_WAYS; i++) {
		__u32 way = (next - i) & (ABI_NOTE_WAYS - 1);

		if (set->tag[way] == abi_note_tag(print) && is_of_print(set->at[way], print))
			return way;
	}
	return ABI_NOTE_WAYS;
}

static __always_inline bool same_holder(const struct note_holder *a, const struct note_holder *b)
{
	return a->tgid == b->tgid && a->in_flight == b->in_flight && a->start_ns == b->start_ns &&
	       a->map_stamp == b->map_stamp && a->exec_pages == b->exec_pages;
}

/* Whether the rest of a note that lies there names the same holders, but for the first. */
static __always_inline bool same_rest(__u32 at, __u64 turn, const struct note *b)
{
	const struct global_rec *g = global_state();
	__u32 index = g ? abi_rest_index(at >> ABI_TURN_BITS, turn, g->ring_bits) : 0;
	const struct note_rest *rest = bpf_map_lookup_elem(&note_rests, &index);
	const struct note_holder *more;

	if (!rest || rest->turn != turn)
		return false;
	more = (const void *)rest->byte;
	for (__u32 i = 1; i < ABI_HOLDERS && i < b->n_holders; i++)
		if (!same_holder(&more[i - 1], &b->holder[i]))
			return false;
	return true;
}

/* Whether the same is to be said of both their packets, and nothing is left to find out. */
int says_the_same(struct note_head *a, struct note *b, __u32 at);

int says_the_same(struct note_head *a, struct note *b, __u32 at)
{
	if (!a || !b || a->cookie != b->cookie || a->state != b->state ||
	    (a->flags & ~(NOTE_ALIKE | NOTE_OVERRUN)) != b->flags || a->uid != b->uid ||
	    a->gid != b->gid || a->netns != b->netns || a->n_holders != b->n_holders ||
	    (a->state != NOTE_PROVEN && a->state != NOTE_KERNEL))
		return 0;
	if (a->n_holders && !same_holder(&a->holder, &b->holder[0]))
		return 0;
	return a->n_holders < 2 || same_rest(at, a->rest, b);
}

/*
 * Makes it the note of one packet more: what a program sends again and again takes one place, and
 * washes nobody else's away. False: it says something else, or is being written over.
 */
static __always_inline bool note_one_more(__u32 at, __u64 print, struct note *as)
{
	struct note_head *h = head_at(at);
	__u64 turn, before;
	__u32 count;

	if (!h)
		return false;
	turn = h->turn;
	before = h->packets;
	count = abi_note_count(before, turn);
	barrier();
	/* A count of that note stands until it is being written over: put_note(). */
	if (h->print != print || !says_the_same(h, as, at) || !count || count + 1 == 0 ||
	    __sync_val_compare_and_swap(&h->packets, before, before + 1) != before)
		return false;
	h->when_ns = as->when_ns;
	return true;
}

/* What tells notes of one print apart. Of those that tell of nobody, one is as good as the other.
 */
static __always_inline __u64 whose_is(__u32 state, __u32 flags, __u64 cookie)
{
	if (flags & NOTE_OVERRUN)
		return SEVERAL;
	return state == NOTE_KERNEL && !(flags & ~NOTE_ALIKE) ? NOBODY : cookie;
}

/* The note before it in its place, if that is of the same print: it can be found no more. mixed: it
 * is missed then although it is of the same socket. */
static __always_inline void replace(struct note_head *h, const struct note *note, __u32 at,
				    bool mixed)
{
	struct note_head *old = head_at(at);
	__u64 turn;

	if (!old)
		return;
	turn = old->turn;
	h->before = abi_note_count(__sync_lock_test_and_set(&old->packets, 0), turn);
	h->instead = at;
	if (mixed | (whose_is(old->state, old->flags, old->cookie) !=
		     whose_is(note->state, note->flags, note->cookie)))
		h->flags |= NOTE_OVERRUN;
}

/* Whether what lies, or is about to lie, at a place is a note of that print that tells of somebody
 * else. */
int is_of_another(__u32 at, __u64 print, __u64 whose)
{
	const struct note_head *h = head_at(at);
	__u64 turn;

	if (!h)
		return 0;
	turn = h->turn;
	if (abi_note_is_at(turn, at))
		return h->print == print && whose_is(h->state, h->flags, h->cookie) != whose;
	return !turn || abi_note_is_older(turn, at);
}

/*
 * Whether the set has notes of that print which tell of others, and were written by other
 * processors: what one writes is queued in that order. The daemon is told before the packet is in
 * the queue: it looks for that when it has the packet. Called when the new one (own: abi_note_at())
 * has its way there, by an instruction that all before it is seen after: of two that put theirs at
 * the same time, at least one sees the other's.
 */
int are_mixed(struct note_set *set, __u32 own, __u64 print, __u64 whose)
{
	__u32 zero = 0;
	struct note_mixed *m = bpf_map_lookup_elem(&note_mixed, &zero);

	if (!set || !m)
		return 0;
	for (__u32 way = 0; way < ABI_NOTE_WAYS; way++) {
		if (set->tag[way] != abi_note_tag(print) ||
		    !((set->at[way] ^ own) >> ABI_TURN_BITS) ||
		    !is_of_another(set->at[way], print, whose))
			continue;
		m->when_ns = bpf_ktime_get_boot_ns();
		return 1;
	}
	return 0;
}

/* Where the rest of the next note goes on this processor. 0: there is no room. */
static __always_inline __u64 put_rest(struct note_turns *turns, __u32 cpu, const struct note *note)
{
	const struct global_rec *g = global_state();
	__u64 turn = __sync_fetch_and_add(&turns->rest, 1) + 1;
	__u32 index = g ? abi_rest_index(cpu, turn, g->ring_bits) : 0;
	struct note_rest *rest = bpf_map_lookup_elem(&note_rests, &index);

	if (!rest)
		return 0;
	rest->turn = 0;
	barrier();
	__builtin_memcpy(rest->byte, (const char *)note + ABI_NOTE_HEAD, ABI_NOTE_REST);
	barrier();
	rest->turn = turn;
	return turn;
}

/* For packet_dropped(). NULL: who comes in between, on this processor, is not remembered. */
static __always_inline struct noted *borrow_last(void)
{
	__u32 zero = 0;
	struct noted *n = bpf_map_lookup_elem(&last_noted, &zero);

	return n && !__sync_val_compare_and_swap(&n->busy, 0, 1) ? n : NULL;
}

static __always_inline void remember(struct noted *n, const struct sk_buff *skb,
				     const struct noted *as)
{
	if (!n)
		return;
	n->skb = (__u64)skb;
	n->turn = as->turn;
	n->at = as->at;
	n->at_before = as->at_before;
	n->tag_before = as->tag_before;
	n->abroad = as->abroad;
	n->set = as->set;
	n->next = as->next;
	barrier();
	n->busy = 0;
}

#define FROM(member) __builtin_offsetof(struct note, member)

/*
 * Puts it where the daemon finds it: into this processor's ring, and into its set. Whoever comes in
 * between, on this processor, has another place in the ring: nobody else writes there. The ring's
 * lines are cold, and a locked instruction waits for all stores before it: so there is none after
 * the first of them.
 */
static __always_inline void put_note(const struct sk_buff *skb, __u32 index, struct note_set *set,
				     __u64 print, const struct note *note, bool alike, bool abroad)
{
	__u32 cpu = bpf_get_smp_processor_id(), zero = 0, way;
	struct note_turns *turns = bpf_map_lookup_elem(&note_turns, &zero);
	struct noted noted = {.set = index, .abroad = abroad};
	struct note_head *h;
	struct noted *last;
	bool mixed;

	if (!turns)
		return;
	noted.turn = __sync_fetch_and_add(&turns->head, 1) + 1;
	noted.at = abi_note_at(cpu, noted.turn);
	h = cpu < ABI_CPUS ? head_at(noted.at) : NULL;
	if (!h) {
		count(PCOUNT_NOTE_BUSY);
		return;
	}
	noted.next = __sync_fetch_and_add(&set->next, 1);
	way = noted.next & (ABI_NOTE_WAYS - 1);
	noted.tag_before = set->tag[way];
	noted.at_before = set->at[way];
	last = borrow_last();
	set->tag[way] = abi_note_tag(print);
	__sync_lock_test_and_set(&set->at[way], noted.at);
	mixed = are_mixed(set, noted.at, print, whose_is(note->state, note->flags, note->cookie));
	h->turn = 0;
	h->packets = 0;
	barrier();
	__builtin_memcpy(&h->cookie, &note->cookie, ABI_NOTE_HEAD - FROM(cookie));
	h->print = print;
	h->before = h->instead = 0;
	h->rest = abi_note_has_rest(note->state, note->n_holders) ? put_rest(turns, cpu, note) : 0;
	if (alike)
		h->flags |= NOTE_ALIKE;
	if (alike && noted.tag_before == abi_note_tag(print) && is_of_print(noted.at_before, print))
		replace(h, note, noted.at_before, mixed);
	h->packets = abi_note_packets(noted.turn, 1);
	barrier();
	h->turn = noted.turn;
	remember(last, skb, &noted);
}

/* What of it says which note is meant, and in which set that is found. 0: there is to be none. */
static __always_inline __u64 print_of(const struct sk_buff *skb, const struct packet *packet,
				      __u8 hook)
{
	__u64 print = packet_print(packet);

	/* On INPUT, no socket only means that early demux found none: nothing to say. */
	if (!print || (!skb->sk && hook != NF_INET_LOCAL_OUT))
		return 0;
	return abi_print_at(print, hook);
}

static __always_inline __u32 set_index(__u64 print)
{
	const struct global_rec *g = global_state();

	return g ? abi_note_set(print, g->note_secret, g->note_bits) : 0;
}

/*
 * Another processor may have written there last. Nobody waits for a line that he writes to, as one
 * would to read it: so the proof is made while it is on its way.
 */
static __always_inline void call_set(__u64 print)
{
	__u32 index = set_index(print);
	volatile struct note_set *set = bpf_map_lookup_elem(&note_sets, &index);

	if (!set)
		return;
	set->call = 0;
	set->call_next = 0;
}

/* The packet goes to the daemon: its note is one of those of its print, or one more. A function of
 * its own: what it needs of the stack the proof needs before it. */
static __noinline void put(const struct sk_buff *skb, __u64 print, struct note *note, __u64 netns)
{
	const struct global_rec *g = global_state();
	__u32 index = set_index(print), alike;
	struct note_set *set = bpf_map_lookup_elem(&note_sets, &index);

	if (!g || !set)
		return;
	alike = latest_of(set, print);
	if (alike < ABI_NOTE_WAYS &&
	    note_one_more(set->at[alike & (ABI_NOTE_WAYS - 1)], print, note))
		return;
	put_note(skb, index, set, print, note, alike < ABI_NOTE_WAYS, netns != g->own_netns);
}

/* Returns whether what the cache said of others like it lets the packet pass: it is not noted then.
 */
static __always_inline bool write_note(const struct sk_buff *skb, const struct packet *packet,
				       const struct nf_hook_state *state, struct look *look,
				       enum said said)
{
	bool may_pass = look && look->file && look->asked, passes;
	__u8 hook = state->hook;
	__u64 print = may_pass ? 0 : print_of(skb, packet, hook);
	struct note_draft *draft;

	if (!may_pass && !print)
		return false;
	draft = borrow_draft();
	if (!draft) {
		count(PCOUNT_NOTE_BUSY);
		return false;
	}
	if (print)
		call_set(print);
	passes = fill_note(skb, &draft->note, hook, look, said);
	if (may_pass && !passes)
		print = print_of(skb, packet, hook);
	if (!passes && print) {
		count(PCOUNT_NOTES);
		if (look)
			count_miss(look);
		put(skb, print, &draft->note, state->net->net_cookie);
	}
	draft->busy = 0;
	return passes;
}

SEC("netfilter")
int note_packet(struct bpf_nf_ctx *ctx)
{
	const struct sk_buff *skb = ctx->skb;
	__u8 hook = ctx->state->hook;
	struct look look;
	enum said said;

	__builtin_memset(&look, 0, sizeof(look));
	packet_open(&look.packet, skb);
	look.sk = (__u64)skb->sk;
	look.why = PCOUNT_COUNT;
	look.hook = hook == NF_INET_LOCAL_OUT ? CACHE_OUT : CACHE_IN;
	said = look_up(&look);
	if (said == SAID_PASSES)
		return NF_ACCEPT;
	if (said == SAID_NOBODY ? ask_class_of_nobody(&look)
				: said == SAID_PROVEN && ask_class_by_memo(&look))
		said = SAID_VERDICT;
	if (said == SAID_VERDICT && look.verdict == CACHE_DROP)
		void_tickets(&look); /* that one passed before is past */
	if (said == SAID_VERDICT && write_ticket(&look))
		return NF_ACCEPT;
	void_tickets(&look);
	write_note(skb, &look.packet, ctx->state, &look, said);
	return NF_ACCEPT;
}

/* Of every queue of the machine; what is queued in other namespaces is none of ours. */
SEC("fentry/nf_queue")
int BPF_PROG(note_queued, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct global_rec *g = global_state();
	struct packet packet;
	__u8 hook = state->hook;

	packet_open(&packet, skb);
	if (g && g->own_netns == state->net->net_cookie &&
	    (hook == NF_INET_LOCAL_OUT || hook == NF_INET_LOCAL_IN))
		write_note(skb, &packet, state, NULL, SAID_NOTHING);
	return 0;
}
