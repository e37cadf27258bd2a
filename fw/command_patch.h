/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands for virtual patches: rows of the table in command.c. */
#ifndef FW_COMMAND_PATCH_H
#define FW_COMMAND_PATCH_H

#include "daemon.h"

/* Puts the signatures of the patches in force in force as well. 0, or -errno with a line logged:
 * those before still are. */
int command_patch_signatures(struct daemon *d);

/* Whether all patches of a rule set can be put in force; if not, refuses. */
bool command_patch_check(struct daemon *d, const struct ruleset *rs, json_t **reply);

enum wire_status command_patches(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_patch_add(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_patch_remove(struct daemon *d, const json_t *request, json_t **reply);

#endif
