// SPDX-License-Identifier: GPL-2.0-or-later
#include "explain_signatures.h"

#include "app_match.h"
#include "patch_sig.h"

/* What was found so far. */
struct found {
	size_t signatures, patches, stopping;
	uint64_t last_patch; /* its signatures follow each other */
	json_t *sids, *ids;
};

static void note(struct found *f, const struct sig_rule *r)
{
	const uint64_t patch = patch_sig_id(r->sid);

	f->stopping += r->action != SIG_ALERT && (!patch || patch != f->last_patch);
	if (!patch) {
		if (f->signatures++ < EXPLAIN_SIDS_MAX)
			json_array_append_new(f->sids, json_integer(r->sid));
		return;
	}
	if (patch == f->last_patch)
		return;
	f->last_patch = patch;
	if (f->patches++ < EXPLAIN_SIDS_MAX)
		json_array_append_new(f->ids, json_integer((json_int_t)patch));
}

json_t *explain_signatures(const struct sig_set *set, const struct packet *p,
			   const struct holders *holders, const struct ruleset *rules)
{
	struct found f = {.sids = json_array(), .ids = json_array()};
	size_t holder;

	for (size_t i = 0; i < sig_set_count(set); i++) {
		const struct sig_rule *r = sig_set_rule(set, i);

		if (sig_header_may_fit(&r->header, p) && app_match(r, holders, rules, &holder))
			note(&f, r);
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "signatures", (json_int_t)f.signatures,
			 "patches", (json_int_t)f.patches, "stopping", (json_int_t)f.stopping,
			 "depth", (json_int_t)sig_set_depth(set), "sids", f.sids, "patch_ids",
			 f.ids);
}
