// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_patch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "command.h"
#include "common/cleanup.h"
#include "command_sig.h"
#include "common/decimal.h"
#include "log.h"
#include "patch_mapped.h"
#include "patch_sig.h"
#include "report_patch.h"

#define ASK_AGAIN_NS 5000000
#define ASK_TIMES    100

enum wire_status command_patches(struct daemon *d, const json_t *request, json_t **reply)
{
	static const struct timespec pause = {.tv_nsec = ASK_AGAIN_NS};
	_cleanup_free_ struct patch_mapped *mapped = NULL;
	int r = -EAGAIN;

	(void)request;
	for (int i = 0; i < ASK_TIMES && r == -EAGAIN; i++) {
		r = patch_mapped(d, i == ASK_TIMES - 1, &mapped);
		if (r == -EAGAIN)
			nanosleep(&pause, NULL);
	}
	if (r)
		return command_refuse(reply, "the mappings cannot be read: %s", strerror(-r));
	*reply = json_pack("{s:o, s:o}", "patches", report_patches(d->rules, mapped), "builtin",
			   report_builtins(d->rules));
	return WIRE_OK;
}

/* Whether it is one that can be put in force; what looks at payload is compiled to see. */
static bool can_enforce(struct daemon *d, const struct patch *p, json_t **reply)
{
	struct sig_rule *rules[PATCH_SIGS_MAX];
	struct patch named = *p;
	struct rule_error err = {""};
	size_t n;
	int r;

	if (p->payload_kind == PATCH_PAYLOAD_NONE)
		return true;
	if (!named.id)
		named.id = d->rules->patches.next_id;
	r = patch_sig_rules(&named, &d->signatures, rules, &n, &err);
	for (size_t i = 0; i < n; i++)
		sig_rule_unref(rules[i]);
	if (r && p->id) /* one of many */
		command_refuse(reply, "patch %" PRIu64 ": %s", p->id,
			       *err.text ? err.text : strerror(-r));
	else if (r)
		command_refuse(reply, "%s", *err.text ? err.text : strerror(-r));
	return r == 0;
}

bool command_patch_check(struct daemon *d, const struct ruleset *rs, json_t **reply)
{
	for (size_t i = 0; i < rs->patches.n; i++)
		if (!can_enforce(d, &rs->patches.entries[i]->patch, reply))
			return false;
	return true;
}

/* Takes its own references on those that are in force already: their counts go on. */
static void keep_counts(const struct daemon *d, struct sig_rule *rules[PATCH_SIGS_MAX], size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < d->n_patches; k++) {
			struct sig_rule *old = d->patches[k];

			if (old->sid != rules[i]->sid || strcmp(old->text, rules[i]->text) != 0)
				continue;
			sig_rule_unref(rules[i]);
			rules[i] = sig_rule_ref(old);
		}
}

/* All of the patches in force; *n of them, each with a reference. NULL: no memory. */
static struct sig_rule **make_signatures(const struct daemon *d, size_t *n)
{
	const struct patch_list *l = &d->rules->patches;
	struct sig_rule **all = calloc(l->n * PATCH_SIGS_MAX + 1, sizeof(struct sig_rule *));

	*n = 0;
	for (size_t i = 0; all && i < l->n; i++) {
		const struct patch *p = &l->entries[i]->patch;
		struct rule_error err = {""};
		size_t more = 0;
		int r = p->payload_kind ? patch_sig_rules(p, &d->signatures, all + *n, &more, &err)
					: 0;

		if (r)
			log_line("app-fw: patch %" PRIu64 " is NOT in force: %s", p->id,
				 *err.text ? err.text : strerror(-r));
		keep_counts(d, all + *n, more);
		*n += more;
	}
	return all;
}

static bool is_in_force(const struct daemon *d, struct sig_rule *const *all, size_t n)
{
	bool same = n == d->n_patches;

	for (size_t i = 0; same && i < n; i++)
		same = all[i] == d->patches[i];
	return same;
}

int command_patch_signatures(struct daemon *d)
{
	struct sig_error err = {""};
	size_t n = 0;
	struct sig_rule **all = make_signatures(d, &n);
	int r = all ? 0 : -ENOMEM;

	if (!r && !is_in_force(d, all, n))
		r = command_sig_patches(d, all, n, &err);
	if (r)
		log_line("app-fw: the signatures of patches: %s",
			 *err.text ? err.text : strerror(-r));
	for (size_t i = 0; i < n; i++)
		sig_rule_unref(all[i]);
	free(all);
	return r;
}

static bool get_patch(struct daemon *d, const json_t *request, struct patch *patch, json_t **reply)
{
	const char *text = json_string_value(json_object_get(request, "patch"));
	char expires[INSTANT_TEXT_LEN];
	struct rule_error error;

	if (!text || patch_parse_text(text, patch, &error)) {
		command_refuse(reply, "%s", text ? error.text : "the request has no patch");
		return false;
	}
	if (patch->rule.expires_s && patch->rule.expires_s <= clock_real_ns() / SECOND) {
		instant_format(patch->rule.expires_s, expires);
		command_refuse(reply, "--expires %s: this time is over", expires);
		return false;
	}
	return can_enforce(d, patch, reply);
}

enum wire_status command_patch_add(struct daemon *d, const json_t *request, json_t **reply)
{
	const uint64_t id = d->rules->patches.next_id;
	struct ruleset *rules;
	enum wire_status status;
	struct patch patch;
	int r;

	if (!get_patch(d, request, &patch, reply))
		return WIRE_REFUSED;
	r = ruleset_add_patch(d->rules, &patch, &rules);
	if (r == -ENOENT)
		return command_refuse(reply, "--set %s: no such set", patch.rule.set);
	if (r == -E2BIG && id > PATCH_ID_LAST)
		return command_refuse(reply, "all ids are used: there can be no more patches");
	if (r == -E2BIG)
		return command_refuse(reply, "there are %d patches already: expected fewer",
				      PATCHES_MAX);
	if (r)
		return command_refuse(reply, "%s", strerror(-r));
	status = command_commit(d, rules, reply);
	if (status == WIRE_OK)
		*reply = json_pack("{s:I}", "id", (json_int_t)id);
	return status;
}

/* What `word` names: an id, else a built-in name, or a note that one patch has. Returns how many.
 */
static size_t find(const struct patch_list *l, const char *word, const struct patch **out)
{
	uint64_t id;
	size_t n = 0, at;

	if (!decimal_parse(word, strlen(word), INT64_MAX, &id)) {
		at = patch_list_find(l, id);
		*out = at < l->n ? &l->entries[at]->patch : NULL;
		return at < l->n;
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct patch *p = &l->entries[i]->patch;

		if (strcmp(p->rule.note, word) != 0 &&
		    (p->payload_kind != PATCH_PAYLOAD_BUILTIN || strcmp(p->payload, word) != 0))
			continue;
		*out = p;
		n++;
	}
	return n;
}

enum wire_status command_patch_remove(struct daemon *d, const json_t *request, json_t **reply)
{
	const char *word = json_string_value(json_object_get(request, "patch"));
	char text[PATCH_TEXT_MAX];
	const struct patch *patch = NULL;
	struct ruleset *rules;
	enum wire_status status;
	uint64_t id;
	size_t n;
	int r;

	if (!word)
		return command_refuse(reply, "the request has no patch");
	n = find(&d->rules->patches, word, &patch);
	if (n == 0)
		return command_refuse(reply, "patch rm %.150s: no such patch", word);
	if (n > 1)
		return command_refuse(reply, "patch rm %.150s: %zu patches: expected the id of one",
				      word, n);
	id = patch->id;
	patch_format(patch, text);
	r = ruleset_remove_patch(d->rules, id, &rules);
	if (r)
		return command_refuse(reply, "%s", strerror(-r));
	status = command_commit(d, rules, reply);
	if (status == WIRE_OK)
		*reply = json_pack("{s:I, s:s}", "id", (json_int_t)id, "patch", text);
	return status;
}
