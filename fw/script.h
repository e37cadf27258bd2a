/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scripts that interpreters were started with. A script belongs to an execve: who is forked
 * after it has the same one, the next execve has another or none.
 *
 * The probes tell of each execve with its arguments (struct start_hint). Which file they name is
 * looked at by threads beside the loop: at once if rules ask for scripts, and again when the first
 * packet of the program is judged. What was not changed between the execve and that second look is
 * what the interpreter read in between, and known; what was there at the first look is seen.
 */
#ifndef FW_SCRIPT_H
#define FW_SCRIPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "holder.h"
#include "loop.h"
#include "probe.h"
#include "stats.h"

struct scripts;

/* `settled` is called on the loop when a look that somebody waits for is done. NULL with errno. */
struct scripts *scripts_new(struct loop *loop, struct probe *probe, struct stats *stats,
			    void (*settled)(void *cookie), void *cookie);
/* Waits for the threads, at most a second. False: one is stuck, and what it may touch, the probes
 * as well, is left to it. NULL is fine. */
bool scripts_free(struct scripts *s);

/* Whether rules ask for scripts, so that each is looked at as its interpreter starts. */
void scripts_watch(struct scripts *s, bool watch);

/* A program has started. */
void scripts_start(struct scripts *s, const struct start_hint *hint);

/*
 * The script of a process at the stamp that h carries. 0; or -EAGAIN: it is being looked at.
 * `final`: what is known now.
 */
int scripts_of(struct scripts *s, const struct note_holder *h, bool final, struct script *out);

/*
 * For `ctl-fw objects PID`: null (none), or {"path", "sha256", "state": "known", "seen" or
 * "unknown", "why": a sentence, or null when known}. A new reference in *out, or -EAGAIN.
 */
int scripts_report(struct scripts *s, uint32_t pid, bool final, json_t **out);

/* Forgets those whose processes are gone, now and then. */
void scripts_expire(struct scripts *s);

#endif
