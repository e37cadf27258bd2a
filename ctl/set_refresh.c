/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "commands.h"
#include "members.h"
#include "set.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The source with that package and root among `sources`, or NULL. */
static json_t *find_source(const json_t *sources, const char *package, const char *root)
{
	json_t *source;
	size_t i;

	json_array_foreach(sources, i, source)
		if (strcmp(text_of(source, "package"), package) == 0 &&
		    strcmp(text_of(source, "root"), root) == 0)
			return source;
	return NULL;
}

/* Reads again what `file` of the set stands for: itself, or all its package has, that once. */
static int read_again(const json_t *file, json_t *sources, char err[PACKAGE_ERROR_LEN])
{
	const char *package = text_of(file, "package"), *root = text_of(file, "root");
	json_t *source = find_source(sources, package, root), *files;

	if (source && *package)
		return 0;
	if (!source) {
		source = json_pack("{s:s, s:s, s:[]}", "package", package, "root", root, "files");
		json_array_append_new(sources, source);
	}
	files = json_object_get(source, "files");
	return *package ? members_add_package(files, package, root, err)
			: members_add_file(files, text_of(file, "path"), err);
}

static int refresh(const struct set_words *w, const json_t *set, json_t *results)
{
	const char *name = text_of(set, "set");
	json_t *sources = json_array();
	char err[PACKAGE_ERROR_LEN];
	const json_t *file;
	size_t i;

	json_array_foreach(json_object_get(set, "files"), i, file)
		if (json_is_null(json_object_get(file, "valid_s")) &&
		    read_again(file, sources, err)) {
			json_decref(sources);
			return set_failed(name, err, results);
		}
	return set_change(w, WIRE_SET_REFRESH, name,
			  json_pack("{s:s, s:I, s:o}", "set", name, "grace_s",
				    (json_int_t)w->grace_s, "sources", sources),
			  results);
}

/* A set that cannot be refreshed stays as it was, and does not keep the others from it. */
int set_refresh_run(const struct set_words *w)
{
	json_t *sets, *results;
	const json_t *set;
	size_t i;
	int status = set_fetch(w, &sets);

	if (status != STATUS_DONE)
		return status;
	results = json_array();
	json_array_foreach(json_object_get(sets, "sets"), i, set) {
		int r = refresh(w, set, results);

		status = r == STATUS_DONE ? status : r;
	}
	json_decref(sets);
	set_show_results(w, results);
	return status;
}
