/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of the control protocol do. Runs on the control thread. */
#ifndef FW_COMMAND_H
#define FW_COMMAND_H

#include "control.h"
#include "daemon.h"

/* A control_handler_fn; the cookie is the daemon. */
enum wire_status command_handle(void *daemon, enum wire_command command, const json_t *request,
				json_t **reply);

/* The rules saved in the state directory, as a new set; an empty one without. 0, or -errno with a
 * line logged. */
int command_load(const struct options *o, struct ruleset **out);

/* Replaces the rules in force by those saved in the state directory. 0, or -errno with a line
 * logged: nothing has changed. */
int command_reload(struct daemon *d);

#endif
