/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "common/cleanup.h"
#include "hash.h"
#include "print.h"

struct object {
	char *path; /* its real one */
	struct sha256 digest;
};

struct objects {
	size_t n;
	struct object *all;
};

static void cleanup_objects(struct objects *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->all[i].path);
	free(o->all);
}

/*
 * The real path of the file that was opened. A link in /proc/PID leads to a file that may have lost
 * its name, or have it in another mount namespace only: such a file is called as it was given.
 */
static char *name_of(const char *path, int fd)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	struct stat opened, named;

	if (real && fstat(fd, &opened) == 0 && stat(real, &named) == 0 &&
	    opened.st_dev == named.st_dev && opened.st_ino == named.st_ino)
		return TAKE_PTR(real);
	return strdup(path);
}

static int add_object(struct objects *o, const char *path)
{
	struct object *object = &o->all[o->n];
	_cleanup_close_ int fd = -1;
	int r;

	r = hash_open(path, &fd);
	if (!r)
		r = hash_fd(fd, &object->digest);
	if (r) {
		print_error("%s: %s", path, strerror(-r));
		return r;
	}
	object->path = name_of(path, fd);
	if (!object->path) {
		print_error("out of memory");
		return -1;
	}
	o->n++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct object *)a)->path, ((const struct object *)b)->path);
}

/* Sorts, and keeps the first of each path. */
static void sort_objects(struct objects *o)
{
	size_t kept = 0;

	qsort(o->all, o->n, sizeof(*o->all), by_path);
	for (size_t i = 0; i < o->n; i++)
		if (kept > 0 && strcmp(o->all[kept - 1].path, o->all[i].path) == 0)
			free(o->all[i].path);
		else
			o->all[kept++] = o->all[i];
	o->n = kept;
}

static int aggregate(const struct objects *o, struct sha256 *out)
{
	_cleanup_free_ struct sha256 *digests = calloc(o->n, sizeof(*digests));

	if (!digests)
		return -1;
	for (size_t i = 0; i < o->n; i++)
		digests[i] = o->all[i].digest;
	return hash_aggregate(digests, o->n, out);
}

static void show_lines(const struct objects *o, const struct sha256 *whole)
{
	char hex[SHA256_HEX_LEN + 1];

	for (size_t i = 0; i < o->n; i++) {
		hex_format_sha256(&o->all[i].digest, hex);
		print_text(STYLE_PLAIN, o->all[i].path);
		printf(" -- %s\n", hex);
	}
	hex_format_sha256(whole, hex);
	print_text(STYLE_HEADING, "AGGREGATE");
	printf(" -- %s\n", hex);
}

/* A path that is not UTF-8 has no JSON: its bytes are then shown as in the lines for people. */
static json_t *json_path(const char *path)
{
	_cleanup_free_ char *shown = NULL;
	json_t *json = json_string(path);

	if (json)
		return json;
	shown = print_harmless(path);
	return json_string(shown ? shown : "?");
}

static json_t *json_object_of(const struct object *o)
{
	char hex[SHA256_HEX_LEN + 1];

	hex_format_sha256(&o->digest, hex);
	return json_pack("{s:o,s:s}", "path", json_path(o->path), "sha256", hex);
}

static void show_json(const struct objects *o, const struct sha256 *whole)
{
	char hex[SHA256_HEX_LEN + 1];
	json_t *objects = json_array();
	json_t *all;

	for (size_t i = 0; i < o->n; i++)
		if (json_array_append_new(objects, json_object_of(&o->all[i]))) {
			json_decref(objects);
			objects = NULL;
		}
	hex_format_sha256(whole, hex);
	all = json_pack("{s:o,s:s}", "objects", objects, "aggregate", hex);
	print_json(all);
	json_decref(all);
}

int print_hash_main(const struct cmdline *line)
{
	_cleanup_(cleanup_objects) struct objects o = {.n = 0};
	struct sha256 whole;

	o.all = calloc((size_t)line->n_paths, sizeof(*o.all));
	if (!o.all) {
		print_error("out of memory");
		return STATUS_REFUSED;
	}
	for (int i = 0; i < line->n_paths; i++)
		if (add_object(&o, line->paths[i]))
			return STATUS_USAGE;
	sort_objects(&o);
	if (aggregate(&o, &whole)) {
		print_error("cannot hash");
		return STATUS_REFUSED;
	}
	(line->json ? show_json : show_lines)(&o, &whole);
	return STATUS_DONE;
}
