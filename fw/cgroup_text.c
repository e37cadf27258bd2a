// SPDX-License-Identifier: GPL-2.0-or-later
#include "cgroup_text.h"

#include <stddef.h>
#include <string.h>

#define ID_LEN	CGROUP_CONTAINER_LEN
#define SCOPE	".scope"
#define OUTSIDE "conmon-"

/* Calls `is` with each path, which ends at a line feed or NUL; whether it was true of one. */
static bool any_path(const char *text, bool (*is)(const char *path, const void *what),
		     const void *what)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		const char *path = memchr(line, ':', len);

		path = path ? memchr(path + 1, ':', len - (size_t)(path + 1 - line)) : NULL;
		if (path && is(path + 1, what))
			return true;
		line += len + (line[len] == '\n');
	}
	return false;
}

static bool is_in(const char *path, const void *cookie)
{
	const char *what = cookie;
	size_t n = strlen(what);

	if (strcmp(what, "/") == 0)
		return true;
	return strncmp(path, what, n) == 0 && (path[n] == '/' || path[n] == '\n' || !path[n]);
}

bool cgroup_text_is_in(const char *text, const char *path)
{
	return any_path(text, is_in, path);
}

/* The id in a name of n bytes; NULL: it is no container's. */
static const char *container_id(const char *name, size_t n)
{
	const size_t scope = strlen(SCOPE), outside = strlen(OUTSIDE);
	const char *id;

	if (n >= ID_LEN + scope && memcmp(name + n - scope, SCOPE, scope) == 0)
		n -= scope;
	if (n < ID_LEN)
		return NULL;
	id = name + n - ID_LEN;
	if (strspn(id, "0123456789abcdef") < ID_LEN || (id > name && id[-1] != '-'))
		return NULL;
	if (n >= ID_LEN + outside && memcmp(id - outside, OUTSIDE, outside) == 0)
		return NULL;
	return id;
}

static bool has_container(const char *path, const void *cookie)
{
	const char *what = cookie;

	while (*path == '/') {
		size_t n = strcspn(++path, "/\n");
		const char *id = container_id(path, n);

		if (id && strncmp(id, what, strlen(what)) == 0)
			return true;
		path += n;
	}
	return false;
}

bool cgroup_text_has_container(const char *text, const char *id)
{
	return any_path(text, has_container, id);
}

static bool take_container(const char *path, const void *cookie)
{
	char *const *out = cookie;
	bool found = false;

	while (*path == '/') {
		size_t n = strcspn(++path, "/\n");
		const char *id = container_id(path, n);

		if (id)
			memcpy(*out, id, ID_LEN);
		found |= id != NULL;
		path += n;
	}
	return found;
}

bool cgroup_text_container(const char *text, char out[CGROUP_CONTAINER_LEN + 1])
{
	if (!any_path(text, take_container, &out))
		return false;
	out[CGROUP_CONTAINER_LEN] = '\0';
	return true;
}
