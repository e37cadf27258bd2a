// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_sig.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "command_patch.h"
#include "common/cleanup.h"
#include "log.h"
#include "queue_message.h"
#include "sig_builtin.h"
#include "sig_file.h"
#include "sig_list.h"
#include "store.h"

#define SAVED_MAX (256u << 20)

struct publication {
	struct daemon *d;
	struct sig_set *set;
	json_t *report;
};

struct copying {
	struct daemon *d;
	uint32_t bytes;
	int r;
};

/* By the thread whose queues they are. */
static void copy_loops(void *cookie, struct loop *loop)
{
	struct copying *c = cookie;

	for (size_t i = 0; !c->r && i < c->d->n_queues; i++)
		if (queue_loop(c->d->queues[i]) == loop)
			c->r = queue_copy(c->d->queues[i], c->bytes);
}

static int copy_all(struct daemon *d, bool inspects)
{
	struct copying c = {.d = d, .bytes = inspects ? QUEUE_MESSAGE_COPY_MAX : d->copy_bytes};

	data_threads_each(d->threads, copy_loops, &c);
	return c.r;
}

static void put_in_force(void *cookie)
{
	struct publication *p = cookie;

	inspect_use(p->d->inspect, p->set);
	judge_set_inspect(p->d->judge, p->d->inspect);
}

/* Whole packets come before somebody looks at them, and end after nobody does any more. */
static int publish(struct daemon *d, struct sig_set *set)
{
	struct publication p = {.d = d, .set = set};
	int r = set ? copy_all(d, true) : 0;

	if (!r && d->control_running)
		mailbox_call(d->mailbox, put_in_force, &p);
	else if (!r)
		put_in_force(&p);
	/* Too much is copied where this fails, and nothing else. */
	if (!set && copy_all(d, false))
		log_line("app-fw: packets are still copied whole");
	sig_set_unref(set);
	malloc_trim(0); /* compiling takes much memory for a moment */
	return r;
}

static int compile(const struct daemon *d, const struct sig_list *list, struct sig_set **out,
		   char err[SIG_FILE_ERROR])
{
	struct sig_error why = {""};
	uint32_t sid = 0;
	int r = sig_list_compile(list, d->patches, d->n_patches, out, &sid, &why);

	if (r)
		snprintf(err, SIG_FILE_ERROR, "sid %u: %s", sid,
			 *why.text ? why.text : strerror(-r));
	return r;
}

/* Takes the set over, and, if it is in force then, the list. */
static int use(struct daemon *d, struct sig_list *list, struct sig_set *set)
{
	int r = publish(d, set);

	if (r)
		return r;
	sig_list_clear(&d->signatures);
	d->signatures = *list;
	*list = (struct sig_list){.n = 0};
	return 0;
}

static int save(const struct daemon *d, const struct sig_list *list)
{
	_cleanup_free_ char *text = NULL;

	if (!d->options.state)
		return 0;
	text = sig_file_format(list->rules, list->n, list->depth);
	return text ? store_save_text(d->options.state, COMMAND_SIG_FILE, text) : -ENOMEM;
}

/* Compiled before it is saved, and saved before it is in force and acknowledged. The list is taken
 * over. */
static enum wire_status commit(struct daemon *d, struct sig_list *list, json_t **reply)
{
	char err[SIG_FILE_ERROR] = "";
	struct sig_set *set = NULL;
	int r = compile(d, list, &set, err);

	if (!r) {
		r = save(d, list);
		if (r)
			snprintf(err, sizeof(err), "cannot save the signatures in %.200s: %s",
				 d->options.state, strerror(-r));
	}
	if (r)
		sig_set_unref(set);
	else if ((r = use(d, list, set)))
		save(d, &d->signatures);
	sig_list_clear(list);
	if (r)
		return command_refuse(reply, "%s", *err ? err : strerror(-r));
	return WIRE_OK;
}

/* The sets of digests that rules name must be there. */
static int check_sets(const struct daemon *d, const struct sig_file *f, const char *name, char *err)
{
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < f->rules[i]->n_apps; k++) {
			const struct sig_app *a = &f->rules[i]->apps[k];

			if (!a->is_set || ruleset_set(d->rules, a->set))
				continue;
			snprintf(err, SIG_FILE_ERROR, "%.100s, line %zu: app_set %s: no such set",
				 name, f->lines[i], a->set);
			return -ENOENT;
		}
	return 0;
}

/* For `status`. Without memory for it, it is not known. */
static void note_source(struct daemon *d, const char *file)
{
	free(d->signatures_file);
	d->signatures_file = file ? strdup(file) : NULL;
	d->signatures_s = clock_real_ns() / SECOND;
}

static enum wire_status load(struct daemon *d, struct sig_file *f, const char *name, json_t **reply)
{
	uint64_t began = clock_monotonic_ns();
	struct sig_list list;
	int r = sig_list_merge(&d->signatures, f, &list);

	if (r == -E2BIG)
		return command_refuse(reply, "more than %d signatures", SIG_RULES_MAX);
	if (r)
		return command_refuse(reply, "%s", strerror(-r));
	if (commit(d, &list, reply) != WIRE_OK)
		return WIRE_REFUSED;
	command_patch_signatures(d); /* of those that were replaced; what fails is logged */
	note_source(d, strlen(name) < PATH_MAX ? name : "a file of a very long name");
	*reply = json_pack("{s:I, s:I, s:s?, s:I, s:I}", "loaded", (json_int_t)f->n, "skipped",
			   (json_int_t)f->skipped, "first_skipped", f->first_skipped, "signatures",
			   (json_int_t)d->signatures.n, "compiled_ms",
			   (json_int_t)((clock_monotonic_ns() - began) / 1000000));
	return WIRE_OK;
}

enum wire_status command_sig_load(struct daemon *d, const json_t *request, json_t **reply)
{
	_cleanup_(sig_file_clear) struct sig_file f = {.n = 0};
	const char *name = json_string_value(json_object_get(request, "name"));
	const char *text = json_string_value(json_object_get(request, "text"));
	const char *limit = json_string_value(json_object_get(request, "limit"));
	bool skip = json_is_true(json_object_get(request, "skip_unsupported"));
	char err[SIG_FILE_ERROR];

	if (name && !text) {
		text = sig_builtin_text(name);
		if (!text)
			return command_refuse(reply, "%s: expected one of %s", name,
					      SIG_BUILTIN_NAMES);
	}
	if (!text)
		return command_refuse(reply, "the request has no text");
	name = name ? name : "signatures";
	if (sig_file_parse(name, text, limit, skip, &f, err) ||
	    sig_file_check(&f, name, skip, err) || check_sets(d, &f, name, err))
		return command_refuse(reply, "%s", err);
	return load(d, &f, name, reply);
}

static json_t *signature_json(const struct sig_rule *r, bool patch)
{
	char cve[32];

	sig_rule_cve(r, cve);
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s?, s:I, s:b}", "sid", (json_int_t)r->sid,
			 "rev", (json_int_t)r->rev, "action", sig_action_name(r->action), "msg",
			 r->msg, "classtype", r->classtype, "cve", *cve ? cve : NULL, "hits",
			 (json_int_t)__atomic_load_n(&r->hits, __ATOMIC_RELAXED), "patch", patch);
}

static void ask_inspection(void *cookie)
{
	struct publication *p = cookie;

	p->report = inspect_report(p->d->inspect);
}

enum wire_status command_sig_list(struct daemon *d, const json_t *request, json_t **reply)
{
	struct publication p = {.d = d};
	json_t *list = json_array();

	(void)request;
	for (size_t i = 0; i < d->signatures.n; i++)
		json_array_append_new(list, signature_json(d->signatures.rules[i], false));
	for (size_t i = 0; i < d->n_patches; i++)
		json_array_append_new(list, signature_json(d->patches[i], true));
	mailbox_call(d->mailbox, ask_inspection, &p);
	*reply = json_pack("{s:o, s:o}", "signatures", list, "inspection", p.report);
	return WIRE_OK;
}

/* The id of a patch that is made of a signature which would go; 0: none is. */
static uint64_t patch_by_sid(const struct daemon *d, bool all, json_int_t sid)
{
	const struct patch_list *l = &d->rules->patches;

	for (size_t i = 0; i < l->n; i++) {
		const struct patch *p = &l->entries[i]->patch;

		if (p->payload_kind == PATCH_PAYLOAD_SID && (all || p->sid == sid))
			return p->id;
	}
	return 0;
}

enum wire_status command_sig_remove(struct daemon *d, const json_t *request, json_t **reply)
{
	json_int_t sid = json_integer_value(json_object_get(request, "sid"));
	bool all = json_is_true(json_object_get(request, "all"));
	struct sig_list list = {.depth = SIG_DEPTH_DEFAULT};
	size_t before = d->signatures.n;
	const uint64_t user = patch_by_sid(d, all, sid);
	int r = all ? 0 : -ENOENT;

	if (user)
		return command_refuse(reply, "patch %ju is made of it: see ctl-fw patch rm",
				      (uintmax_t)user);
	if (!all && sid > 0 && sid <= UINT32_MAX)
		r = sig_list_remove(&d->signatures, (uint32_t)sid, &list);
	if (r == -ENOENT)
		return command_refuse(reply, "sid %" JSON_INTEGER_FORMAT ": no such signature",
				      sid);
	if (r)
		return command_refuse(reply, "%s", strerror(-r));
	if (commit(d, &list, reply) != WIRE_OK)
		return WIRE_REFUSED;
	if (!d->signatures.n)
		note_source(d, NULL);
	*reply = json_pack("{s:I}", "removed", (json_int_t)(before - d->signatures.n));
	return WIRE_OK;
}

int command_sig_patches(struct daemon *d, struct sig_rule *const *rules, size_t n,
			struct sig_error *err)
{
	struct sig_rule **copy = calloc(n + 1, sizeof(struct sig_rule *));
	struct sig_set *set;
	uint32_t sid;
	int r;

	if (!copy)
		return -ENOMEM;
	r = sig_list_compile(&d->signatures, rules, n, &set, &sid, err);
	r = r ? r : publish(d, set);
	if (r) {
		free(copy);
		return r;
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = sig_rule_ref(rules[i]);
	for (size_t i = 0; i < d->n_patches; i++)
		sig_rule_unref(d->patches[i]);
	free(d->patches);
	d->patches = copy;
	d->n_patches = n;
	return 0;
}

/* No file: 0, and *out is NULL. */
static int read_saved(const char *dir, char **out)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	struct stat st;

	*out = NULL;
	if (asprintf(&path, "%s/%s", dir, COMMAND_SIG_FILE) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fileno(f), &st))
		return -errno;
	if (st.st_size > SAVED_MAX)
		return -EFBIG;
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	if (fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		return -EIO;
	*out = TAKE_PTR(text);
	return 0;
}

/* A set of digests that is gone meanwhile has nothing in it: the signature still counts. */
static int read_list(struct daemon *d, struct sig_list *out, char err[SIG_FILE_ERROR])
{
	_cleanup_(sig_file_clear) struct sig_file f = {.n = 0};
	_cleanup_free_ char *text = NULL;
	const struct sig_list none = {.depth = SIG_DEPTH_DEFAULT};
	int r = d->options.state ? read_saved(d->options.state, &text) : 0;

	if (!r && text)
		r = sig_file_parse(COMMAND_SIG_FILE, text, NULL, false, &f, err);
	return r ? r : sig_list_merge(&none, &f, out);
}

int command_sig_reload(struct daemon *d)
{
	char err[SIG_FILE_ERROR] = "";
	struct sig_list list = {.n = 0};
	struct sig_set *set = NULL;
	int r = read_list(d, &list, err);

	if (!r && (list.n || d->signatures.n || d->n_patches)) {
		r = compile(d, &list, &set, err);
		r = r ? r : use(d, &list, set);
	}
	if (!r)
		note_source(d, d->signatures.n ? COMMAND_SIG_FILE : NULL);
	sig_list_clear(&list);
	if (r)
		log_line("app-fw: the saved signatures: %s", *err ? err : strerror(-r));
	return r ? r : command_patch_signatures(d);
}

int command_sig_start(struct daemon *d)
{
	d->signatures.depth = SIG_DEPTH_DEFAULT;
	return command_sig_reload(d);
}

void command_sig_stop(struct daemon *d)
{
	sig_list_clear(&d->signatures);
	for (size_t i = 0; i < d->n_patches; i++)
		sig_rule_unref(d->patches[i]);
	free(d->patches);
	d->patches = NULL;
	d->n_patches = 0;
	note_source(d, NULL);
}
