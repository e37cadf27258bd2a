/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command_set.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "common/cleanup.h"
#include "report_set.h"

/* What a request asks for, checked. The texts are the request's. */
struct asked {
	const char *name;
	uint64_t grace_s;
	struct set_item *items;
	size_t n;
};

static void cleanup_asked(struct asked *a)
{
	free(a->items);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool get_name(const json_t *request, const char **name, json_t **reply)
{
	const char *fault;

	*name = text_of(request, "set");
	fault = set_name_fault(*name);
	if (fault)
		command_refuse(reply, "set %.40s: %s", *name, fault);
	return !fault;
}

static bool get_grace(const json_t *request, uint64_t *grace_s, json_t **reply)
{
	const json_t *value = json_object_get(request, "grace_s");

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > SET_GRACE_MAX_S) {
		command_refuse(reply, "grace_s: expected a number 0..%d", SET_GRACE_MAX_S);
		return false;
	}
	*grace_s = (uint64_t)json_integer_value(value);
	return true;
}

/* [PATH, HEX] of a source whose package and root *item has already. */
static bool get_file(const json_t *file, struct set_item *item, json_t **reply)
{
	const char *path = json_string_value(json_array_get(file, 0));
	const char *hex = json_string_value(json_array_get(file, 1));
	const char *fault = set_path_fault(path ? path : "");

	if (fault) {
		command_refuse(reply, "%.200s: %s", path ? path : "a file", fault);
		return false;
	}
	if (!hex || hex_parse_sha256(hex, &item->digest)) {
		command_refuse(reply, "%.200s: expected its SHA-256", path);
		return false;
	}
	item->path = path;
	return true;
}

static bool check_source(const struct set_item *source, json_t **reply)
{
	const char *fault = *source->package ? set_package_fault(source->package) : NULL;
	const char *word = source->package;

	if (!fault && *source->root)
		fault = *source->package ? set_path_fault(word = source->root)
					 : "expected a package with a root";
	if (fault)
		command_refuse(reply, "%.200s: %s", word, fault);
	return !fault;
}

static bool get_source(const json_t *source, struct asked *a, json_t **reply)
{
	const json_t *files = json_object_get(source, "files"), *file;
	struct set_item item = {.package = text_of(source, "package"),
				.root = text_of(source, "root")};
	size_t i;

	if (!check_source(&item, reply))
		return false;
	json_array_foreach(files, i, file) {
		if (a->n == SET_MEMBERS_MAX) {
			command_refuse(reply, "set %s: more than %d files", a->name,
				       SET_MEMBERS_MAX);
			return false;
		}
		if (!get_file(file, &item, reply))
			return false;
		a->items[a->n++] = item;
	}
	return true;
}

/* The name and the files; the grace too where the command has one. */
static bool get_asked(const json_t *request, bool has_grace, struct asked *a, json_t **reply)
{
	const json_t *source;
	size_t i;

	if (!get_name(request, &a->name, reply) ||
	    (has_grace && !get_grace(request, &a->grace_s, reply)))
		return false;
	a->items = calloc(SET_MEMBERS_MAX, sizeof(*a->items));
	if (!a->items) {
		command_refuse(reply, "%s", strerror(ENOMEM));
		return false;
	}
	json_array_foreach(json_object_get(request, "sources"), i, source)
		if (!get_source(source, a, reply))
			return false;
	if (a->n == 0)
		command_refuse(reply, "set %s: no files", a->name);
	return a->n > 0;
}

/* The file of the request that is in the set, or in the request, with another digest. */
static const char *conflict(const struct set *old, const struct asked *a)
{
	for (size_t i = 0; i < a->n; i++) {
		for (size_t j = 0; old && j < old->n_current; j++)
			if (set_item_cmp(&a->items[i], &old->items[j]) == 0 &&
			    sha256_cmp(&a->items[i].digest, &old->items[j].digest) != 0)
				return a->items[i].path;
		for (size_t j = 0; j < i; j++)
			if (set_item_cmp(&a->items[i], &a->items[j]) == 0 &&
			    sha256_cmp(&a->items[i].digest, &a->items[j].digest) != 0)
				return a->items[i].path;
	}
	return "a file";
}

static enum wire_status refuse_change(const struct set *old, const struct asked *a, int r,
				      json_t **reply)
{
	if (r == -EEXIST)
		return command_refuse(reply,
				      "%s: in set %s with another digest: see ctl-fw set refresh",
				      conflict(old, a), a->name);
	if (r == -E2BIG)
		return command_refuse(reply,
				      "set %s: more than %d files, or %d digests with the old ones",
				      a->name, SET_MEMBERS_MAX, SET_ITEMS_MAX);
	if (r == -ESTALE)
		return command_refuse(reply, "set %s: its files or packages are others by now",
				      a->name);
	return command_refuse(reply, "set %s: %s", a->name, strerror(-r));
}

/* Saves and publishes the rules with `made` (taken over) in them, and tells what is new. */
static enum wire_status put(struct daemon *d, struct set *made, json_t **reply)
{
	const struct set *old = ruleset_set(d->rules, made->name);
	json_t *changes = report_set_changes(old, made);
	struct ruleset *rules;
	enum wire_status status;
	int r = ruleset_put_set(d->rules, made, &rules);

	if (r) {
		status = r == -E2BIG ? command_refuse(reply, "set %s: there are %d sets already",
						      made->name, SETS_MAX)
				     : command_refuse(reply, "%s", strerror(-r));
	} else {
		status = command_commit(d, rules, reply);
	}
	if (status == WIRE_OK)
		*reply = changes;
	else
		json_decref(changes);
	set_unref(made);
	return status;
}

/* What a change of a set came to. */
static enum wire_status settle(struct daemon *d, const struct asked *a, int r, struct set *made,
			       json_t **reply)
{
	const struct set *old = ruleset_set(d->rules, a->name);

	if (r == -EALREADY) {
		*reply = report_set_changes(old, old);
		return WIRE_OK;
	}
	return r ? refuse_change(old, a, r, reply) : put(d, made, reply);
}

static struct set *find(const struct daemon *d, const char *name, json_t **reply)
{
	struct set *set = ruleset_set(d->rules, name);

	if (!set)
		command_refuse(reply, "set %s: no such set", name);
	return set;
}

/* A request with a grace, about a set that there is: that set, or NULL when it is refused. */
static const struct set *get_asked_of(const struct daemon *d, const json_t *request,
				      struct asked *a, json_t **reply)
{
	return get_asked(request, true, a, reply) ? find(d, a->name, reply) : NULL;
}

enum wire_status command_set_add(struct daemon *d, const json_t *request, json_t **reply)
{
	_cleanup_(cleanup_asked) struct asked a = {.n = 0};
	const struct set *old;
	struct set *made = NULL;
	int r;

	if (!get_asked(request, false, &a, reply))
		return WIRE_REFUSED;
	old = ruleset_set(d->rules, a.name);
	r = old ? set_add(old, a.items, a.n, &made) : set_new(a.name, a.items, a.n, &made);
	return settle(d, &a, r, made, reply);
}

enum wire_status command_set_refresh(struct daemon *d, const json_t *request, json_t **reply)
{
	_cleanup_(cleanup_asked) struct asked a = {.n = 0};
	uint64_t until_ns;
	const struct set *old;
	struct set *made = NULL;
	int r;

	old = get_asked_of(d, request, &a, reply);
	if (!old)
		return WIRE_REFUSED;
	until_ns = a.grace_s ? clock_monotonic_ns() + a.grace_s * SECOND : 0;
	r = set_refresh(old, a.items, a.n, until_ns, &made);
	return settle(d, &a, r, made, reply);
}

static bool has_package(const struct set *set, const struct set_item *of)
{
	for (size_t i = 0; i < set->n_current; i++)
		if (*of->package && strcmp(set->items[i].package, of->package) == 0 &&
		    strcmp(set->items[i].root, of->root) == 0)
			return true;
	return false;
}

/* Digests for a time only: of what a package of the set is about to bring. */
enum wire_status command_set_expect(struct daemon *d, const json_t *request, json_t **reply)
{
	_cleanup_(cleanup_asked) struct asked a = {.n = 0};
	const struct set *old;
	struct set *made = NULL;
	int r;

	old = get_asked_of(d, request, &a, reply);
	if (!old)
		return WIRE_REFUSED;
	if (a.grace_s == 0)
		return command_refuse(reply, "grace_s: expected a number 1..%d", SET_GRACE_MAX_S);
	for (size_t i = 0; i < a.n; i++) {
		if (!has_package(old, &a.items[i]))
			return command_refuse(reply, "%s: its package is not in set %s",
					      a.items[i].path, a.name);
		a.items[i].until_ns = clock_monotonic_ns() + a.grace_s * SECOND;
	}
	r = set_add(old, a.items, a.n, &made);
	return settle(d, &a, r, made, reply);
}

/* The id of the patch whose criteria these are; 0: they are a rule's. */
static uint64_t patch_of(const struct daemon *d, const struct rule *rule)
{
	const struct patch_list *l = &d->rules->patches;

	for (size_t i = 0; i < l->n; i++)
		if (&l->entries[i]->patch.rule == rule)
			return l->entries[i]->patch.id;
	return 0;
}

enum wire_status command_set_remove(struct daemon *d, const json_t *request, json_t **reply)
{
	char text[RULE_TEXT_MAX];
	const struct rule *user;
	struct ruleset *rules;
	const char *name;
	size_t index;
	int r;

	if (!get_name(request, &name, reply) || !find(d, name, reply))
		return WIRE_REFUSED;
	r = ruleset_drop_set(d->rules, name, &rules);
	if (r == -EBUSY) {
		user = ruleset_user(d->rules, name, &index);
		if (patch_of(d, user))
			return command_refuse(reply, "set %s is in use by patch %ju", name,
					      (uintmax_t)patch_of(d, user));
		rule_format(user, text);
		return command_refuse(reply, "set %s is in use by rule %zu: %s", name, index, text);
	}
	return r ? command_refuse(reply, "%s", strerror(-r)) : command_commit(d, rules, reply);
}

enum wire_status command_sets(struct daemon *d, const json_t *request, json_t **reply)
{
	const char *name = NULL;

	if (json_object_get(request, "set") &&
	    (!get_name(request, &name, reply) || !find(d, name, reply)))
		return WIRE_REFUSED;
	*reply = report_sets(d->rules, name, clock_monotonic_ns());
	return WIRE_OK;
}
