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
 * that it took the place of one. */
static bool is_astray(const struct note_table *t, const struct note *n, uint32_t instead)
{
	const struct note_taken *before = &t->taken[index_of(t, instead)];

	return (n->flags & NOTE_OVERRUN) &&
	       (before->astray || !abi_note_is_at(before->turn, instead) ||
		n->before != before->packets);
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

static void take(struct note_table *t, const struct note_head *h, const struct note *n, bool astray)
{
	struct note_taken *taken = &t->taken[h - t->heads];

	if (n->turn == taken->turn)
		taken->packets++;
	else
		*taken = (struct note_taken){n->turn, 1, astray};
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
		take(t, h, out, false);
		return true;
	}
	return false;
}

/* A note is copied once, unless several are alike. late: the youngest is meant, and not the oldest.
 */
static bool take_of_set(struct note_table *t, uint64_t print, uint64_t empty_ns, bool late,
			struct note *out)
{
	const struct note_set *set = &t->sets[abi_note_set(print, t->secret, t->set_bits)];

	const struct note_head *oldest = NULL;
	const uint16_t tag = abi_note_tag(print);
	bool astray = false, oldest_astray = false;

	for (size_t i = 0; i < ABI_NOTE_WAYS; i++) {
		struct note another, *n = oldest ? &another : out;
		const struct note_head *h;
		const struct note_taken *taken;
		uint32_t at = set->at[i];
		bool its;

		if (set->tag[i] != tag || !(h = head_at(t, at, print)))
			continue;
		taken = &t->taken[h - t->heads];
		if (is_spent(h, taken)) {
			astray |= taken->astray;
			continue;
		}
		if (!read_note(t, at >> ABI_TURN_BITS, h, print, n))
			continue;
		its = n->turn == taken->turn ? taken->astray : is_astray(t, n, h->instead);
		astray |= its;
		if (n->when_ns + ON_ITS_WAY_NS < empty_ns)
			continue;
		if (n != out && (n->when_ns > out->when_ns) != late)
			continue;
		if (n != out)
			*out = *n;
		oldest = h;
		oldest_astray = its;
	}
	if (oldest)
		take(t, oldest, out, oldest_astray);
	else if (astray)
		*out = (struct note){.state = NOTE_UNPROVEN};
	else
		return false;
	out->flags &= ~(NOTE_OVERRUN | NOTE_ALIKE);
	out->flags |= astray ? NOTE_OVERRUN : 0;
	return true;
}

bool note_table_take(struct note_table *t, uint64_t print, uint64_t empty_ns, struct note *out)
{
	return take_next(t, print, empty_ns, out) || take_of_set(t, print, empty_ns, false, out);
}

bool note_table_take_late(struct note_table *t, uint64_t print, struct note *out)
{
	return take_of_set(t, print, 0, true, out);
}
