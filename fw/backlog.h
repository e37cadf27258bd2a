/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Up to when the packets of one queue have been judged, by looks at it now and then. What their
 * judgement needs must be kept for as long as they wait, and that may be for as long as the daemon
 * is stopped. Pure.
 */
#ifndef FW_BACKLOG_H
#define FW_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

/* Of one queue, all zeros at first. Times in ns of whatever clock the looks are on. */
struct backlog {
	uint64_t judged_ns; /* every packet that was queued before has been judged */
	/* private: the packet that was the last when that was last asked */
	bool marked;
	uint32_t mark_id;
	uint64_t mark_ns;
};

/* What is to be seen of a queue; its ids: packet_id.h. */
struct backlog_look {
	uint64_t now_ns;  /* before anything was read */
	uint32_t last_id; /* that the kernel has given to a packet */
	uint32_t waiting; /* packets that have no verdict yet */
	uint32_t open_id; /* all before this one have been judged */
};

void backlog_look(struct backlog *b, const struct backlog_look *look);

#endif
