/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --confirm-within: a change that is rolled back unless it is confirmed in time. */
#ifndef CTL_CONFIRM_H
#define CTL_CONFIRM_H

#include <jansson.h>

#include "cmdline.h"

/* Seconds, 0 where the option is not given. STATUS_DONE, or STATUS_USAGE with a line on stderr. */
int confirm_read(const struct cmdline *line, uint64_t *seconds);

/* Puts it into the request, where it is given. */
void confirm_add(uint64_t seconds, json_t *request);

/* A line that says how to keep what the reply says is in force for now. */
void confirm_show(const json_t *reply);

#endif
