// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The note program: a netfilter BPF program (linux 6.4) just before the filter table; before that,
 * a program at the kernel's own function that puts packets into queues. For each packet it writes
 * down which socket it belongs to and who holds that socket now, under the packet's fingerprint, so
 * that the daemon's verdict rests on the moment the packet was sent, even if the sender is gone by
 * the time the packet is judged. It never touches the packet.
 */
#include "in_place.h"
#include "look.h"
#include "mptcp.h"

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
	s->rec.sk = 0;
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

/*
 * look: NULL, or what the cache said of the packet, and `said` is how much. A function of its own,
 * as the parts of the proof are: the verifier looks at it once, whatever the cache said.
 */
__noinline int note_socket(struct note *note, __u64 sk_at, __u32 hook, struct look *look,
			   __u32 said)
{
	struct scratch *scratch = NULL;
	struct sock_view *sk;
	struct sock_rec *rec;
	bool sending;

	if (!note)
		return 0;
	if (look && said == SAID_PROVEN && memo_answer(&note->answer, look)) {
		note->cookie = look->cookie;
		count(PCOUNT_PROVEN);
		return 0;
	}
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
			note->state = NOTE_UNPROVEN;
			note->flags = NOTE_UNACCEPTED;
		}
		return 0;
	}
	note->state = NOTE_UNPROVEN;
	rec = note->cookie ? sock_record(note->cookie) : NULL;
	if (!rec) {
		scratch = borrow_scratch();
		if (!scratch)
			return 0;
		rec = &scratch->rec;
	}
	if (!rec->sk) {
		rec->netns = sk->netns;
		rec->sk = sk->open;
	}
	note->netns = rec->netns;
	if (look && look->file)
		look_around(look, rec);
	/* TCP also sends when acknowledgements come or timers end. */
	sending = hook == NF_INET_LOCAL_OUT && sk->protocol != IPPROTO_TCP;
	prove(rec, &note->answer, scratch ? 0 : note->cookie, sk->file, sending);
	if (look && look->file && !scratch)
		memo_write(look, rec, &note->answer, note->when_ns);
	if (scratch)
		scratch->busy = 0;
	count(note->state == NOTE_UNPROVEN ? PCOUNT_UNPROVEN : PCOUNT_PROVEN);
	return 0;
}

/* Where a note is written that the packet needs only if no class has it. NULL: it is in use. */
static __always_inline struct note_draft *borrow_draft(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct note_draft *d = bpf_map_lookup_elem(&note_drafts, &cpu);

	return !d || __sync_val_compare_and_swap(&d->busy, 0, 1) ? NULL : d;
}

/* All but its seq. Returns whether what the cache said of others like it lets the packet pass. */
static __always_inline bool fill_note(const struct sk_buff *skb, struct note *note, __u8 hook,
				      struct look *look, enum said said)
{
	__u64 sk = (__u64)BPF_CORE_READ(skb, sk); /* a plain value, as note_socket() wants */

	note->when_ns = bpf_ktime_get_boot_ns();
	note->cookie = note->netns = 0;
	note->n_holders = note->flags = 0;
	note->current_tgid = bpf_get_current_pid_tgid() >> 32;
	note_socket(note, sk, hook, look, said);
	return look && look->file && ask_class(look, &note->answer, sk) && write_ticket(look);
}

/* What tells notes of one print apart. Of those that tell of nobody, one is as good as the other.
 */
static __always_inline __u64 whose_is(const struct note *note)
{
	if (note->flags & NOTE_OVERRUN)
		return SEVERAL;
	return note->state == NOTE_KERNEL && !note->flags ? NOBODY : note->cookie;
}

static __always_inline void count_noted(const struct look *look)
{
	count(PCOUNT_NOTES);
	if (look)
		count_miss(look);
}

/* Whether the same is to be said of both their packets, and nothing is left to find out. */
int says_the_same(struct note *a, struct note *b)
{
	if (!a || !b || a->cookie != b->cookie || a->state != b->state || a->flags != b->flags ||
	    a->netns != b->netns || a->n_holders != b->n_holders ||
	    (a->state != NOTE_PROVEN && a->state != NOTE_KERNEL))
		return 0;
	for (__u32 i = 0; i < ABI_HOLDERS && i < a->n_holders; i++)
		if (a->holder[i].tgid != b->holder[i].tgid ||
		    a->holder[i].in_flight != b->holder[i].in_flight ||
		    a->holder[i].start_ns != b->holder[i].start_ns ||
		    a->holder[i].map_stamp != b->holder[i].map_stamp ||
		    a->holder[i].exec_pages != b->holder[i].exec_pages)
			return 0;
	return 1;
}

/* The latest note of a print, or a number past the last. */
static __always_inline __u32 latest_of(const struct note_set *set, __u64 print)
{
	__u32 next = set->next;

	for (__u32 i = 1; i <= ABI_NOTE_WAYS; i++) {
		__u32 way = (next - i) & (ABI_NOTE_WAYS - 1);

		if (set->tag[way] == abi_note_tag(print) && set->way[way].print == print)
			return way;
	}
	return ABI_NOTE_WAYS;
}

/*
 * Makes it the note of one packet more: what a program sends again and again takes one place, and
 * washes nobody else's away. False: it says something else, or is being written over.
 */
static __always_inline bool note_one_more(struct note_set *set, __u32 way, __u64 print,
					  struct note *as)
{
	struct note *note = &set->way[way & (ABI_NOTE_WAYS - 1)];
	__u64 *packets = &note->packets;
	__u64 seq = note->seq, before = *packets;
	__u32 count = abi_note_count(before, seq);

	barrier();
	/* A count of that note stands until it is being written over: put_note(). */
	if (note->print != print || !says_the_same(note, as) || !count || count + 1 == 0 ||
	    __sync_val_compare_and_swap(packets, before, before + 1) != before)
		return false;
	note->when_ns = as->when_ns;
	return true;
}

/*
 * For packet_dropped(). Who comes in between, on this processor, is not remembered. A function of
 * its own, called before the proof: its values have no room on the stack beside that's.
 */
static __noinline void remember(const struct sk_buff *skb, __u64 print, __u64 seq, __u32 turn,
				__u64 netns)
{
	const struct global_rec *g = global_state();
	__u32 zero = 0;
	struct noted *n = bpf_map_lookup_elem(&last_noted, &zero);

	if (!g || !n || __sync_val_compare_and_swap(&n->busy, 0, 1))
		return;
	n->skb = (__u64)skb;
	n->seq = seq;
	n->set = abi_note_set(print, g->note_secret, g->note_bits);
	n->turn = turn;
	n->abroad = netns != g->own_netns;
	n->busy = 0;
}

#define FROM(member) __builtin_offsetof(struct note, member)

/* All but what is of the place. */
static __always_inline void copy_note(struct note *to, const struct note *from)
{
	__builtin_memcpy(&to->cookie, &from->cookie, FROM(holder[1]) - FROM(cookie));
	if (from->n_holders > 1 || (from->state != NOTE_PROVEN && from->state != NOTE_KERNEL))
		__builtin_memcpy(&to->holder[1], &from->holder[1], sizeof(*to) - FROM(holder[1]));
}

/*
 * Puts it where the daemon finds it: as it is in the draft, or if that is NULL, as it is now.
 * Returns whether the packet passes: then there is none.
 */
static __always_inline bool put_note(struct note_set *set, __u64 print, const struct sk_buff *skb,
				     const struct nf_hook_state *state, struct look *look,
				     enum said said, const struct note_draft *draft)
{
	__u32 turn = __sync_fetch_and_add(&set->next, 1), way = turn & (ABI_NOTE_WAYS - 1);
	struct note *note = &set->way[way];
	__u64 seq, before;
	bool passes = false;
	__u8 hook = state->hook;
	__u32 packets;

	seq = note->seq;
	if ((seq & 1) || __sync_val_compare_and_swap(&note->seq, seq, seq + 1) != seq) {
		count(PCOUNT_NOTE_BUSY);
		return false;
	}
	remember(skb, print, seq + 2, turn, state->net->net_cookie);
	packets = abi_note_count(__sync_lock_test_and_set(&note->packets, 0), seq);
	before = note->print == print ? whose_is(note) : 0;
	note->print = print;
	set->tag[way] = abi_note_tag(print);
	if (draft)
		copy_note(note, &draft->note);
	note->before = packets;
	if (!draft)
		passes = fill_note(skb, note, hook, look, said);
	if (passes)
		note->print = 0;
	else
		count_noted(look);
	if (before && before != whose_is(note))
		note->flags |= NOTE_OVERRUN;
	note->packets = abi_note_packets(seq + 2, 1);
	barrier();
	note->seq = seq + 2;
	return passes;
}

/* Where its note belongs. NULL: there is to be none. */
static __always_inline struct note_set *set_for(const struct sk_buff *skb,
						const struct packet *packet, __u8 hook,
						__u64 *print)
{
	const struct global_rec *g = global_state();
	__u32 index;

	*print = packet_print(packet);
	/* On INPUT, no socket only means that early demux found none: nothing to say. */
	if (!g || !*print || (!skb->sk && hook != NF_INET_LOCAL_OUT))
		return NULL;
	*print = abi_print_at(*print, hook);
	index = abi_note_set(*print, g->note_secret, g->note_bits);
	return bpf_map_lookup_elem(&notes, &index);
}

/*
 * Returns whether what the cache said of others like it lets the packet pass: it is not noted then.
 * As a rule it is, where a class may have it: so who holds its socket is proven beside the notes.
 */
static __always_inline bool write_note(const struct sk_buff *skb, const struct packet *packet,
				       const struct nf_hook_state *state, struct look *look,
				       enum said said)
{
	bool may_pass = look && look->file && look->asked;
	struct note_draft *draft = may_pass ? borrow_draft() : NULL;
	__u8 hook = state->hook;
	struct note_set *set;
	bool passes, noted;
	__u32 alike;
	__u64 print;

	passes = draft && fill_note(skb, &draft->note, hook, look, said);
	set = passes ? NULL : set_for(skb, packet, hook, &print);
	alike = set ? latest_of(set, print) : ABI_NOTE_WAYS;
	if (alike < ABI_NOTE_WAYS && !draft) {
		draft = borrow_draft();
		if (draft)
			fill_note(skb, &draft->note, hook, look, said);
	}
	noted = draft && alike < ABI_NOTE_WAYS && note_one_more(set, alike, print, &draft->note);
	if (noted)
		count_noted(look);
	else if (set)
		passes = put_note(set, print, skb, state, look, said, draft);
	if (draft)
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
	look.why = PCOUNT_COUNT;
	look.hook = hook == NF_INET_LOCAL_OUT ? CACHE_OUT : CACHE_IN;
	said = look_up(skb, &look);
	if (said == SAID_NOBODY && ask_class(&look, NULL, (__u64)BPF_CORE_READ(skb, sk)))
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
