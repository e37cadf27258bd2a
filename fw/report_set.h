/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named sets as JSON; the shapes are documented in docs/ctl-fw.8. New references. Pure. */
#ifndef FW_REPORT_SET_H
#define FW_REPORT_SET_H

#include <jansson.h>

#include "ruleset.h"

/* All sets, or the one of that name. */
json_t *report_sets(const struct ruleset *rs, const char *only, uint64_t now_ns);

/* What has become of the current digests (old may be NULL), and which are expected now. */
json_t *report_set_changes(const struct set *old, const struct set *made);

#endif
