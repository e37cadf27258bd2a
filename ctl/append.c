/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ask.h"
#include "commands.h"

int append_main(const struct cmdline *line)
{
	return ask_with_rule(line, WIRE_APPEND, json_object(), line->n_words, line->words, NULL);
}
