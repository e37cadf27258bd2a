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
	struct note_holder holder[ABI_HOLDERS];
};

/* 0 or -errno; the probe outlives it. */
int owner_new(struct probe *probe, struct stats *stats, struct owner **out);
void owner_free(struct owner *o); /* NULL is fine */

/* Always answers: what cannot be shown is ORIGIN_UNKNOWN. */
void owner_attribute(struct owner *o, const struct queue_packet *p, struct attribution *out);

/* The same for a socket that is known by its cookie. */
void owner_of_cookie(struct owner *o, uint64_t cookie, uint32_t hint_tgid, struct attribution *out);

#endif
