// SPDX-License-Identifier: GPL-2.0-or-later
#include "note_table.h"

#include <string.h>

/* From its note a packet goes to the queue in microseconds; longer if its sender loses the
 * processor. */
#define ON_ITS_WAY_NS 100000000

static uint32_t index_of(const struct note_table *t, uint32_t at)
{
	return abi_note_index(at, t->ring_bits);
}

/* Where a note of that print lies, by what a set says. NULL: it is not there any more. */
static const struct note_head *head_at(const struct note_table *t, uint32_t at, uint64_t print)
{
	const struct note_head *h = &t->heads[index_of(t, at)];

	return at >> ABI_TURN_BITS < t->cpus && h->print == print && abi_note_is_at(h->turn, at)
		       ? h
		       : NULL;
}

static bool read_rest(const struct note_table *t, uint32_t cpu, uint64_t turn, struct note *out)
{
	const struct note_rest *rest = &t->rests[abi_rest_index(cpu, turn, t->ring_bits)];

	if (!turn || __atomic_load_n(&rest->turn, __ATOMIC_ACQUIRE) != turn)
		return false;
	memcpy((char *)out + ABI_NOTE_HEAD, rest->byte, ABI_NOTE_REST);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&rest->turn, __ATOMIC_RELAXED) == turn;
}

/* A copy that no writer touched meanwhile. */
static bool read_note(const struct note_table *t, uint32_t cpu, const struct note_head *h,
		      uint64_t print, struct note *out)
{
	uint64_t turn = __atomic_load_n(&h->turn, __ATOMIC_ACQUIRE), rest;

	if (!turn)
		return false;
	memcpy(out, h->byte, ABI_NOTE_HEAD);
	rest = h->rest;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&h->turn, __ATOMIC_RELAXED) != turn || out->turn != turn ||
	    out->print != print)
		return false;
	if (abi_note_has_rest(out->state, out->n_holders))
		return read_rest(t, cpu, rest, out);
	memset((char *)out + ABI_NOTE_HEAD, 0, ABI_NOTE_REST);
	return true;
}

/* The writer cannot know that the note before it had been taken: it says of each of another socket
 * that it took the place of one. See struct note_taken. */
static uint64_t astray_since(const struct note_table *t, const struct note *n, uint32_t instead)
{
	const struct note_taken *before = &t->taken[index_of(t, instead)];

	if (!(n->flags & NOTE_OVERRUN))
		return 0;
	if (!abi_note_is_at(before->turn, instead) || n->before != before->packets)
		return n->when_ns;
	return before->astray_ns;
}

/* Whether what happened then still matters: a packet of that time may be in the queue yet. */
static bool is_recent(uint64_t when_ns, uint64_t empty_ns)
{
	return when_ns && when_ns + ON_ITS_WAY_NS >= empty_ns;
}

/* Whether each of its packets has taken the note that is there. */
static bool is_spent(const struct note_head *h, const struct note_taken *taken)
{
	uint64_t packets;

	if (h->turn != taken->turn)
		return false;
	packets = __atomic_load_n(&h->packets, __ATOMIC_RELAXED);
	return abi_note_count(packets, taken->turn) <= taken->packets;
}

/* The notes after it are the next ones to look for: before those of other processors. */
static void expect_next(struct note_table *t, uint32_t cpu, uint64_t turn)
{
	size_t i = 0;

	while (i < NOTE_NEXTS - 1 && t->next[i].turn && t->next[i].cpu != cpu)
		i++;
	memmove(&t->next[1], &t->next[0], i * sizeof(t->next[0]));
	t->next[0] = (struct note_next){cpu, turn + 1};
}

static void take(struct note_table *t, const struct note_head *h, const struct note *n,
		 uint64_t astray_ns)
{
	struct note_taken *taken = &t->taken[h - t->heads];

	if (n->turn == taken->turn)
		taken->packets++;
	else
		*taken = (struct note_taken){.turn = n->turn, .packets = 1, .astray_ns = astray_ns};
	t->newest_ns = n->when_ns;
	expect_next(t, (h - t->heads) >> t->ring_bits, n->turn);
}

/*
 * As a rule it is the next that a processor has written. Not if it is one of several that are
 * alike, or so much older that one that is younger may be meant.
 */
static bool take_next(struct note_table *t, uint64_t print, uint64_t empty_ns, struct note *out)
{
	uint64_t since = empty_ns > t->newest_ns ? empty_ns : t->newest_ns;

	for (size_t i = 0; i < NOTE_NEXTS && t->next[i].turn; i++) {
		struct note_next next = t->next[i];
		uint32_t at = abi_note_at(next.cpu, next.turn);
		const struct note_head *h = &t->heads[index_of(t, at)];

		if (h->print != print || h->turn < next.turn ||
		    is_spent(h, &t->taken[h - t->heads]) ||
		    !read_note(t, next.cpu, h, print, out) ||
		    (out->flags & (NOTE_ALIKE | NOTE_OVERRUN)) ||
		    out->when_ns + ON_ITS_WAY_NS < since)
			continue;
		take(t, h, out, 0);
		return true;
	}
	return false;
}

/* Adds the holders of one more that it may be. */
static void add_holders(struct note *all, const struct note *n)
{
	uint32_t count = all->n_holders < ABI_HOLDERS ? all->n_holders : ABI_HOLDERS;

	for (uint32_t i = 0; i < n->n_holders && i < ABI_HOLDERS; i++) {
		uint32_t k = 0;

		while (k < count && all->holder[k].tgid != n->holder[i].tgid)
			k++;
		if (k == count && count < ABI_HOLDERS)
			all->holder[count++] = n->holder[i];
	}
	all->n_holders = count;
}

/* Where the notes of a print are found. */
static const struct note_set *set_of(const struct note_table *t, uint64_t print)
{
	return &t->sets[abi_note_set(print, t->secret, t->set_bits)];
}

/* One that lies there, and whose packet did not come before the queue was empty. NULL: no such. */
static const struct note_head *live_at(const struct note_table *t, const struct note_set *set,
				       size_t way, uint64_t print, uint64_t empty_ns)
{
	const struct note_head *h =
		set->tag[way] == abi_note_tag(print) ? head_at(t, set->at[way], print) : NULL;

	return h && is_recent(h->when_ns, empty_ns) ? h : NULL;
}

/* What a set has of one print. */
struct alike {
	const struct note_head *meant; /* the one to take; NULL: all have been taken */
	uint64_t meant_astray_ns;
	unsigned int left; /* of how many a packet is to come */
	bool any;	   /* there is one, though its packets may all have come */
	bool astray;	   /* one is lost: which is whose cannot be told */
	bool mixed;	   /* nor can it because they are of several sockets */
};

/* Whether one that is left is of another socket, and another processor wrote it: what one processor
 * writes and queues is in order. */
static bool is_mixed(const struct note_table *t, uint64_t print, uint64_t empty_ns,
		     const struct note_head *meant)
{
	const struct note_set *set = set_of(t, print);

	for (size_t i = 0; i < ABI_NOTE_WAYS; i++) {
		const struct note_head *h = live_at(t, set, i, print, empty_ns);

		if (h && (h->cookie != meant->cookie || h->state != meant->state) &&
		    (h - t->heads) >> t->ring_bits != (meant - t->heads) >> t->ring_bits &&
		    !is_spent(h, &t->taken[h - t->heads]))
			return true;
	}
	return false;
}

/* late: the youngest is meant, and not the oldest. *out is a copy of it: a note is copied once,
 * unless several are left. */
static struct alike look_at_set(const struct note_table *t, uint64_t print, uint64_t empty_ns,
				bool late, struct note *out)
{
	const struct note_set *set = set_of(t, print);
	struct alike a = {0};

	for (size_t i = 0; i < ABI_NOTE_WAYS; i++) {
		const struct note_head *h = live_at(t, set, i, print, empty_ns);
		const struct note_taken *taken;
		struct note another, *n = a.meant ? &another : out;
		uint64_t astray_ns;

		if (!h)
			continue;
		a.any = true;
		taken = &t->taken[h - t->heads];
		a.mixed |= h->turn == taken->turn && taken->mixed;
		if (is_spent(h, taken)) {
			a.astray |= is_recent(taken->astray_ns, empty_ns);
			continue;
		}
		if (!read_note(t, set->at[i] >> ABI_TURN_BITS, h, print, n))
			continue;
		astray_ns =
			n->turn == taken->turn ? taken->astray_ns : astray_since(t, n, h->instead);
		a.astray |= is_recent(astray_ns, empty_ns);
		a.left++;
		if (a.meant && (n->when_ns > out->when_ns) != late)
			continue;
		if (a.meant)
			*out = another;
		a.meant = h;
		a.meant_astray_ns = astray_ns;
	}
	a.mixed |= a.left > 1 && is_mixed(t, print, empty_ns, a.meant);
	return a;
}

/* The holders of all that lie there: also of those whose packets have all come, for some of these
 * may have been others'. */
static void add_all_holders(const struct note_table *t, uint64_t print, uint64_t empty_ns,
			    struct note *all)
{
	const struct note_set *set = set_of(t, print);
	struct note n;

	for (size_t i = 0; i < ABI_NOTE_WAYS; i++) {
		const struct note_head *h = live_at(t, set, i, print, empty_ns);

		if (h && read_note(t, set->at[i] >> ABI_TURN_BITS, h, print, &n))
			add_holders(all, &n);
	}
}

/* All packets of those that were mixed have come: the next notes are in order. */
static void order_again(struct note_table *t, uint64_t print)
{
	const struct note_set *set = set_of(t, print);

	for (size_t i = 0; i < ABI_NOTE_WAYS; i++) {
		const struct note_head *h = live_at(t, set, i, print, 0);

		if (h)
			t->taken[h - t->heads].mixed = false;
	}
}

/* mixed: those of different sockets have been there since the queue was empty. */
static bool take_of_set(struct note_table *t, uint64_t print, uint64_t empty_ns, bool late,
			bool mixed, struct note *out)
{
	struct alike a = look_at_set(t, print, empty_ns, late, out);

	if (a.meant)
		take(t, a.meant, out, a.meant_astray_ns);
	else if (a.astray || (mixed && a.any))
		*out = (struct note){.state = NOTE_UNPROVEN};
	else
		return false;
	out->flags &= ~(NOTE_OVERRUN | NOTE_ALIKE);
	if (a.meant && !a.astray && !a.mixed)
		return true;
	out->flags |= NOTE_OVERRUN;
	add_all_holders(t, print, empty_ns, out);
	if (a.meant && a.mixed) {
		struct note_taken *taken = &t->taken[a.meant - t->heads];

		taken->mixed = true;
		if (a.left == 1 && is_spent(a.meant, taken))
			order_again(t, print);
	}
	return true;
}

/* Whether the next note may be another packet's that is alike and was noted at the same time. */
static bool may_be_mixed(const struct note_table *t, uint64_t empty_ns)
{
	return is_recent(__atomic_load_n(&t->mixed->when_ns, __ATOMIC_ACQUIRE), empty_ns);
}

bool note_table_take(struct note_table *t, uint64_t print, uint64_t empty_ns, struct note *out)
{
	bool mixed = may_be_mixed(t, empty_ns);

	return (!mixed && take_next(t, print, empty_ns, out)) ||
	       take_of_set(t, print, empty_ns, false, mixed, out);
}

bool note_table_take_late(struct note_table *t, uint64_t print, struct note *out)
{
	return take_of_set(t, print, 0, true, false, out);
}
