// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Takes back the note of a packet that is dropped before anybody judged it. A full queue drops more
 * packets than it takes: their notes would wash away those of the packets that wait in it, whose
 * senders may be gone when their turn comes.
 *
 * The drop follows the note on the same processor, as a rule with no other note in between: so
 * only the last one is remembered there. One that is missed takes up its place until that is
 * written over, as a note whose packet a rule lets pass before the queue does.
 */
#include "maps.h"

/* Whether a copy of it may be in the queue: in other namespaces the way there is a long one. */
static __always_inline bool may_have_copy(const struct noted *n, const struct sk_buff *skb)
{
	return n->abroad && BPF_CORE_READ_BITFIELD_PROBED(skb, cloned);
}

/* The note whose place this one took has it again, and its count: see replace(). */
static __always_inline void give_back(const struct note_head *h)
{
	struct note_head *old = h->before ? head_at(h->instead) : NULL;
	__u64 turn = old ? old->turn : 0;

	if (old && abi_note_is_at(turn, h->instead))
		__sync_val_compare_and_swap(&old->packets, 0, abi_note_packets(turn, h->before));
}

/*
 * Empties the place. Only a note of one packet: that one has gone, whoever has taken the note and
 * wherever the packet went meanwhile, for its memory is another packet's or free.
 */
static __always_inline void take_back(const struct noted *n)
{
	__u64 one = abi_note_packets(n->turn, 1), turn = n->turn;
	__u32 set_index = n->set, way = n->next & (ABI_NOTE_WAYS - 1), zero = 0;
	const struct global_rec *g = global_state();
	struct note_turns *turns = bpf_map_lookup_elem(&note_turns, &zero);
	struct note_set *set = bpf_map_lookup_elem(&note_sets, &set_index);
	struct note_head *h = head_at(n->at);

	/* It may tell of one that is lost: that stands until its print has gone from there. */
	if (!g || !set || !turns || !h || h->turn != turn || (h->flags & NOTE_OVERRUN) ||
	    __sync_val_compare_and_swap(&h->packets, one, 0) != one)
		return;
	give_back(h);
	h->turn = 0;
	h->print = 0;
	/* The next one comes here, and not in the place of one whose packet waits; but a turn is
	 * one note's only. */
	__sync_val_compare_and_swap(&turns->head, turn, turn - 1 + (1ull << g->ring_bits));
	if (__sync_val_compare_and_swap(&set->at[way], n->at, n->at_before) != n->at)
		return;
	set->tag[way] = n->tag_before;
	__sync_val_compare_and_swap(&set->next, n->next + 1, n->next);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(packet_dropped, struct sk_buff *skb)
{
	__u32 zero = 0;
	struct noted *n = bpf_map_lookup_elem(&last_noted, &zero);

	if (!n || n->skb != (__u64)skb || __sync_val_compare_and_swap(&n->busy, 0, 1))
		return 0;
	if (n->skb == (__u64)skb && !may_have_copy(n, skb))
		take_back(n);
	n->skb = 0;
	n->busy = 0;
	return 0;
}
