/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "commands.h"
#include "members.h"
#include "print.h"
#include "set.h"

/* A package about to be installed, and its objects once somebody asks for them. */
struct archive {
	const char *path;
	char name[SET_PACKAGE_MAX + 1], architecture[SET_PACKAGE_MAX + 1];
	json_t *files;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The name under which the set has the package of the archive, or NULL. */
static const char *package_in(const json_t *set, const struct archive *a, const char *root)
{
	size_t n = strlen(a->name), i;
	const json_t *file;

	json_array_foreach(json_object_get(set, "files"), i, file) {
		const char *package = text_of(file, "package");

		if (strncmp(package, a->name, n) == 0 &&
		    (!package[n] ||
		     (package[n] == ':' && strcmp(package + n + 1, a->architecture) == 0)) &&
		    strcmp(text_of(file, "root"), root) == 0)
			return package;
	}
	return NULL;
}

/* For one set: the archive is unpacked for the first that has its package. */
static int expect_in(const struct set_words *w, const json_t *set, struct archive *a,
		     json_t *results)
{
	const char *package = package_in(set, a, w->root);
	char err[PACKAGE_ERROR_LEN];

	if (!package)
		return STATUS_DONE;
	if (!a->files) {
		a->files = json_array();
		if (members_add_archive(a->files, a->path, w->root, err))
			return set_failed(text_of(set, "set"), err, results);
	}
	if (json_array_size(a->files) == 0)
		return STATUS_DONE;
	return set_change(w, WIRE_SET_EXPECT, text_of(set, "set"),
			  json_pack("{s:s, s:I, s:[{s:s, s:s, s:O}]}", "set", text_of(set, "set"),
				    "grace_s", (json_int_t)w->grace_s, "sources", "package",
				    package, "root", w->root, "files", a->files),
			  results);
}

static int expect(const struct set_words *w, const json_t *sets, const char *path, json_t *results)
{
	struct archive a = {.path = path};
	char err[PACKAGE_ERROR_LEN];
	int status = STATUS_DONE;
	const json_t *set;
	size_t i;

	if (package_of_archive(path, a.name, a.architecture, err)) {
		print_error("%s", err);
		return STATUS_USAGE;
	}
	json_array_foreach(json_object_get(sets, "sets"), i, set) {
		int r = expect_in(w, set, &a, results);

		status = r == STATUS_DONE ? status : r;
	}
	json_decref(a.files);
	return status;
}

int set_expect_run(const struct set_words *w)
{
	json_t *sets, *results;
	int status = set_fetch(w, &sets);

	if (status != STATUS_DONE)
		return status;
	results = json_array();
	for (int i = 0; i < w->n_paths && json_array_size(json_object_get(sets, "sets")); i++) {
		int r = expect(w, sets, w->paths[i], results);

		status = r == STATUS_DONE ? status : r;
	}
	json_decref(sets);
	set_show_results(w, results);
	return status;
}
