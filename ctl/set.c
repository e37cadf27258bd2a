/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "common/duration.h"
#include "common/set_words.h"
#include "print.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* --- What verbs share --- */

void set_show_changes(const json_t *reply)
{
	const json_t *changed = json_object_get(reply, "changed"), *item;
	const json_t *expected = json_object_get(reply, "expected");
	struct print_room set, path, digest;
	size_t i;

	if (json_array_size(changed) + json_array_size(expected) == 0) {
		print_text(STYLE_PLAIN, print_field(reply, "set", &set));
		printf(": nothing has changed\n");
	}
	json_array_foreach(changed, i, item) {
		print_text(STYLE_HEADING, print_field(reply, "set", &set));
		printf(": ");
		print_text(STYLE_HEADING, print_field(item, "path", &path));
		putchar('\n');
		print_pair("  old", STYLE_PLAIN, print_field(item, "old", &digest));
		print_pair("  new", STYLE_PLAIN, print_field(item, "new", &digest));
	}
	json_array_foreach(expected, i, item) {
		print_text(STYLE_HEADING, print_field(reply, "set", &set));
		printf(": ");
		print_text(STYLE_HEADING, print_field(item, "path", &path));
		putchar('\n');
		print_pair("  expected", STYLE_PLAIN, print_field(item, "sha256", &digest));
	}
}

int set_failed(const char *name, const char *error, json_t *results)
{
	print_error("set %s: %s", name, error);
	json_array_append_new(results, json_pack("{s:s,s:s}", "set", name, "error", error));
	return STATUS_REFUSED;
}

int set_change(const struct set_words *w, enum wire_command command, const char *name,
	       json_t *request, json_t *results)
{
	struct client_reply reply;
	struct print_room room;
	int status = ask_for_reply(w->line, command, request, &reply);

	if (status != STATUS_DONE)
		return status;
	if (reply.status != WIRE_OK) {
		print_error("refused: %s", print_field(reply.json, "error", &room));
		json_object_set_new(reply.json, "set", json_string(name));
		status = STATUS_REFUSED;
	}
	json_array_append(results, reply.json);
	client_reply_free(&reply);
	return status;
}

void set_show_results(const struct set_words *w, json_t *results)
{
	const json_t *item;
	json_t *whole;
	size_t i;

	if (w->line->json) {
		whole = json_pack("{s:O}", "sets", results);
		print_json(whole);
		json_decref(whole);
	} else {
		json_array_foreach(results, i, item)
			if (!json_object_get(item, "error"))
				set_show_changes(item);
	}
	json_decref(results);
}

static json_t *naming(const struct set_words *w)
{
	return w->name ? json_pack("{s:s}", "set", w->name) : json_object();
}

int set_fetch(const struct set_words *w, json_t **out)
{
	struct client_reply reply;
	struct print_room room;
	int status = ask_for_reply(w->line, WIRE_SETS, naming(w), &reply);

	if (status != STATUS_DONE)
		return status;
	if (reply.status == WIRE_OK) {
		*out = json_incref(reply.json);
	} else {
		print_error("refused: %s", print_field(reply.json, "error", &room));
		status = STATUS_REFUSED;
	}
	client_reply_free(&reply);
	return status;
}

/* --- The short ones --- */

static void show_set(const json_t *set)
{
	static const char *const keys[] = {"sha256", "valid_s", "package", "path"};
	struct print_room name, rules;

	print_text(STYLE_HEADING, "Set ");
	print_text(STYLE_HEADING, print_field(set, "set", &name));
	printf(" (named by ");
	print_text(STYLE_PLAIN, print_field(set, "rules", &rules));
	printf(" rules)\n");
	print_rows(json_object_get(set, "files"), "lrll", keys);
}

static void show_sets(const json_t *reply)
{
	const json_t *set;
	size_t i;

	json_array_foreach(json_object_get(reply, "sets"), i, set) {
		if (i > 0)
			putchar('\n');
		show_set(set);
	}
}

static int set_list_run(const struct set_words *w)
{
	return ask_daemon(w->line, WIRE_SETS, naming(w), show_sets);
}

static int set_rm_run(const struct set_words *w)
{
	return ask_daemon(w->line, WIRE_SET_REMOVE, naming(w), NULL);
}

/* --- The table of them --- */

enum takes {
	TAKES_NAME = 1,
	TAKES_PATHS = 2,
	TAKES_DPKG = 4,
	TAKES_ROOT = 8,
	TAKES_GRACE = 16,
	NEEDS_NAME = 32,
	NEEDS_PATHS = 64, /* or, where it takes that, --dpkg */
};

static const struct verb {
	const char *name;
	unsigned int takes;
	int (*run)(const struct set_words *w);
	const char *words;
} verbs[] = {
	{"add", TAKES_NAME | NEEDS_NAME | TAKES_PATHS | NEEDS_PATHS | TAKES_DPKG | TAKES_ROOT,
	 set_add_run, "NAME PATH..., or NAME --dpkg PACKAGE [--root DIR]"},
	{"rm", TAKES_NAME | NEEDS_NAME, set_rm_run, "NAME"},
	{"list", TAKES_NAME, set_list_run, "at most NAME"},
	{"refresh", TAKES_NAME | TAKES_GRACE, set_refresh_run, "at most NAME, and --grace N[smhd]"},
	{"expect", TAKES_PATHS | NEEDS_PATHS | TAKES_ROOT | TAKES_GRACE, set_expect_run,
	 "ARCHIVE..., [--root DIR] and [--grace N[smhd]]"},
};

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < LENGTH(verbs); i++)
		if (strcmp(verbs[i].name, word) == 0)
			return &verbs[i];
	print_error("set %s: expected add, rm, list, refresh or expect", cmdline_show(word));
	return NULL;
}

/* The first word that does not go with the verb, or "" if one is missing; NULL: all is well. */
static const char *misplaced(const struct verb *v, const struct set_words *w)
{
	const struct cmdline *line = w->line;

	if (line->dpkg && !(v->takes & TAKES_DPKG))
		return "--dpkg";
	if (line->root && (!(v->takes & TAKES_ROOT) || (v->takes & TAKES_DPKG && !line->dpkg)))
		return "--root";
	if (line->grace && !(v->takes & TAKES_GRACE))
		return "--grace";
	if (w->n_paths > 0 && (!(v->takes & TAKES_PATHS) || line->dpkg))
		return w->paths[0];
	if ((v->takes & NEEDS_NAME && !w->name) ||
	    (v->takes & NEEDS_PATHS && w->n_paths == 0 && !line->dpkg))
		return "";
	return NULL;
}

static int read_root(const char *text, char out[SET_PATH_MAX + 1])
{
	char *real = realpath(text, NULL);
	const char *fault;

	if (!real) {
		print_error("--root %s: %s", cmdline_show(text), strerror(errno));
		return STATUS_USAGE;
	}
	fault = set_path_fault(real);
	if (fault)
		print_error("--root %s: %s", text, fault);
	else
		strcpy(out, strcmp(real, "/") == 0 ? "" : real);
	free(real);
	return fault ? STATUS_USAGE : STATUS_DONE;
}

static int read_values(struct set_words *w)
{
	const struct cmdline *line = w->line;
	const char *fault = w->name ? set_name_fault(w->name) : NULL;

	if (fault) {
		print_error("set %s: %s", cmdline_show(w->name), fault);
		return STATUS_USAGE;
	}
	fault = line->dpkg ? set_package_fault(line->dpkg) : NULL;
	if (fault) {
		print_error("--dpkg %s: %s", cmdline_show(line->dpkg), fault);
		return STATUS_USAGE;
	}
	if (line->grace && duration_parse(line->grace, SET_GRACE_MAX_S, &w->grace_s)) {
		print_error("--grace %s: expected a number and s, m, h or d, at most %dd",
			    cmdline_show(line->grace), SET_GRACE_MAX_S / 86400);
		return STATUS_USAGE;
	}
	return line->root && *line->root ? read_root(line->root, w->root) : STATUS_DONE;
}

int set_main(const struct cmdline *line)
{
	struct set_words w = {.line = line, .grace_s = SET_GRACE_DEFAULT_S};
	const struct verb *v = find_verb(line->paths[0]);
	const char *word;
	int named, status;

	if (!v)
		return STATUS_USAGE;
	named = v->takes & TAKES_NAME && line->n_paths > 1;
	w.name = named ? line->paths[1] : NULL;
	w.paths = line->paths + 1 + named;
	w.n_paths = line->n_paths - 1 - named;
	word = misplaced(v, &w);
	if (word) {
		print_error("set %s%s%s: expected %s", v->name, *word ? " … " : "", word, v->words);
		return STATUS_USAGE;
	}
	status = read_values(&w);
	return status == STATUS_DONE ? v->run(&w) : status;
}
