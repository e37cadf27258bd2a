/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands about named sets: rows of the table in command.c. On the control thread. */
#ifndef FW_COMMAND_SET_H
#define FW_COMMAND_SET_H

#include <jansson.h>

#include "common/wire.h"
#include "daemon.h"

enum wire_status command_sets(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_set_add(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_set_remove(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_set_refresh(struct daemon *d, const json_t *request, json_t **reply);
enum wire_status command_set_expect(struct daemon *d, const json_t *request, json_t **reply);

#endif
