/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has been lost lately: records that did not fit, notes, messages, packets. A loss of records
 * asks for a scan of all processes; a loss of any kind is shown as degraded for HEALTH_SHOWN_NS.
 */
#ifndef FW_HEALTH_H
#define FW_HEALTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/probe_abi.h"
#include "stats.h"

#define HEALTH_SHOWN_NS 60000000000ull

struct health;

/* Who counts, and which of his counters. */
enum health_counter {
	HEALTH_PROBES, /* enum probe_counter */
	HEALTH_DAEMON, /* enum counter */
	HEALTH_KERNEL, /* runs of probes that it left out; of these there is one */
};

typedef uint64_t health_count(void *cookie, enum health_counter whose, int which);

/* What to do about it. */
enum health_need {
	HEALTH_RESCAN = 1,   /* read all processes anew */
	HEALTH_DISTRUST = 2, /* changes of mappings may have gone unseen */
};

/* NULL with errno. `cookie` is count's. */
struct health *health_new(health_count *count, void *cookie);
void health_free(struct health *h); /* NULL is fine */

/* Compares with the last time; to be called every few seconds, now_ns: CLOCK_MONOTONIC. Returns
 * what is needed (enum health_need, ored). */
unsigned int health_check(struct health *h, uint64_t now_ns);

/* The kinds of losses, 0..HEALTH_LOSSES - 1: what was lost, in words; and whether some was lately.
 */
#define HEALTH_LOSSES 9
const char *health_text(size_t loss);
bool health_lost(const struct health *h, size_t loss, uint64_t now_ns);

/* A list of texts, empty when nothing was lost lately. A new reference. */
json_t *health_report(const struct health *h, uint64_t now_ns);

#endif
