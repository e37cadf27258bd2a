/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signatures that a patch is which looks at payload. Pure. */
#ifndef FW_PATCH_SIG_H
#define FW_PATCH_SIG_H

#include "common/patch.h"
#include "sig_list.h"

#define PATCH_SIGS_MAX 8
/* Their sids: so many for each id from here on. */
#define PATCH_SID 3000000000u
_Static_assert(PATCH_SID + (uint64_t)PATCH_SIGS_MAX * (PATCH_ID_LAST + 1) <= UINT32_MAX,
	       "each id has its sids");

/*
 * The patch has an id. `loaded`: where --sid looks. 0 and *n rules, each with a reference; -EINVAL
 * or -ENOTSUP with err, as rule_parse() has it; -ENOENT: no signature of that sid is loaded;
 * -ENOMEM. *n is 0 then.
 */
int patch_sig_rules(const struct patch *p, const struct sig_list *loaded,
		    struct sig_rule *out[PATCH_SIGS_MAX], size_t *n, struct rule_error *err);

/* The id of the patch that the signature is of; 0: of none. */
static inline uint64_t patch_sig_id(uint32_t sid)
{
	return sid >= PATCH_SID ? (sid - PATCH_SID) / PATCH_SIGS_MAX : 0;
}

#endif
