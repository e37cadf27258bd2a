// SPDX-License-Identifier: GPL-2.0-or-later
/* The judgement told aloud: of what a process has mapped, and of a packet that it would send. */
#include <errno.h>

#include "explain.h"
#include "explain_signatures.h"
#include "judge_private.h"

int judge_report(struct judge *j, uint32_t pid, bool final, json_t **out)
{
	json_t *script, *report;
	int r;

	judge_catch_up(j);
	r = scripts_report(j->scripts, pid, final, &script);
	if (r)
		return r;
	r = processes_report(j->processes, pid, final, &report);
	if (r) {
		json_decref(script);
		return r;
	}
	json_object_set_new(report, "script", script);
	*out = report;
	return 0;
}

/* A list of what the holders that are still there have mapped now, or -EAGAIN. */
static int report_holders(struct judge *j, const struct attribution *who, bool final, json_t **out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < who->n; i++) {
		json_t *report;
		int r = judge_report(j, attribution_holder(who, i)->tgid, final, &report);

		if (r == -EAGAIN && !final) {
			json_decref(list);
			return r;
		}
		if (!r)
			json_array_append_new(list, report);
	}
	*out = list;
	return 0;
}

/* What the rules let pass may be stopped for what it carries. */
static json_t *explain_inspection(const struct judge *j, const json_t *explained,
				  const struct packet *p, const struct holders *holders)
{
	const char *word = json_string_value(json_object_get(explained, "verdict"));
	enum verdict v;

	if (!inspect_is_on(j->inspect) || !word || verdict_parse(word, &v) || !verdict_passes(v))
		return json_null();
	return explain_signatures(inspect_set(j->inspect), p, holders, j->rules);
}

static int explain_to(struct judge *j, const struct attribution *who, enum chain chain,
		      const struct packet *p, bool final, json_t **out)
{
	struct holders holders = {
		.origin = who->origin, .netns = who->netns, .cookie = who->cookie};
	json_t *reports = NULL;
	int r = report_holders(j, who, final, &reports); /* learns what is mapped now: first */

	r = r ? r : judge_resolve_objects(j, who, true, final, &holders);
	if (!r)
		judge_resolve_facts(j, true, &holders);
	*out = r ? NULL : explain(j->rules, chain, p, &holders);
	if (!*out) {
		json_decref(reports);
		return r ? r : -ENOMEM;
	}
	json_object_set_new(*out, "inspected", explain_inspection(j, *out, p, &holders));
	json_object_set_new(*out, "holders", reports);
	json_object_set_new(*out, "socket", who->cookie ? json_integer(who->cookie) : json_null());
	return 0;
}

int judge_explain(struct judge *j, uint32_t pid, enum chain chain, const struct packet *p,
		  bool final, json_t **out)
{
	struct attribution who;
	int r;

	judge_catch_up(j);
	r = owner_of_process(j->owner, pid, chain, p, &who);
	r = r ? r : explain_to(j, &who, chain, p, final, out);
	attribution_clear(&who);
	return r;
}
