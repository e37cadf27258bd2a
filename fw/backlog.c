// SPDX-License-Identifier: GPL-2.0-or-later
#include "backlog.h"

#include "packet_id.h"

/* A queue that is never empty is judged up to a mark, and then up to the next. An id whose packet
 * did not reach us stays open until a later one has come, or until the queue is empty. */
void backlog_look(struct backlog *b, const struct backlog_look *look)
{
	if (!look->waiting) {
		b->judged_ns = look->now_ns;
		b->marked = false;
		return;
	}
	if (b->marked && id_before(b->mark_id, look->open_id)) {
		b->judged_ns = b->mark_ns;
		b->marked = false;
	}
	if (!b->marked) {
		b->mark_id = look->last_id;
		b->mark_ns = look->now_ns;
		b->marked = true;
	}
}
