// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <string.h>

/* Of the kernel's programs only one writes there at a time, and it moves `turn` before and after.
 */
static bool read_whole(const struct snapshot *s, struct snapshot *out)
{
	uint64_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);

	if (turn & 1)
		return false;
	memcpy(out, s, sizeof(*out));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&s->turn, __ATOMIC_RELAXED) == turn;
}

bool probe_snapshot(const struct probe *p, const struct note_holder *of, struct snapshot *out)
{
	const struct snapshot *s = &p->snapshots[abi_snapshot_place(of->map_stamp, of->exec_pages)];

	return of->map_stamp && read_whole(s, out) && out->map_stamp == of->map_stamp &&
	       out->exec_pages == of->exec_pages && out->tgid == of->tgid &&
	       out->start_ns == of->start_ns && out->n && out->n <= ABI_SNAPSHOT_MAPPINGS;
}
