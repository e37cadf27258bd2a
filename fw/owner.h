/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a packet to the processes that hold its socket. */
#ifndef FW_OWNER_H
#define FW_OWNER_H

#include <stdint.h>

#include "common/chain.h"
#include "common/probe_abi.h"
#include "holder.h"
#include "probe.h"
#include "queue.h"
#include "stats.h"

struct owner;

/* Who, before their mappings are looked at. */
struct attribution {
	enum origin origin;
	uint64_t cookie, netns; /* as in struct holders */
	size_t n;
	struct note_holder holder[ABI_SIGHTINGS];
};

/* 0 or -errno; the probe outlives it. */
int owner_new(struct probe *probe, struct stats *stats, struct owner **out);
void owner_free(struct owner *o); /* NULL is fine */

/* Always answers: what cannot be shown is ORIGIN_UNKNOWN. */
void owner_attribute(struct owner *o, const struct queue_packet *p, struct attribution *out);

/* A hint from the probes: a process may live in a network namespace that is new to us. */
void owner_hint(struct owner *o, const struct hint *hint);

/*
 * For the socket that process `pid` has with the peer in `p` (the destination on OUTPUT, the source
 * on INPUT; ports that are 0 are any); if it has none, for the process alone, and out->cookie is 0.
 * 0; -ESRCH when there is no such process.
 */
int owner_of_process(struct owner *o, uint32_t pid, enum chain chain, const struct packet *p,
		     struct attribution *out);

#endif
