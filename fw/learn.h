/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was seen while learning: a bounded table of (programs, chain, peer, protocol, port of the
 * service). Pure: no I/O, no clock.
 *
 * One thread adds, others may read at the same time: tables only grow, what is in them does not
 * change but for its count of packets, and how much is in them is written last.
 *
 * A flow has a service end and a client end. Only the port of the service end is kept. TCP tells
 * which it is by its SYN, a flow stays what it was when it began, and what is seen later of a
 * service that is in the table belongs to that. Else: a port below 1024 is the service's; then one
 * that is not of the range for clients; of two alike the lower one (TCP), or the destination of
 * the flow's first packet (others). If both ports are of the range for clients, neither is kept.
 */
#ifndef FW_LEARN_H
#define FW_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chain.h"
#include "holder.h"
#include "packet.h"

#define LEARN_ENTRIES_MAX 65536
#define LEARN_PARTIES_MAX 1024
#define LEARN_PARTY_MAX	  8 /* programs that share one socket */

/* Programs that hold a socket together; nearly always it is one. */
struct learn_party {
	bool whole; /* they are all, and all that they have mapped is known: a rule can name them */
	uint8_t n;
	struct sha256 program[LEARN_PARTY_MAX]; /* in the order in which they were met */
	char *path[LEARN_PARTY_MAX];		/* for display; may be NULL */
};

#define LEARN_UNKNOWN UINT16_MAX /* as a party: the packets' origin is unknown */

/* Where the service is, as its port tells. */
enum learn_way {
	LEARN_TO,   /* the destination: `port` is the packet's dport */
	LEARN_FROM, /* the source: `port` is the packet's sport */
	LEARN_BARE, /* no port is kept, or the protocol has none */
};

struct learn_entry {
	uint8_t addr[16]; /* network order; INPUT: the source, OUTPUT: the destination; FORWARD: the
			     service's, LEARN_BARE: the destination */
	uint16_t party;	  /* index, or LEARN_UNKNOWN */
	uint16_t port;	  /* host order */
	uint8_t chain, family, proto, way;
	uint64_t packets; /* to be read by learn_packets() */
};

/* Packets by what became of them; all but the first are not in the table. */
enum learn_count {
	LEARN_SEEN,   /* learned, those of unknown origin too */
	LEARN_RULED,  /* a rule has decided them: it stands, and nothing is to be added */
	LEARN_DENIED, /* the policy has dropped them */
	LEARN_KERNEL, /* no process sent or gets them: they have a verdict of their own */
	LEARN_OPAQUE, /* protocol or ports could not be read: a rule with ports fails them */
	LEARN_LEFT,   /* there was no room */
	LEARN_COUNT,
};

struct learn;

/* Ports client_first..client_last are those that this machine gives to clients; those from 49152
 * on are as well (RFC 6335). NULL: no memory (4 MB). */
struct learn *learn_new(uint16_t client_first, uint16_t client_last);
void learn_free(struct learn *l); /* NULL is fine */

/*
 * A packet that was judged: by a rule or else by the policy; `passed`: it goes on its way. The
 * objects of its holders must have been resolved. Bounded; allocates for a new party alone.
 * NULL: nothing is learned.
 */
void learn_packet(struct learn *l, enum chain chain, const struct packet *p,
		  const struct holders *who, bool by_rule, bool passed);

/* For readers. Entries first: then the parties that they name are there. */
size_t learn_entries(const struct learn *l, const struct learn_entry **out);
size_t learn_parties(const struct learn *l, const struct learn_party **out);
uint64_t learn_packets(const struct learn_entry *e);
uint64_t learn_counted(const struct learn *l, enum chain chain, enum learn_count which);

#endif
