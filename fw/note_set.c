// SPDX-License-Identifier: GPL-2.0-or-later
#include "note_set.h"

#include <stddef.h>
#include <string.h>

/* From its note a packet goes to the queue in microseconds; longer if its sender loses the
 * processor. */
#define ON_ITS_WAY_NS 100000000

#define COUNTS (sizeof(struct note) - offsetof(struct note, spread_ns)) /* see ABI_ANSWER */

/* A copy that no writer touched meanwhile. */
static bool read_note(const struct note_set *set, size_t way, uint64_t print, struct note *out)
{
	const struct note *slot = &set->way[way];
	uint64_t seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);

	if (seq & 1)
		return false;
	memcpy(out, slot, offsetof(struct note, holder));
	if (out->print != print || out->n_holders > ABI_HOLDERS)
		return false;
	memcpy(out->holder, slot->holder, out->n_holders * sizeof(out->holder[0]));
	if (out->state != NOTE_PROVEN && out->state != NOTE_KERNEL)
		memcpy(&out->spread_ns, &slot->spread_ns, COUNTS);
	else
		memset(&out->spread_ns, 0, COUNTS);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&slot->seq, __ATOMIC_RELAXED) == seq;
}

/* The writer cannot know that the note before it had been taken: it says of each of another socket
 * that it took the place of one. */
static bool is_astray(const struct note *n, const struct note_taken *before)
{
	return (n->flags & NOTE_OVERRUN) &&
	       (before->astray || n->seq != before->seq + 2 || n->before != before->packets);
}

/* Whether each of its packets has taken the note that is there. */
static bool is_spent(const struct note_set *set, size_t way, const struct note_taken *taken)
{
	uint64_t packets;

	if (set->way[way].seq != taken->seq)
		return false;
	packets = __atomic_load_n(&set->way[way].packets, __ATOMIC_RELAXED);
	return abi_note_count(packets, taken->seq) <= taken->packets;
}

static void take(struct note_taken *taken, const struct note *n)
{
	if (n->seq == taken->seq)
		taken->packets++;
	else
		*taken = (struct note_taken){n->seq, 1, is_astray(n, taken)};
}

/* A note is copied once, unless several are alike. */
bool note_set_take(const struct note_set *set, struct note_taken *taken, uint64_t print,
		   uint64_t empty_ns, struct note *out)
{
	const uint16_t tag = abi_note_tag(print);
	bool astray = false;
	int oldest = -1;

	for (int i = 0; i < ABI_NOTE_WAYS; i++) {
		struct note another, *n = oldest < 0 ? out : &another;

		if (set->tag[i] != tag || set->way[i].print != print)
			continue;
		if (is_spent(set, i, &taken[i])) {
			astray |= taken[i].astray;
			continue;
		}
		if (!read_note(set, i, print, n))
			continue;
		astray |= n->seq == taken[i].seq ? taken[i].astray : is_astray(n, &taken[i]);
		if (n->when_ns + ON_ITS_WAY_NS < empty_ns)
			continue;
		if (n != out && n->when_ns > out->when_ns)
			continue;
		if (n != out)
			*out = *n;
		oldest = i;
	}
	if (oldest >= 0)
		take(&taken[oldest], out);
	else if (astray)
		*out = (struct note){.state = NOTE_UNPROVEN};
	else
		return false;
	out->flags &= ~NOTE_OVERRUN;
	out->flags |= astray ? NOTE_OVERRUN : 0;
	return true;
}
