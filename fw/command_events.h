/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The latest events, and what each program has sent. */
#ifndef FW_COMMAND_EVENTS_H
#define FW_COMMAND_EVENTS_H

#include "daemon.h"

/* Rows of the table in command.c. */
enum wire_status command_events(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_top(struct daemon *d, const json_t *request, json_t **reply);

#endif
