/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that the daemon can tell of itself in numbers, as of one moment: plain memory. */
#ifndef FW_FIGURES_H
#define FW_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mode.h"
#include "common/probe_abi.h"
#include "health.h"
#include "ruleset.h"
#include "sig_rule.h"
#include "stats.h"
#include "trial.h"

#define FIGURES_QUEUES_MAX (CHAIN_COUNT * 64)
#define FIGURES_SIGS_MAX   1000

struct figures {
	const char *version;
	int pid;
	uint64_t uptime_ns;
	uint64_t hz; /* of the ticks in stats */
	const char *clock;
	const char *object, *notes; /* the probes: where they are from, how packets are noted */
	bool notes_missing;	    /* senders are looked up after the fact */
	bool lost[HEALTH_LOSSES];   /* lately */

	enum mode mode;
	enum trial_of trial;
	uint64_t trial_left_ns;
	struct ruleset *rules; /* with a reference; the counts in it go on */

	/* Those that were loaded; of those that were met, the first by sid, each with a reference.
	 */
	size_t n_signatures, n_met;
	struct sig_rule *met[FIGURES_SIGS_MAX];

	struct stats stats;
	uint64_t probe[PCOUNT_COUNT], probes_missed;
	size_t processes, sockets, objects, held;

	size_t n_queues;
	struct figures_queue {
		enum chain chain;
		uint16_t number;
	} queues[FIGURES_QUEUES_MAX];
};

/*
 * Takes them from a running `struct daemon` and writes them as metrics_text() does. By any thread
 * but the data thread and the control thread: it waits for both, and neither for it. A text for the
 * caller to free; NULL when there is no memory for it.
 */
char *figures_tell(void *daemon, size_t *length);

#endif
