/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has been lost lately: records that did not fit, notes, messages, packets. A loss of records
 * asks for a scan of all processes; a loss of any kind is shown as degraded for HEALTH_SHOWN_NS.
 */
#ifndef FW_HEALTH_H
#define FW_HEALTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "probe.h"
#include "scanner.h"
#include "stats.h"

#define HEALTH_SHOWN_NS 60000000000ull

struct health;

/* All arguments outlive it. NULL with errno. */
struct health *health_new(const struct probe *probe, struct scanner *scanner,
			  const struct stats *stats);
void health_free(struct health *h); /* NULL is fine */

/* Compares with the last time; to be called every few seconds. True: changes of mappings may have
 * gone unseen since. */
bool health_check(struct health *h);

/* A list of texts, empty when all is well. A new reference. */
json_t *health_report(const struct health *h);

#endif
