/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An execve that has a script, or may have: what is known of where the script is, from what the
 * kernel told of the execve. Immutable.
 */
#ifndef FW_SCRIPT_START_H
#define FW_SCRIPT_START_H

#include <stdbool.h>
#include <stdint.h>

#include "common/probe_abi.h"
#include "trail.h"

#define SCRIPT_ELDER   1 /* id.pad: a process older than the probes; the stamp is its start_ns */
#define SCRIPT_UNCLEAR -EINVAL /* an error: its arguments leave open which file it reads */

struct script_start {
	struct start id;
	char *name;		 /* the script's, as it was given; NULL: as /proc shows it */
	struct folder cwd, root; /* owned paths */
	uint64_t exec_ns;	 /* CLOCK_REALTIME */
	bool certain;		 /* that is its name, and nothing else was named */
};

/* The last execve of a process, whether or not it has a script. */
struct start script_start_of(uint32_t tgid, const struct proc_rec *rec);
bool script_start_is(const struct script_start *s, const struct start *id);

/* 0; -ENOENT: it has no script; -ENOMEM. The caller frees what it holds with script_start_clear().
 */
int script_start_told(const struct start_hint *hint, struct script_start *out);

/* The same for a process of whose last execve nothing was told: what it shows of itself is not
 * certain. -ENOENT: it has had none. */
int script_start_untold(uint32_t tgid, const struct proc_rec *rec, struct script_start *out);

void script_start_clear(struct script_start *s);

#endif
