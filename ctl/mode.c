/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/mode.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "confirm.h"
#include "print.h"

static void show_confirmed(const json_t *reply)
{
	struct print_room room;

	printf("confirmed: the %s\n", print_field(reply, "confirmed", &room));
}

int mode_main(const struct cmdline *line)
{
	const char *word = line->paths[0];
	json_t *request;
	uint64_t seconds;
	enum mode mode;

	if (strcmp(word, "confirm") == 0) {
		if (!line->confirm_within)
			return ask_daemon(line, WIRE_CONFIRM, json_object(), show_confirmed);
		print_error("--confirm-within: does not go with mode confirm: expected with "
			    "enforce or monitor");
		return STATUS_USAGE;
	}
	if (mode_parse(word, &mode)) {
		print_error("mode %s: expected enforce, monitor or confirm", cmdline_show(word));
		return STATUS_USAGE;
	}
	if (confirm_read(line, &seconds) != STATUS_DONE)
		return STATUS_USAGE;
	request = json_pack("{s:s}", "mode", word);
	confirm_add(seconds, request);
	return ask_daemon(line, WIRE_MODE, request, confirm_show);
}
