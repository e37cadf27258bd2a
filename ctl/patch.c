/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "print.h"
#include "rule_words.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void show_added(const json_t *reply)
{
	struct print_room id;

	printf("patch %s\n", print_field(reply, "id", &id));
}

/* The name of a built-in one comes first, as in its text. */
static int add_run(const struct cmdline *line)
{
	_cleanup_free_ char **words = calloc((size_t)line->n_words + 2, sizeof(*words));
	_cleanup_free_ struct patch *patch = malloc(sizeof(*patch));
	char text[PATCH_TEXT_MAX];
	struct rule_error err;
	int n = 0;

	if (!words || !patch) {
		print_error("out of memory");
		return STATUS_REFUSED;
	}
	if (line->n_paths > 1)
		words[n++] = line->paths[1];
	memcpy(words + n, line->words, (size_t)line->n_words * sizeof(*words));
	n += line->n_words;
	if (rule_words_resolve_patch(n, words, patch, &err)) {
		print_error("%s", err.text);
		return STATUS_USAGE;
	}
	patch_format(patch, text);
	return ask_daemon(line, WIRE_PATCH_ADD, json_pack("{s:s}", "patch", text), show_added);
}

static void show_removed(const json_t *reply)
{
	struct print_room id, text;

	printf("patch %s: ", print_field(reply, "id", &id));
	print_text(STYLE_PLAIN, print_field(reply, "patch", &text));
	putchar('\n');
}

static int rm_run(const struct cmdline *line)
{
	return ask_daemon(line, WIRE_PATCH_REMOVE, json_pack("{s:s}", "patch", line->paths[1]),
			  show_removed);
}

static void show_list(const json_t *reply)
{
	static const char *const keys[] = {"id", "packets", "bytes", "mapped", "patch"};
	static const char *const builtin_keys[] = {"name", "note", "id"};

	print_text(STYLE_HEADING, "Patches");
	putchar('\n');
	print_rows(json_object_get(reply, "patches"), "rrrrl", keys);
	putchar('\n');
	print_text(STYLE_HEADING, "Built in");
	putchar('\n');
	print_rows(json_object_get(reply, "builtin"), "llr", builtin_keys);
}

static int list_run(const struct cmdline *line)
{
	return ask_daemon(line, WIRE_PATCHES, json_object(), show_list);
}

static const struct verb {
	const char *name;
	int least, most; /* words after it */
	bool takes_rule;
	int (*run)(const struct cmdline *line);
	const char *words;
} verbs[] = {
	{"add", 0, 1, true, add_run, "at most one name, and options"},
	{"rm", 1, 1, false, rm_run, "an id, a name or a note"},
	{"list", 0, 0, false, list_run, "no more words"},
};

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < LENGTH(verbs); i++)
		if (strcmp(verbs[i].name, word) == 0)
			return &verbs[i];
	print_error("patch %s: expected add, rm or list", cmdline_show(word));
	return NULL;
}

int patch_main(const struct cmdline *line)
{
	const struct verb *v = find_verb(line->paths[0]);
	const int n = line->n_paths - 1;

	if (!v)
		return STATUS_USAGE;
	if (n > v->most || n < v->least) {
		print_error("patch %s%s%s: expected %s", v->name, n > v->most ? " … " : "",
			    n > v->most ? line->paths[1 + v->most] : "", v->words);
		return STATUS_USAGE;
	}
	if (line->n_words > 0 && !v->takes_rule) {
		print_error("%s: does not go with patch %s: expected %s", line->words[0], v->name,
			    v->words);
		return STATUS_USAGE;
	}
	return v->run(line);
}
