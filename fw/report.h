/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's state as JSON; the shapes are documented in docs/ctl-fw.8. New references. */
#ifndef FW_REPORT_H
#define FW_REPORT_H

#include <jansson.h>

#include "daemon.h"

json_t *report_rules(const struct ruleset *rules, const enum chain *only); /* NULL: all chains */

/* On the data thread. */
json_t *report_status(const struct daemon *d);
json_t *report_stats(const struct daemon *d);

#endif
