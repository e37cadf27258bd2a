/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts and stops what looks on as packets are judged: events, and the counts of programs. */
#ifndef FW_WITNESS_H
#define FW_WITNESS_H

#include "daemon.h"

/* Where events go to: before there are any. 0, or -errno with a line logged. */
int witness_open(struct daemon *d);

/* What tells of them: once processes and objects are there. The same. */
int witness_start(struct daemon *d);

/* When nothing is judged any more. What was told until now is written; a reader who does not read
 * keeps what he holds. */
void witness_stop(struct daemon *d);

#endif
