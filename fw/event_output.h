/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where events are written to: a file, standard output, or the journal. A thread follows the
 * event_log; while it cannot write, or nobody reads, the log goes on, and how many events were left
 * out meanwhile is told when it can again.
 */
#ifndef FW_EVENT_OUTPUT_H
#define FW_EVENT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "event_log.h"

#define EVENT_OUTPUT_STDOUT  "stdout"
#define EVENT_OUTPUT_JOURNAL "journal"

struct event_output;

/* where: one of these words, or a file with its limit and how many are kept (event_file.h). 0, or
 * -errno: it cannot be written to. */
int event_output_open(struct event_log *log, const char *where, uint64_t limit, unsigned int keep,
		      struct event_output **out);

/* Whether lines are in the journal already, as messages. */
bool event_output_has_lines(const char *where);

/* After event_log_close(): what the log has is written, within a second. False: it stands still,
 * and uses the log on. NULL is fine. */
bool event_output_close(struct event_output *o);

#endif
