/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WIRE_HOOK: what `ctl-fw hook install` needs to know of a chain. The daemon itself does not touch
 * iptables. */
#ifndef FW_COMMAND_HOOK_H
#define FW_COMMAND_HOOK_H

#include "command.h"

enum wire_status command_hook(struct daemon *d, const json_t *request, json_t **reply);

/* What is to be said of the verdict cache: {"state": "on"|"off", "why": TEXT or null}. */
json_t *command_report_cache(const struct daemon *d);

#endif
