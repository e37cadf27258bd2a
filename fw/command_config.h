/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as a whole: from and to the state directory, and the text of a client. */
#ifndef FW_COMMAND_CONFIG_H
#define FW_COMMAND_CONFIG_H

#include "daemon.h"

/* What is saved in the state directory, as a new rule set; an empty one without. Policies that are
 * not saved are those of the options; *saved is of the file. 0, or -errno with a line logged, and
 * both are untouched. */
int command_load(const struct options *o, struct ruleset **out, struct store_tail *saved);

/* Replaces what is in force by what is saved in the state directory. 0, or -errno with a line
 * logged: nothing has changed. */
int command_reload(struct daemon *d);

/* Replaces *rules by them without those whose time is over, which is logged, and unless `saved` is
 * NULL, saves that as well as it can. -EALREADY: there are none. -ENOMEM. */
int command_drop_expired(const struct options *o, struct store_tail *saved, struct ruleset **rules);

/* Rows of the table in command.c. */
enum wire_status command_save(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_restore(struct daemon *d, const json_t *request, json_t **reply);

#endif
