// SPDX-License-Identifier: GPL-2.0-or-later
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command_config.h"
#include "command_events.h"
#include "command_hook.h"
#include "command_learn.h"
#include "command_mode.h"
#include "command_patch.h"
#include "command_set.h"
#include "command_sig.h"
#include "common/utf8.h"
#include "explain.h"
#include "log.h"
#include "report.h"
#include "report_patch.h"
#include "store.h"

/* One line, whatever words of the request are repeated in it, and wherever they are cut. */
enum wire_status command_refuse(json_t **reply, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	utf8_make_printable(text);
	*reply = json_pack("{s:s}", "error", text);
	return WIRE_REFUSED;
}

/* What would be rolled back with the rules that are tried is not acknowledged. */
enum wire_status command_commit(struct daemon *d, struct ruleset *rules, json_t **reply)
{
	if (d->trial.of != TRIAL_RULES)
		return command_replace(d, rules, reply);
	ruleset_unref(rules);
	return command_refuse(reply,
			      "restored rules wait to be confirmed: see ctl-fw mode confirm");
}

/*
 * What differs from what is in force, and saved, by one rule: it is enough to write that down, as
 * long as the file takes it. Then all of it is written anew, and once in a while.
 */
enum wire_status command_change(struct daemon *d, const struct store_change *change,
				struct ruleset *rules, json_t **reply)
{
	if (!d->options.state || d->trial.of == TRIAL_RULES ||
	    store_append(d->options.state, change, &d->saved))
		return command_commit(d, rules, reply);
	command_publish(d, rules);
	return WIRE_OK;
}

/* Saved first, then in force, then acknowledged: what was acknowledged is never lost. */
enum wire_status command_replace(struct daemon *d, struct ruleset *rules, json_t **reply)
{
	int r = d->options.state ? store_save(d->options.state, rules, &d->saved) : 0;

	if (r) {
		ruleset_unref(rules);
		return command_refuse(reply, "cannot save the rules in %s: %s", d->options.state,
				      strerror(-r));
	}
	command_publish(d, rules);
	return WIRE_OK;
}

static enum wire_status insert_rule(struct daemon *d, const struct rule *rule, size_t index,
				    json_t **reply)
{
	const struct store_change change = {STORE_INSERT, index, *rule};
	struct ruleset *rules;
	enum wire_status status;
	char expires[INSTANT_TEXT_LEN];
	int r;

	if (rule->expires_s && rule->expires_s <= clock_real_ns() / SECOND) {
		instant_format(rule->expires_s, expires);
		return command_refuse(reply, "--expires %s: this time is over", expires);
	}
	r = ruleset_insert(d->rules, rule, index, &rules);
	if (r == -ENOENT)
		return command_refuse(reply, "--set %s: no such set", rule->set);
	if (r == -ERANGE)
		return command_refuse(reply, "no position %zu in chain %s: it has %zu rules", index,
				      chain_name(rule->chain),
				      d->rules->chains[rule->chain].list.n);
	if (r)
		return command_refuse(reply, "%s", strerror(-r));
	status = command_change(d, &change, rules, reply);
	if (status == WIRE_OK)
		*reply = json_pack("{s:I}", "index", (json_int_t)index);
	return status;
}

static bool get_rule(const json_t *request, struct rule *rule, json_t **reply)
{
	const char *text = json_string_value(json_object_get(request, "rule"));
	struct rule_error error;

	if (!text) {
		command_refuse(reply, "the request has no rule");
		return false;
	}
	if (rule_parse_text(text, rule, &error)) {
		command_refuse(reply, "%s", error.text);
		return false;
	}
	return true;
}

static bool get_index(const json_t *request, const char *key, size_t *index, json_t **reply)
{
	const json_t *value = json_object_get(request, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		command_refuse(reply, "the request has no %s", key);
		return false;
	}
	*index = json_integer_value(value);
	return true;
}

static bool get_chain(const json_t *request, enum chain *chain, json_t **reply)
{
	const char *name = json_string_value(json_object_get(request, "chain"));

	if (!name || chain_parse(name, chain)) {
		command_refuse(reply, "%s: expected INPUT, OUTPUT or FORWARD",
			       name ? name : "no chain");
		return false;
	}
	return true;
}

static enum wire_status do_append(struct daemon *d, const json_t *request, json_t **reply)
{
	struct rule rule;

	if (!get_rule(request, &rule, reply))
		return WIRE_REFUSED;
	return insert_rule(d, &rule, d->rules->chains[rule.chain].list.n, reply);
}

static enum wire_status do_insert(struct daemon *d, const json_t *request, json_t **reply)
{
	struct rule rule;
	size_t index;

	if (!get_rule(request, &rule, reply) || !get_index(request, "index", &index, reply))
		return WIRE_REFUSED;
	return insert_rule(d, &rule, index, reply);
}

static enum wire_status do_delete(struct daemon *d, const json_t *request, json_t **reply)
{
	struct store_change change = {.kind = STORE_DELETE};
	char text[RULE_TEXT_MAX];
	struct ruleset *rules;
	enum wire_status status;
	enum chain chain;
	size_t index;
	int r;

	if (!get_chain(request, &chain, reply) || !get_index(request, "index", &index, reply))
		return WIRE_REFUSED;
	r = ruleset_delete(d->rules, chain, index, &rules);
	if (r == -ERANGE)
		return command_refuse(reply, "no rule %zu in chain %s: it has %zu rules", index,
				      chain_name(chain), d->rules->chains[chain].list.n);
	if (r)
		return command_refuse(reply, "%s", strerror(-r));
	rule_format(rule_chain_at(&d->rules->chains[chain], index), text);
	change.index = index;
	change.rule.chain = chain;
	status = command_change(d, &change, rules, reply);
	if (status == WIRE_OK)
		*reply = json_pack("{s:s}", "rule", text);
	return status;
}

/* What has passed in the kernel counts as well. */
static void fold_cache(void *cookie)
{
	const struct daemon *d = cookie;

	cache_fold(d->cache);
}

static enum wire_status do_list(struct daemon *d, const json_t *request, json_t **reply)
{
	enum chain chain, *only = NULL;

	if (json_object_get(request, "chain")) {
		if (!get_chain(request, &chain, reply))
			return WIRE_REFUSED;
		only = &chain;
	}
	mailbox_call(d->mailbox, fold_cache, d);
	*reply = report_rules(d->rules, only);
	if (d->rules->patches.n)
		json_object_set_new(*reply, "patches", report_patches(d->rules, NULL));
	return WIRE_OK;
}

#define ASK_AGAIN_NS 5000000
#define ASK_TIMES    200

/* A question to the data thread. */
struct asked {
	struct daemon *d;
	uint32_t pid;
	enum chain chain;     /* explain's */
	struct packet packet; /* explain's */
	bool final;
	int r;
	json_t *reply;
};

/* Digests may still be on their way: the data thread is asked again, not made to wait. */
static enum wire_status ask_until_known(struct asked *a, void (*ask)(void *cookie), json_t **reply)
{
	static const struct timespec pause = {.tv_nsec = ASK_AGAIN_NS};

	for (int i = 0; i < ASK_TIMES; i++) {
		a->final = i == ASK_TIMES - 1;
		mailbox_call(a->d->mailbox, ask, a);
		if (a->r != -EAGAIN)
			break;
		nanosleep(&pause, NULL);
	}
	if (a->r)
		return command_refuse(reply, "pid %u: %s", a->pid, strerror(-a->r));
	*reply = a->reply;
	return WIRE_OK;
}

static void ask_status(void *cookie)
{
	struct asked *a = cookie;

	a->reply = report_status(a->d);
}

static void ask_stats(void *cookie)
{
	struct asked *a = cookie;

	cache_fold(a->d->cache);
	a->reply = report_stats(a->d);
}

static void ask_objects(void *cookie)
{
	struct asked *a = cookie;

	a->r = judge_report(a->d->judge, a->pid, a->final, &a->reply);
}

static enum wire_status do_status(struct daemon *d, const json_t *request, json_t **reply)
{
	struct asked a = {.d = d};

	(void)request;
	mailbox_call(d->mailbox, ask_status, &a);
	*reply = a.reply;
	return WIRE_OK;
}

static enum wire_status do_stats(struct daemon *d, const json_t *request, json_t **reply)
{
	struct asked a = {.d = d};

	(void)request;
	mailbox_call(d->mailbox, ask_stats, &a);
	*reply = a.reply;
	return WIRE_OK;
}

static bool get_pid(const json_t *request, uint32_t *pid, json_t **reply)
{
	size_t n;

	if (!get_index(request, "pid", &n, reply))
		return false;
	*pid = n;
	return true;
}

static enum wire_status do_objects(struct daemon *d, const json_t *request, json_t **reply)
{
	struct asked a = {.d = d};

	if (!get_pid(request, &a.pid, reply))
		return WIRE_REFUSED;
	return ask_until_known(&a, ask_objects, reply);
}

static void ask_explain(void *cookie)
{
	struct asked *a = cookie;

	a->r = judge_explain(a->d->judge, a->pid, a->chain, &a->packet, a->final, &a->reply);
}

static enum wire_status do_explain(struct daemon *d, const json_t *request, json_t **reply)
{
	struct asked a = {.d = d};
	struct rule described;
	const char *what;

	if (!get_pid(request, &a.pid, reply) || !get_rule(request, &described, reply))
		return WIRE_REFUSED;
	if (explain_packet(&described, &a.packet, &what))
		return command_refuse(reply, "%s: expected what describes one packet", what);
	a.chain = described.chain;
	return ask_until_known(&a, ask_explain, reply);
}

static enum wire_status do_policy(struct daemon *d, const json_t *request, json_t **reply)
{
	const char *word = json_string_value(json_object_get(request, "policy"));
	enum verdict policy, unknown;
	enum wire_status status;
	enum chain chain;
	struct ruleset *rules;
	int r;

	if (!get_chain(request, &chain, reply))
		return WIRE_REFUSED;
	if (!word || policy_parse(word, &policy))
		return command_refuse(reply, "%s: expected ACCEPT or DROP",
				      word ? word : "no policy");
	unknown = d->options.unknown_given ? d->rules->unknown[chain] : policy;
	r = ruleset_set_policy(d->rules, chain, policy, unknown, &rules);
	if (r)
		return command_refuse(reply, "%s", strerror(-r));
	status = command_commit(d, rules, reply);
	if (status == WIRE_OK)
		*reply = json_object();
	return status;
}

typedef enum wire_status (*command_fn)(struct daemon *d, const json_t *request, json_t **reply);

static const command_fn commands[WIRE_COMMAND_COUNT] = {
	[WIRE_APPEND] = do_append,
	[WIRE_INSERT] = do_insert,
	[WIRE_DELETE] = do_delete,
	[WIRE_LIST] = do_list,
	[WIRE_STATUS] = do_status,
	[WIRE_STATS] = do_stats,
	[WIRE_OBJECTS] = do_objects,
	[WIRE_EXPLAIN] = do_explain,
	[WIRE_SETS] = command_sets,
	[WIRE_SET_ADD] = command_set_add,
	[WIRE_SET_REMOVE] = command_set_remove,
	[WIRE_SET_REFRESH] = command_set_refresh,
	[WIRE_SET_EXPECT] = command_set_expect,
	[WIRE_POLICY] = do_policy,
	[WIRE_SAVE] = command_save,
	[WIRE_RESTORE] = command_restore,
	[WIRE_MODE] = command_mode,
	[WIRE_CONFIRM] = command_confirm,
	[WIRE_EVENTS] = command_events,
	[WIRE_TOP] = command_top,
	[WIRE_LEARN] = command_learn,
	[WIRE_SUGGEST] = command_suggest,
	[WIRE_HOOK] = command_hook,
	[WIRE_PATCHES] = command_patches,
	[WIRE_PATCH_ADD] = command_patch_add,
	[WIRE_PATCH_REMOVE] = command_patch_remove,
	[WIRE_SIG_LOAD] = command_sig_load,
	[WIRE_SIG_LIST] = command_sig_list,
	[WIRE_SIG_REMOVE] = command_sig_remove,
};

enum wire_status command_handle(void *daemon, enum wire_command command, const json_t *request,
				json_t **reply)
{
	if (command >= WIRE_COMMAND_COUNT || !commands[command])
		return command_refuse(reply, "this daemon does not know the command");
	return commands[command](daemon, request, reply);
}
