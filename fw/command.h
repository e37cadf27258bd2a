/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of the control protocol do. Runs on the control thread. */
#ifndef FW_COMMAND_H
#define FW_COMMAND_H

#include "command_publish.h"
#include "control.h"
#include "daemon.h"

/* A control_handler_fn; the cookie is the daemon. */
enum wire_status command_handle(void *daemon, enum wire_command command, const json_t *request,
				json_t **reply);

/* For the commands of other files. Puts one line into *reply; returns WIRE_REFUSED. */
__attribute__((format(printf, 2, 3))) enum wire_status command_refuse(json_t **reply,
								      const char *format, ...);

/* Saves the rules (taken over), then puts them in force; or refuses, and nothing has changed.
 * command_commit refuses while other rules wait to be confirmed. */
enum wire_status command_commit(struct daemon *d, struct ruleset *rules, json_t **reply);
enum wire_status command_replace(struct daemon *d, struct ruleset *rules, json_t **reply);

/* The same for rules that are those in force but for that change, which may be all that is saved.
 */
enum wire_status command_change(struct daemon *d, const struct store_change *change,
				struct ruleset *rules, json_t **reply);

#endif
