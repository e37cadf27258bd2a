/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ask.h"
#include "commands.h"

int policy_main(const struct cmdline *line)
{
	return ask_daemon(line, WIRE_POLICY,
			  json_pack("{s:s,s:s}", "chain", line->chain, "policy", line->policy),
			  NULL);
}
