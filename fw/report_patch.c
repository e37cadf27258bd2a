// SPDX-License-Identifier: GPL-2.0-or-later
#include "report_patch.h"

#include <string.h>

#include "common/instant.h"
#include "patch_mapped.h"

static json_t *expiry(uint64_t expires_s)
{
	char text[INSTANT_TEXT_LEN];

	if (!expires_s)
		return json_null();
	instant_format(expires_s, text);
	return json_string(text);
}

static json_t *report_patch(const struct patch_entry *e, json_t *mapped)
{
	const struct patch *p = &e->patch;
	const bool builtin = p->payload_kind == PATCH_PAYLOAD_BUILTIN;
	char text[PATCH_TEXT_MAX];

	patch_format(p, text);
	return json_pack(
		"{s:I, s:s, s:o, s:s, s:b, s:o, s:I, s:I, s:o}", "id", (json_int_t)p->id, "patch",
		text, "name", builtin ? json_string(p->payload) : json_null(), "note", p->rule.note,
		"monitor", p->rule.monitor, "expires", expiry(p->rule.expires_s), "packets",
		(json_int_t)__atomic_load_n(&e->count->packets, __ATOMIC_RELAXED), "bytes",
		(json_int_t)__atomic_load_n(&e->count->bytes, __ATOMIC_RELAXED), "mapped", mapped);
}

json_t *report_patches(const struct ruleset *rs, const struct patch_mapped *mapped)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rs->patches.n; i++) {
		const struct patch_entry *e = rs->patches.entries[i];
		const bool counted = mapped && patch_names_object(&e->patch);

		json_array_append_new(
			list, report_patch(e, counted ? json_integer((json_int_t)mapped->processes)
						      : json_null()));
		mapped += counted;
	}
	return list;
}

json_t *report_builtins(const struct ruleset *rs)
{
	json_t *list = json_array();
	size_t n;
	const struct patch_builtin *all = patch_builtins(&n);

	for (size_t b = 0; b < n; b++) {
		json_t *id = json_null();

		for (size_t i = 0; i < rs->patches.n; i++) {
			const struct patch *p = &rs->patches.entries[i]->patch;

			if (p->payload_kind == PATCH_PAYLOAD_BUILTIN &&
			    strcmp(p->payload, all[b].name) == 0)
				id = json_integer((json_int_t)p->id);
		}
		json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", all[b].name,
						      "note", all[b].note, "id", id));
	}
	return list;
}
