/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"
#include "text_out.h"

int save_main(const struct cmdline *line)
{
	return text_out(line, WIRE_SAVE, json_object(), line->n_paths > 0 ? line->paths[0] : NULL);
}
