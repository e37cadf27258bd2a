/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes and the sets of objects they have mapped, by start time (a reused pid is another
 * process) and by mapping stamp (a set holds while the stamp does).
 */
#ifndef FW_PROCESS_H
#define FW_PROCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "object.h"
#include "objset.h"
#include "probe.h"
#include "stats.h"

struct processes;

/* retain: objects count even after they are unmapped, until the next exec. NULL with errno. */
struct processes *processes_new(struct probe *probe, struct objects *objects, struct stats *stats,
				bool retain);
void processes_free(struct processes *ps); /* NULL is fine */

/*
 * The set of objects that the process of `h` had mapped at the stamp that `h` carries, or, when
 * that moment has passed unseen, whatever the program that it ran then has mapped. Returns 0 and a
 * set owned by the table, valid until the next call of processes_expire; or -EAGAIN: a digest is
 * being computed, or a mapping call is under way: ask again. `final`: do not wait, whatever cannot
 * be known makes the set incomplete.
 */
int processes_objects(struct processes *ps, const struct note_holder *h, bool final,
		      const struct objset **out);

/* Until when (CLOCK_MONOTONIC) processes_objects() would say the same again of these mappings; 0:
 * it would look anew. */
uint64_t processes_valid_until(struct processes *ps, const struct note_holder *h);

/*
 * The program that the process ran at the mapping stamp: its own executable, without its libraries.
 * 0; -ENOENT: it is not known (yet), -ESRCH: nor is the process, -ENOMEM. *out is untouched on
 * failure.
 */
int processes_program(struct processes *ps, uint32_t pid, uint64_t start_ns, uint64_t stamp,
		      struct object_key *out);

/* The process that it was a child of when its record was written last; 0: not known. */
uint32_t processes_parent(const struct processes *ps, uint32_t pid, uint64_t start_ns);

/* The object of that digest among those that the process had mapped when it was last looked at;
 * NULL: there is none. */
const struct object *processes_object(struct processes *ps, uint32_t pid, uint64_t start_ns,
				      const struct sha256 *digest);

/* Reads the mappings of every process there is, so that those who leave before their first packet
 * is judged are known, and starts to hash what they map. For the start. */
void processes_learn_all(struct processes *ps);

/* What is known of mappings may not hold any more: each process is read anew when it next matters.
 */
void processes_distrust(struct processes *ps);

/* A hint from the probes: hashes ahead what was executed or mapped. */
void processes_hint(struct processes *ps, const struct hint *hint);

/* Forgets what died before that: CLOCK_BOOTTIME, in ns. */
void processes_expire(struct processes *ps, uint64_t before_ns);

size_t processes_count(const struct processes *ps);

/*
 * What `ctl-fw objects PID` shows, as of now. A new reference in *out; -ESRCH: no such process;
 * -EAGAIN: digests are being computed.
 */
int processes_report(struct processes *ps, uint32_t pid, bool final, json_t **out);

#endif
