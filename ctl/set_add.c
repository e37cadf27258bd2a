/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "members.h"
#include "print.h"
#include "set.h"

/* The file is looked for again when the set is refreshed, from another directory maybe. Links stay
 * in its path: an upgrade may make them lead elsewhere. */
static char *absolute(const char *path)
{
	_cleanup_free_ char *here = NULL;
	char *whole;

	if (*path == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	if (!here || asprintf(&whole, "%s/%s", here, path) < 0)
		return NULL;
	return whole;
}

static int add_paths(const struct set_words *w, json_t *files, char err[PACKAGE_ERROR_LEN])
{
	for (int i = 0; i < w->n_paths; i++) {
		_cleanup_free_ char *path = absolute(w->paths[i]);
		int r;

		if (!path) {
			snprintf(err, PACKAGE_ERROR_LEN, "%.300s: %s", w->paths[i],
				 strerror(errno));
			return -errno;
		}
		r = members_add_file(files, path, err);
		if (r)
			return r;
	}
	return 0;
}

int set_add_run(const struct set_words *w)
{
	const char *package = w->line->dpkg;
	char err[PACKAGE_ERROR_LEN];
	json_t *files = json_array();
	int r = package ? members_add_package(files, package, w->root, err)
			: add_paths(w, files, err);

	if (r) {
		json_decref(files);
		print_error("%s", err);
		return STATUS_USAGE;
	}
	return ask_daemon(w->line, WIRE_SET_ADD,
			  json_pack("{s:s, s:[{s:s, s:s, s:o}]}", "set", w->name, "sources",
				    "package", package ? package : "", "root", w->root, "files",
				    files),
			  set_show_changes);
}
