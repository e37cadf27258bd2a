/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "confirm.h"

#include <stdio.h>

#include "commands.h"
#include "common/duration.h"
#include "print.h"

#define WITHIN_MAX_S 86400

int confirm_read(const struct cmdline *line, uint64_t *seconds)
{
	const char *text = line->confirm_within;

	*seconds = 0;
	if (!text || (duration_parse(text, WITHIN_MAX_S, seconds) == 0 && *seconds > 0))
		return STATUS_DONE;
	print_error("--confirm-within %s: expected a number and s, m, h or d, from 1s to %dd",
		    cmdline_show(text), WITHIN_MAX_S / 86400);
	return STATUS_USAGE;
}

void confirm_add(uint64_t seconds, json_t *request)
{
	if (seconds)
		json_object_set_new(request, "confirm_within_s", json_integer((json_int_t)seconds));
}

void confirm_show(const json_t *reply)
{
	struct print_room room;

	if (json_object_get(reply, "confirm_within_s"))
		printf("rolled back in %s s, unless: ctl-fw mode confirm\n",
		       print_field(reply, "confirm_within_s", &room));
}
