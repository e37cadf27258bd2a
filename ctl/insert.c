/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ask.h"
#include "commands.h"

int insert_main(const struct cmdline *line)
{
	return ask_with_rule(line, WIRE_INSERT,
			     json_pack("{s:I}", "index", (json_int_t)line->number), line->n_words,
			     line->words, NULL);
}
