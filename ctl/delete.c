/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "ask.h"
#include "commands.h"
#include "print.h"

/* What is gone: the text to bring it back with. */
static void show(const json_t *reply)
{
	struct print_room room;

	print_text(STYLE_PLAIN, print_field(reply, "rule", &room));
	putchar('\n');
}

int delete_main(const struct cmdline *line)
{
	json_t *request =
		json_pack("{s:s,s:I}", "chain", line->chain, "index", (json_int_t)line->number);

	return ask_daemon(line, WIRE_DELETE, request, show);
}
