/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iptables-save(8) says of the way of a chain's packets into NFQUEUE. Pure. */
#ifndef CTL_DIVERSION_H
#define CTL_DIVERSION_H

#include <stdbool.h>

#define DIVERSION_TEXT 192

struct diversion {
	bool found;		       /* a rule hands packets of the chain to a queue */
	unsigned int first, last;      /* which: the numbers of --queue-num or --queue-balance */
	bool bypass;		       /* while nobody listens they pass (--queue-bypass) */
	char rule[DIVERSION_TEXT];     /* the rule as it is listed, cut to fit */
	char accepted[DIVERSION_TEXT]; /* the first rule before it that accepts packets; "": none */
};

/*
 * The first rule of the table that a packet of this chain of it may meet and that queues it; chains
 * that it jumps to are looked through as well. A rule that accepts what is on loopback only, or
 * what our own verdict cache knows, does not count as one that lets packets go round us.
 */
void diversion_find(const char *saved, const char *table, const char *chain, struct diversion *out);

#endif
