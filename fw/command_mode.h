/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mode, and changes that are rolled back unless they are confirmed in time (trial.h). */
#ifndef FW_COMMAND_MODE_H
#define FW_COMMAND_MODE_H

#include "daemon.h"

/* The saved mode, or that of the options. 0, or -errno with a line logged. */
int command_load_mode(const struct options *o, enum mode *out);

/* Before the control thread runs. 0 or -ENOMEM. */
int command_start_mode(struct daemon *d);

/* From here on that mode is in force. */
void command_publish_mode(struct daemon *d, enum mode mode);

/* "confirm_within_s" of a request; 0 where it has none. False: refused. */
bool command_get_confirm(const json_t *request, uint64_t *seconds, json_t **reply);

/* Puts the rules (taken over) in force for that time, without saving them. */
enum wire_status command_try_rules(struct daemon *d, struct ruleset *rules, uint64_t seconds,
				   json_t **reply);

/* Forgets the change that waits to be confirmed, if there is one: something else has taken its
 * place. */
void command_end_trial(struct daemon *d);

/* Rows of the table in command.c. */
enum wire_status command_mode(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_confirm(struct daemon *d, const json_t *request, json_t **reply);

#endif
