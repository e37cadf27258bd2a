/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ctl-fw patch list` shows. Runs on the control thread. */
#ifndef FW_REPORT_PATCH_H
#define FW_REPORT_PATCH_H

#include <jansson.h>

#include "ruleset.h"

/* How many processes have the objects of patches mapped. */
struct patch_mapped {
	uint64_t id;
	size_t processes;
};

/* An array of {"id", "patch": TEXT, "name", "note", "monitor", "expires", "packets", "bytes",
 * "mapped"}. `mapped`: one for each patch that names an object, in order; NULL: not asked for. */
json_t *report_patches(const struct ruleset *rs, const struct patch_mapped *mapped);

/* An array of {"name", "note", "id": of the patch that stands for it, or null}. */
json_t *report_builtins(const struct ruleset *rs);

#endif
