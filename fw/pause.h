/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a data thread lets others run before it waits. Whoever sends or receives on its processor
 * then does so at once, and not between two packets of ours: the next burst is larger, and nobody
 * has to wake us for it. That is worth nothing where bursts are large or far apart (then whoever
 * runs has nothing to send, and a packet that comes meanwhile waits for him), and must not be done
 * where somebody takes the processor for long (sched_yield(2) returns when he has had his slice):
 * then packets would wait for him. So who has waited too long does not do it again for a while, of
 * which each is twice as long as the one before.
 */
#ifndef FW_PAUSE_H
#define FW_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#define PAUSE_BURST	  16	  /* packets: of so many there is enough to do as it is */
#define PAUSE_APART_NS	  300000  /* since the last one was judged */
#define PAUSE_CALM_BURSTS 4	  /* in a row, that are far apart, make it calm; and so many that */
#define PAUSE_BUSY_BURSTS 64	  /* are not, busy */
#define PAUSE_LONG_NS	  1000000 /* a thread that waits for its like has waited less */
#define PAUSE_SKIP_MIN	  16	  /* turns without a pause after one that was too long, and */
#define PAUSE_SKIP_MAX	  65536	  /* after many */

/* All 0: none has been made. */
struct pause {
	uint32_t skip;	    /* turns to come without */
	uint32_t last;	    /* so many there were last time */
	uint64_t ended_ns;  /* when the last packets had been judged */
	uint32_t far, near; /* bursts in a row */
	bool calm;
};

/* Whether one is to be made after a turn of so many packets, from when they were received until
 * now that all are judged, by one clock. */
bool pause_is_due(struct pause *p, uint32_t packets, uint64_t began_ns, uint64_t ended_ns);

/* Whether packets come one by one, as far as pause_is_due() was told: each is worth being run for
 * at once then. Not at first. */
bool pause_is_calm(const struct pause *p);

/* It has been made, and took so long. */
void pause_took(struct pause *p, uint64_t ns);

#endif
