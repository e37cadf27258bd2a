/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learning, and what it suggests (learn.h, learn_plan.h). */
#ifndef FW_COMMAND_LEARN_H
#define FW_COMMAND_LEARN_H

#include "daemon.h"

/* Rows of the table in command.c. */
enum wire_status command_learn(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_suggest(struct daemon *d, const json_t *request, json_t **reply);

#endif
