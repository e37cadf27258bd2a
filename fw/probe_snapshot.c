// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <stddef.h>
#include <string.h>

/* As far as it is filled. Of the kernel's programs only one writes there at a time, and it moves
 * `turn` before and after. */
static bool read_whole(const struct snapshot *s, struct snapshot *out)
{
	uint64_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
	uint32_t n = __atomic_load_n(&s->n, __ATOMIC_RELAXED);

	if (turn & 1 || n > ABI_SNAPSHOT_MAPPINGS)
		return false;
	memcpy(out, s, offsetof(struct snapshot, mapping[n]));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&s->turn, __ATOMIC_RELAXED) == turn;
}

static bool is_of(const struct snapshot *s, const struct note_holder *of)
{
	return s->map_stamp == of->map_stamp && s->exec_pages == of->exec_pages &&
	       s->tgid == of->tgid && s->start_ns == of->start_ns;
}

/* The last ones first: a packet is judged soon after it was sent. */
bool probe_snapshot(const struct probe *p, const struct note_holder *of, struct snapshot *out)
{
	uint64_t begun = __atomic_load_n(&p->snapshots->begun, __ATOMIC_ACQUIRE);
	const struct snapshot *s;

	if (!of->map_stamp)
		return false;
	for (uint64_t back = 1; back <= ABI_SNAPSHOTS; back++) {
		s = &p->snapshots->ring[(begun - back) % ABI_SNAPSHOTS];
		if (is_of(s, of))
			return read_whole(s, out) && is_of(out, of) && out->n;
	}
	return false;
}
