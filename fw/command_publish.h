/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts rule sets in force, and looks after the one that is: what is over leaves it, and its indexes
 * are made anew after some changes. Runs on the control thread. */
#ifndef FW_COMMAND_PUBLISH_H
#define FW_COMMAND_PUBLISH_H

#include "daemon.h"

/* Before the control thread runs: from then on dated digests leave the rules in force when their
 * time is over. 0 or -ENOMEM. */
int command_start(struct daemon *d);

/* From here on every packet is judged by `rules`, whose reference is taken over. */
void command_publish(struct daemon *d, struct ruleset *rules);

#endif
