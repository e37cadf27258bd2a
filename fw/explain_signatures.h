/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What signatures, and patches that look at payload, would do with a packet that the rules let
 * pass: which of them may look at it. Pure.
 */
#ifndef FW_EXPLAIN_SIGNATURES_H
#define FW_EXPLAIN_SIGNATURES_H

#include <jansson.h>

#include "holder.h"
#include "ruleset.h"
#include "sig_set.h"

#define EXPLAIN_SIDS_MAX 16 /* that are named */

/*
 * The packet is one that was described: addresses and ports that are 0, and a protocol that it has
 * not, were left out, and exclude none. Whether a signature is met is for the bytes to say; one
 * that is limited to objects which none of the holders has is left out.
 *
 * {"signatures": N, "patches": N, "stopping": how many of both drop or reject, "depth": bytes of
 * each way of a connection, 0: all, "sids": the first of the signatures, "patch_ids": [N]}, a new
 * reference; NULL: no memory.
 */
json_t *explain_signatures(const struct sig_set *set, const struct packet *p,
			   const struct holders *holders, const struct ruleset *rules);

#endif
