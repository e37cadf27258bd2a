// SPDX-License-Identifier: GPL-2.0-or-later
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static uint64_t ctime_ns(const struct stat *st)
{
	return st->st_ctim.tv_sec * 1000000000ull + st->st_ctim.tv_nsec;
}

static bool key_is(const struct object_key *a, const struct object_key *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->size == b->size &&
	       a->ctime_ns == b->ctime_ns;
}

int place_check(int fd, const struct object_key *key, const struct identify *by)
{
	struct object_key is;
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	if (major(st.st_dev) == key->dev >> 20 && minor(st.st_dev) == (key->dev & 0xfffff)) {
		is = (struct object_key){.ino = st.st_ino,
					 .ctime_ns = ctime_ns(&st),
					 .size = (uint64_t)st.st_size,
					 .dev = key->dev};
	} else {
		r = by->fn(by->cookie, fd, &is);
		if (r)
			return r;
	}
	return key_is(&is, key) ? 0 : -ESTALE;
}

/* Nothing but a regular file: to open a device may do things. */
static int open_regular(const char *name)
{
	_cleanup_close_ int seen = open(name, O_PATH | O_CLOEXEC);
	char link[32];
	struct stat st;
	int fd;

	if (seen < 0 || fstat(seen, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", seen);
	fd = open(link, OPEN_FLAGS);
	return fd < 0 ? -errno : fd;
}

/* The descriptor, or -errno: what is not the object is closed again. */
static int open_checked(const char *name, const struct object_key *key, const struct identify *by)
{
	_cleanup_close_ int fd = open_regular(name);
	int r;

	if (fd < 0)
		return fd;
	r = place_check(fd, key, by);
	return r ? r : TAKE_FD(fd);
}

/* As the process sees the name, and as we do. */
static int open_path(uint32_t pid, const char *path, const struct object_key *key,
		     const struct identify *by)
{
	char name[PATH_MAX + 32];
	int fd;

	snprintf(name, sizeof(name), "/proc/%u/root%s", pid, path);
	fd = open_checked(name, key, by);
	return fd >= 0 ? fd : open_checked(path, key, by);
}

/* Undoes the \ooo of mountinfo(5), in place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] && text[3]) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = 0;
}

/* Looks for DIR/rest in each layer of a list "DIR:DIR". */
static int open_in_layers(uint32_t pid, char *layers, const char *rest,
			  const struct object_key *key, const struct identify *by)
{
	char path[PATH_MAX], *save, *dir = strtok_r(layers, ":", &save);
	int fd = -ENOENT;

	for (; dir && fd < 0; dir = strtok_r(NULL, ":", &save))
		if (*dir == '/' &&
		    snprintf(path, sizeof(path), "%s%s", dir, rest) < (int)sizeof(path))
			fd = open_path(pid, path, key, by);
	return fd;
}

/* One line of mountinfo(5): if it is of an overlay that path is in, looks into its lower layers. */
static int open_by_line(uint32_t pid, char *line, const char *path, const struct object_key *key,
			const struct identify *by)
{
	char *point, *options, *save, *tail = strstr(line, " - overlay ");
	int fd = -ENOENT;
	size_t n;

	if (!tail || strlen(line) >= PATH_MAX * 4)
		return -ENOENT;
	options = strrchr(tail, ' ') + 1;
	options[strcspn(options, "\n")] = 0;
	*tail = 0;
	strtok_r(line, " ", &save); /* mount id, parent id, device, root */
	for (int i = 0; i < 3; i++)
		strtok_r(NULL, " ", &save);
	point = strtok_r(NULL, " ", &save);
	if (!point)
		return -ENOENT;
	unescape(point);
	n = strcmp(point, "/") == 0 ? 0 : strlen(point);
	if (strncmp(path, point, n) != 0 || path[n] != '/')
		return -ENOENT;
	for (char *o = strtok_r(options, ",", &save); o && fd < 0; o = strtok_r(NULL, ",", &save))
		if (strncmp(o, "lowerdir", 8) == 0 && strchr(o, '=')) {
			unescape(o);
			fd = open_in_layers(pid, strchr(o, '=') + 1, path + n, key, by);
		}
	return fd;
}

/*
 * What was mapped from the lower layer of an overlay and has been written to since: its name leads
 * to the copy in the upper layer, the mapping still to the lower one.
 */
static int open_layered(uint32_t pid, const char *path, const struct object_key *key,
			const struct identify *by)
{
	_cleanup_fclose_ FILE *mounts = NULL;
	_cleanup_free_ char *line = NULL;
	char name[32];
	size_t size = 0;
	int fd = -1;

	snprintf(name, sizeof(name), "/proc/%u/mountinfo", pid);
	mounts = fopen(name, "re");
	while (mounts && fd < 0 && getline(&line, &size, mounts) > 0)
		fd = open_by_line(pid, line, path, key, by);
	return fd < 0 ? -ESTALE : fd;
}

/* By a link of procfs, which leads to the inode, whatever happened to its name. */
static int open_link(uint32_t pid, const char *link, const struct object_key *key,
		     const struct identify *by, char path[PATH_MAX])
{
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	int fd;

	if (n < 0)
		return -errno;
	path[n] = 0;
	fd = open_checked(link, key, by);
	return fd == -ESTALE ? open_layered(pid, path, key, by) : fd;
}

/* Whether a link of procfs leads there, without meeting whoever serves it. */
static bool leads_to(const char *link, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target));

	return n >= 0 && (size_t)n == strlen(path) && !memcmp(target, path, (size_t)n);
}

static int open_named(const struct place *p, const struct object_key *key,
		      const struct identify *by, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s", p->path);
	return open_path(p->pid, path, key, by);
}

/* The process may run another program by now, and who serves that may not answer: where its link
 * leads elsewhere, the name is tried before. */
static int open_program(const struct place *p, const struct object_key *key,
			const struct identify *by, char path[PATH_MAX])
{
	char link[32];
	int fd = -ENOENT;

	snprintf(link, sizeof(link), "/proc/%u/exe", p->pid);
	if (p->path && !leads_to(link, p->path))
		fd = open_named(p, key, by, path);
	return fd < 0 ? open_link(p->pid, link, key, by, path) : fd;
}

int place_open(const struct place *p, const struct object_key *key, const struct identify *by,
	       char path[PATH_MAX])
{
	char link[64];
	int fd = -ENOENT;

	if (p->end) {
		snprintf(link, sizeof(link), "/proc/%u/map_files/%llx-%llx", p->pid,
			 (unsigned long long)p->start, (unsigned long long)p->end);
		fd = open_link(p->pid, link, key, by, path);
	}
	if (fd < 0 && p->exe)
		fd = open_program(p, key, by, path);
	if (fd < 0 && p->path)
		fd = open_named(p, key, by, path);
	return fd;
}
