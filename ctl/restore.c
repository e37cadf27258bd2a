/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "commands.h"
#include "confirm.h"
#include "print.h"
#include "text_in.h"

static void show(const json_t *reply)
{
	struct print_room rules, sets, expired;

	printf("restored: %s rules, %s sets", print_field(reply, "rules", &rules),
	       print_field(reply, "sets", &sets));
	if (json_integer_value(json_object_get(reply, "expired")) > 0)
		printf("; left out, for their time is over: %s rules",
		       print_field(reply, "expired", &expired));
	putchar('\n');
	confirm_show(reply);
}

int restore_main(const struct cmdline *line)
{
	const char *path = line->paths[0];
	json_t *request;
	uint64_t seconds;
	size_t length;
	char *text;

	if (confirm_read(line, &seconds) != STATUS_DONE)
		return STATUS_USAGE;
	if (text_in_read(path, WIRE_RESTORE_MAX, &text, &length))
		return STATUS_USAGE;
	request = json_pack("{s:s%}", "text", text, length);
	free(text);
	confirm_add(seconds, request);
	return ask_daemon(line, WIRE_RESTORE, request, show);
}
