/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has the object of a patch mapped: of all processes that there are, also those that never sent
 * a packet. The mappings are read on the control thread; the data thread looks up what is known of
 * the objects, and has the digests of others found.
 */
#ifndef FW_PATCH_MAPPED_H
#define FW_PATCH_MAPPED_H

#include "daemon.h"
#include "report_patch.h"

/* Whether --sng-hash is among its criteria, and not negated. */
bool patch_names_object(const struct patch *p);

/*
 * Counts for each patch in force that names an object, in order. 0 and an array for the caller to
 * free; -EAGAIN: some digests are being found, ask again; `final`: objects without a digest count
 * for nobody. -ENOMEM, or -errno of the reading.
 */
int patch_mapped(struct daemon *d, bool final, struct patch_mapped **out);

#endif
