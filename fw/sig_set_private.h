/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sig_set.c makes and sig_flow.c scans with. */
#ifndef FW_SIG_SET_PRIVATE_H
#define FW_SIG_SET_PRIVATE_H

#include <hs/hs.h>

#include "sig_literals.h"
#include "sig_set.h"

/* What is looked into, each with a database. */
enum sig_place {
	SIG_IN_STREAM,	 /* a way of a TCP connection */
	SIG_IN_DATAGRAM, /* what another protocol's packet carries */
	SIG_IN_METHOD,
	SIG_IN_URI,
	SIG_IN_RAW_URI,
	SIG_IN_HEADER,
	SIG_IN_BODY,
	SIG_PLACES,
};

/* An expression; its index is the id that vectorscan reports. */
struct sig_part {
	uint32_t rule;
	uint32_t bit; /* among those that are kept; of a rule with one part: none */
	bool negated;
};

/* A rule as it is judged. */
struct sig_entry {
	struct sig_rule *rule;
	uint32_t first, n_parts; /* of set->parts, for the datagram's: see `again` */
	uint32_t first_bit;	 /* of n_parts bits, and one that says that it has fired */
	bool single;		 /* one part, nothing to wait for: no bits */
	bool placed;		 /* counts from the start of its buffer */
	bool http;		 /* some part is of a request */
	/* Bits of enum sig_buffer that must be complete: of negated parts; the method, of a rule
	 * for http. */
	uint8_t waits_for;
};

struct sig_group {
	const struct sig_header *header;
	bool to_server, to_client;
};

struct sig_set {
	unsigned int refs;
	uint64_t depth;
	bool stops, http, apps;
	size_t n, n_parts, n_groups;
	uint32_t n_bits;
	struct sig_entry *entries;
	struct sig_part *parts;
	enum sig_buffer *buffers; /* of each part */
	struct sig_group *groups;
	size_t n_waiting;
	uint32_t *waiting; /* entries with waits_for */
	hs_database_t *db[SIG_PLACES];
	size_t state[SIG_PLACES], memory;
	struct sig_literals *literals; /* of streams, beside their database; or NULL */
	size_t n_literals;
	uint64_t tcp_ports[1024], udp_ports[1024]; /* bits: ports that some rule may look at */
	bool other;				   /* some rule may look at other protocols */

	/* Of who scans: one thread. */
	hs_scratch_t *scratch;
	uint32_t *touched;
	size_t n_touched;
	uint8_t *is_touched;
	uint64_t *bits; /* of one datagram */
};

static inline bool sig_place_streams(enum sig_place p)
{
	return p == SIG_IN_STREAM || p == SIG_IN_HEADER || p == SIG_IN_BODY;
}

#endif
