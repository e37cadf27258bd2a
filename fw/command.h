/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of the control protocol do. Runs on the control thread. */
#ifndef FW_COMMAND_H
#define FW_COMMAND_H

#include "control.h"
#include "daemon.h"

/* A control_handler_fn; the cookie is the daemon. */
enum wire_status command_handle(void *daemon, enum wire_command command, const json_t *request,
				json_t **reply);

/* The rules and named sets saved in the state directory, as a new rule set; an empty one without.
 * 0, or -errno with a line logged. */
int command_load(const struct options *o, struct ruleset **out);

/* Before the control thread runs: from then on dated digests leave the rules in force when their
 * time is over. 0 or -ENOMEM. */
int command_start(struct daemon *d);

/* Replaces the rules in force by those saved in the state directory. 0, or -errno with a line
 * logged: nothing has changed. */
int command_reload(struct daemon *d);

/* For the commands of other files. Puts one line into *reply; returns WIRE_REFUSED. */
__attribute__((format(printf, 2, 3))) enum wire_status command_refuse(json_t **reply,
								      const char *format, ...);

/* Saves the rules (taken over), then puts them in force; or refuses, and nothing has changed. */
enum wire_status command_commit(struct daemon *d, struct ruleset *rules, json_t **reply);

#endif
