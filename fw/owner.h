/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a packet to the processes that hold its socket. */
#ifndef FW_OWNER_H
#define FW_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/chain.h"
#include "attribution.h"
#include "portless.h"
#include "probe.h"
#include "queue.h"
#include "scanner.h"
#include "stats.h"

struct owner;

/* 0 or -errno; probe, scanner and portless outlive it. portless: NULL, or what knows raw and ping
 * sockets. */
int owner_new(struct probe *probe, struct scanner *scanner, struct portless *portless,
	      struct stats *stats, struct owner **out);
void owner_free(struct owner *o); /* NULL is fine */

/*
 * What cannot be shown is ORIGIN_UNKNOWN. To be cleared in any case. Returns 0; or -EAGAIN: only a
 * scan of all processes can tell, and it has been asked for: owner_retry() when the scanner is
 * done. `final`: it is now or never.
 */
int owner_attribute(struct owner *o, const struct queue_packet *p, struct attribution *out);
int owner_retry(struct owner *o, bool final, struct attribution *who);

/* A hint from the probes: a process may live in a network namespace that is new to us. */
void owner_hint(struct owner *o, const struct hint *hint);

/*
 * For the socket that process `pid` has with the peer in `p` (the destination on OUTPUT, the source
 * on INPUT; ports that are 0 are any); if it has none, for the process alone, and out->cookie is 0.
 * 0; -ESRCH when there is no such process. To be cleared in any case.
 */
int owner_of_process(struct owner *o, uint32_t pid, enum chain chain, const struct packet *p,
		     struct attribution *out);

#endif
