// SPDX-License-Identifier: GPL-2.0-or-later
#include "event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"

#define SUFFIX_MAX 16

struct event_file {
	int fd; /* -1: to be opened */
	uint64_t size, limit;
	unsigned int keep;
	dev_t dev;
	ino_t ino;
	char path[];
};

/* A pipe with nobody at its other end, or a terminal, would not be what is written to a file for.
 */
static int open_file(struct event_file *f)
{
	_cleanup_close_ int fd = open(
		f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	f->size = (uint64_t)st.st_size;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->fd = TAKE_FD(fd);
	return 0;
}

static void close_file(struct event_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void event_file_close(struct event_file *f)
{
	if (!f)
		return;
	close_file(f);
	free(f);
}

int event_file_open(const char *path, uint64_t limit, unsigned int keep, struct event_file **out)
{
	size_t n = strlen(path) + 1;
	struct event_file *f;
	int r;

	if (n + SUFFIX_MAX > PATH_MAX)
		return -ENAMETOOLONG;
	f = malloc(sizeof(*f) + n);
	if (!f)
		return -ENOMEM;
	*f = (struct event_file){.fd = -1, .limit = limit, .keep = keep};
	memcpy(f->path, path, n);
	r = open_file(f);
	if (r) {
		event_file_close(f);
		return r;
	}
	*out = f;
	return 0;
}

static bool is_still_there(const struct event_file *f)
{
	struct stat st;

	return f->fd >= 0 && stat(f->path, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino;
}

static void name_of(const struct event_file *f, unsigned int number, char out[PATH_MAX])
{
	if (number)
		snprintf(out, PATH_MAX, "%s.%u", f->path, number);
	else
		snprintf(out, PATH_MAX, "%s", f->path);
}

/* What is not there is no failure: the file itself must go, or it would grow on. */
static int rotate(struct event_file *f)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (unsigned int i = f->keep; i-- > 0;) {
		name_of(f, i, from);
		name_of(f, i + 1, to);
		if (rename(from, to) && (errno != ENOENT || i == 0))
			return -errno;
	}
	if (!f->keep && unlink(f->path))
		return -errno;
	close_file(f);
	return open_file(f);
}

/* What has been written of a line that did not fit is taken back. */
static int add(struct event_file *f, const char *line, size_t n)
{
	struct iovec parts[] = {{(char *)line, n}, {"\n", 1}};
	ssize_t done = writev(f->fd, parts, 2);
	int r = done < 0 ? -errno : -ENOSPC;

	if (done == (ssize_t)n + 1) {
		f->size += n + 1;
		return 0;
	}
	if (done > 0 && ftruncate(f->fd, (off_t)f->size))
		return -errno;
	return r;
}

int event_file_write(struct event_file *f, const char *line)
{
	size_t n = strlen(line);
	int r = 0;

	if (!is_still_there(f)) {
		close_file(f);
		r = open_file(f);
	}
	if (!r && f->size && f->size + n + 1 > f->limit)
		r = rotate(f);
	return r ? r : add(f, line, n);
}
