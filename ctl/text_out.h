/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reply that is a text for people to keep: where it goes. */
#ifndef CTL_TEXT_OUT_H
#define CTL_TEXT_OUT_H

#include <jansson.h>

#include "cmdline.h"
#include "common/wire.h"

/*
 * Sends the request (taken over; NULL: no memory) and puts "text" of the reply into the file, whose
 * old content stays until the new one is whole; to stdout if path is NULL or "-". Returns an enum
 * status; what goes wrong is told on stderr.
 */
int text_out(const struct cmdline *line, enum wire_command command, json_t *request,
	     const char *path);

#endif
