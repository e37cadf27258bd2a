// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The note program: a netfilter BPF program (linux 6.4) just before the filter table; before that,
 * a program at the kernel's own function that puts packets into queues. For each packet it writes
 * down which socket it belongs to and who holds that socket now, under the packet's fingerprint, so
 * that the daemon's verdict rests on the moment the packet was sent, even if the sender is gone by
 * the time the packet is judged. It never touches the packet.
 */
#include "look.h"

#define NF_ACCEPT	  1
#define NF_INET_LOCAL_IN  1
#define NF_INET_LOCAL_OUT 3

#define SEVERAL (~0ull) /* no socket's cookie */

/* The socket that answers for the packet: a connection request's is its listener. */
static __always_inline const struct sock *answering(const struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (state == TCP_NEW_SYN_RECV)
		return BPF_CORE_READ(sk, __sk_common.skc_listener);
	return state == TCP_TIME_WAIT ? NULL : sk;
}

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

/*
 * look: NULL, or what the cache said of the packet, and `said` is how much. A function of its own,
 * as the parts of the proof are: the verifier looks at it once, whatever the cache said.
 */
__noinline int note_socket(struct note *note, __u64 sk_at, __u32 hook, struct look *look,
			   __u32 said)
{
	const struct sock *sk = (const struct sock *)sk_at;
	struct socket *socket;
	struct file *file;
	struct scratch *scratch = NULL;
	struct sock_rec *rec;
	bool sending;

	if (!note)
		return 0;
	note->state = NOTE_KERNEL;
	sk = sk ? answering(sk) : NULL;
	if (!sk)
		return 0;
	note->cookie = sock_cookie(sk);
	socket = BPF_CORE_READ(sk, sk_socket);
	file = socket ? BPF_CORE_READ(socket, file) : NULL;
	if (!file) {
		note->netns = sock_netns(sk);
		if (BPF_CORE_READ(sk, __sk_common.skc_flags) & SOCK_DEAD_BIT) {
			note->flags =
				look && look->passed ? NOTE_ORPHAN | NOTE_PASSED : NOTE_ORPHAN;
		} else if (!socket) {
			note->state = NOTE_UNPROVEN;
			note->flags = NOTE_UNACCEPTED;
		}
		return 0;
	}
	if (look && said == SAID_PROVEN && memo_answer(&note->answer, look)) {
		count(PCOUNT_PROVEN);
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
		rec->netns = sock_netns(sk);
		rec->sk = (__u64)sk;
	}
	note->netns = rec->netns;
	if (look && look->file)
		look_around(look, rec);
	/* TCP also sends when acknowledgements come or timers end. */
	sending = hook == NF_INET_LOCAL_OUT && BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP;
	prove(rec, &note->answer, scratch ? 0 : note->cookie, (__u64)file, sending);
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

/* Of such notes one is as good as the other. */
static __always_inline bool says_nobody(const struct note *note)
{
	return note->state == NOTE_KERNEL && !note->flags;
}

/*
 * Puts it where the daemon finds it: as it is in the draft, or if that is NULL, as it is now.
 * Returns whether the packet passes: then there is none.
 */
static __always_inline bool put_note(const struct sk_buff *skb, const struct packet *packet,
				     __u8 hook, struct look *look, enum said said,
				     const struct note_draft *draft)
{
	__u64 print = packet_print(packet), seq, before, *whose;
	struct note_set *set;
	struct note *note;
	bool passes = false, nobody;
	__u32 index, way;

	/* On INPUT, no socket only means that early demux found none: nothing to say. */
	if (!print || (!skb->sk && hook != NF_INET_LOCAL_OUT))
		return false;
	print = abi_print_at(print, hook);
	index = print & (ABI_NOTE_SETS - 1);
	set = bpf_map_lookup_elem(&notes, &index);
	if (!set)
		return false;
	way = __sync_fetch_and_add(&set->next, 1) & (ABI_NOTE_WAYS - 1);
	note = &set->way[way];
	seq = note->seq;
	if ((seq & 1) || __sync_val_compare_and_swap(&note->seq, seq, seq + 1) != seq) {
		count(PCOUNT_NOTE_BUSY);
		return false;
	}
	whose = &set->print[way];
	before = *whose == print ? note->cookie : 0;
	if (*whose == print && (note->flags & NOTE_OVERRUN))
		before = SEVERAL;
	nobody = says_nobody(note);
	*whose = print;
	if (draft)
		__builtin_memcpy(&note->cookie, &draft->note.cookie,
				 sizeof(*note) - __builtin_offsetof(struct note, cookie));
	else
		passes = fill_note(skb, note, hook, look, said);
	if (passes)
		*whose = 0;
	else
		count(PCOUNT_NOTES);
	if (look && !passes)
		count_miss(look);
	if (before && before != note->cookie && !(nobody && says_nobody(note)))
		note->flags |= NOTE_OVERRUN;
	barrier();
	note->seq = seq + 2;
	return passes;
}

/* Returns whether what the cache said of others like it lets the packet pass: it is not noted then.
 * As a rule it is, where a class may have it: so who holds its socket is proven beside the notes.
 */
static __always_inline bool write_note(const struct sk_buff *skb, const struct packet *packet,
				       __u8 hook, struct look *look, enum said said)
{
	struct note_draft *draft = look && look->file && look->asked ? borrow_draft() : NULL;
	bool passes;

	passes = draft && fill_note(skb, &draft->note, hook, look, said);
	if (!passes)
		passes = put_note(skb, packet, hook, look, said, draft);
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
	write_note(skb, &look.packet, hook, &look, said);
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
		write_note(skb, &packet, hook, NULL, SAID_NOTHING);
	return 0;
}
