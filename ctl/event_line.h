/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event of the daemon as one line for people. */
#ifndef CTL_EVENT_LINE_H
#define CTL_EVENT_LINE_H

#include <jansson.h>

#include "print.h"

#define EVENT_COLUMNS_MAX 1024

/* The columns before and after the verdict, aligned; not harmless yet. Whatever the event lacks is
 * "-" or "?". */
struct event_columns {
	char time[40];
	char verdict[24];
	enum style style;
	char rest[EVENT_COLUMNS_MAX];
};

void event_columns(const json_t *event, struct event_columns *out);

#endif
