/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a socket to the processes that hold it: asks the probes for a proof, and where that falls
 * short has the likely processes, then all of them, looked at.
 */
#ifndef FW_SOCKOWNER_H
#define FW_SOCKOWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "attribution.h"
#include "probe.h"
#include "scanner.h"

struct sockowner {
	struct probe *probe;
	struct scanner *scanner;
	uint64_t rest_until_ns; /* no scan of one process before */
};

/* What is asked about a packet's socket. */
struct question {
	uint32_t hint_tgid; /* a process that may hold it; 0: none known */
	bool was_open;	    /* a process held it when the packet was sent */
	bool now;	    /* who holds it now is what counts: the packet comes in */
	bool final;	    /* do not wait */
	uint64_t since_ns;  /* a scan that began later answers for good */
	bool noted;	    /* there is a note, and who held it last changed at: */
	uint64_t sent_ns;   /* CLOCK_BOOTTIME */
	uint64_t changed_ns;
	bool nobody;	      /* no process was seen to hold it then */
	uint32_t unexplained; /* references then, beyond those of who was seen */
};

enum reply {
	ANSWERED,
	ASK_LISTENER, /* no process has accepted the connection yet */
	ASK_LATER,    /* a scan has been asked for, or it will soon be settled */
};

/* Who holds the socket that has that cookie, or the path that has it. Unless ANSWERED, out says
 * unknown; its cookie is set in any case, to that of what is open. */
enum reply sockowner_resolve(struct sockowner *o, uint64_t cookie, const struct question *q,
			     struct attribution *out);

/* More holders than a note names: its proof says that all are on the roster. */
void sockowner_set_many(struct sockowner *o, const struct answer *answer, struct attribution *out);

#endif
