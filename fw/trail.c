// SPDX-License-Identifier: GPL-2.0-or-later
#include "trail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"

#define LINKS_MAX  40		  /* as the kernel */
#define NAME_SIZE  (NAME_MAX + 2) /* one that is too long stays so */
#define OPEN_FLAGS (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct walk {
	int root;
	struct stat root_stat;
	int at; /* the folder that we are in */
	struct stat stat;
	char rest[2 * PATH_MAX];
	unsigned int links;
	uint64_t changed_ns;
};

uint64_t trail_ctime_ns(const struct stat *st)
{
	return (uint64_t)st->st_ctim.tv_sec * 1000000000ull + (uint64_t)st->st_ctim.tv_nsec;
}

static bool is_folder(int fd, const struct folder *f)
{
	struct statx is;

	return !f->ino ||
	       (!statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &is) &&
		(is.stx_mask & STATX_MNT_ID) && is.stx_mnt_id == f->mount && is.stx_ino == f->ino);
}

static int open_folder(const char *path, const struct folder *f)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return is_folder(fd, f) ? TAKE_FD(fd) : -ESRCH;
}

int trail_folder(uint32_t pid, const char *which, const struct folder *folder)
{
	char link[64];
	int fd = -1;

	snprintf(link, sizeof(link), "/proc/%u/%s", pid, which);
	if (pid)
		fd = open_folder(link, folder);
	if (fd < 0 && folder->path && folder->ino)
		fd = open_folder(folder->path, folder);
	return fd < 0 ? -ESRCH : fd;
}

static void touch(struct walk *w, uint64_t ns)
{
	w->changed_ns = ns > w->changed_ns ? ns : w->changed_ns;
}

static int move_to(struct walk *w, int fd, const struct stat *st)
{
	if (fd < 0)
		return -errno;
	close(w->at);
	w->at = fd;
	w->stat = *st;
	return 0;
}

/* Takes the next name off the rest. False: there is none. */
static bool take_name(struct walk *w, char name[NAME_SIZE])
{
	char *from = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(from, "/");

	if (!n)
		return false;
	snprintf(name, NAME_SIZE, "%.*s", (int)n, from);
	memmove(w->rest, from + n, strlen(from + n) + 1);
	return true;
}

static int follow_link(struct walk *w, int link)
{
	char target[2 * PATH_MAX];
	struct statfs fs;
	ssize_t n;

	if (fstatfs(link, &fs))
		return -errno;
	if (fs.f_type == PROC_SUPER_MAGIC)
		return -EXDEV;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	n = readlinkat(link, "", target, PATH_MAX);
	if (n < 0)
		return -errno;
	if (n + strlen(w->rest) >= sizeof(w->rest) || n == PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(target + n, w->rest);
	strcpy(w->rest, target);
	return target[0] == '/' ? move_to(w, dup(w->root), &w->root_stat) : 0;
}

static bool at_root(const struct walk *w)
{
	return w->stat.st_ino == w->root_stat.st_ino && w->stat.st_dev == w->root_stat.st_dev;
}

/* One name further: 0, or the descriptor of the file at the end in *file; or -errno. */
static int step(struct walk *w, const char *name, int *file)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (strcmp(name, ".") == 0 || (strcmp(name, "..") == 0 && at_root(w)))
		return 0;
	fd = openat(w->at, name, OPEN_FLAGS);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode)) {
		uint64_t here = trail_ctime_ns(&w->stat), there = trail_ctime_ns(&st);

		touch(w, here < there ? here : there);
		r = S_ISLNK(st.st_mode) ? follow_link(w, fd) : move_to(w, fd, &st);
		if (S_ISDIR(st.st_mode))
			fd = -1;
		return r;
	}
	if (*w->rest)
		return -ENOTDIR;
	if (!S_ISREG(st.st_mode))
		return -EMEDIUMTYPE;
	touch(w, trail_ctime_ns(&st));
	*file = TAKE_FD(fd);
	return 0;
}

static int follow(struct walk *w)
{
	char name[NAME_SIZE];
	int file = -1, r;

	while (take_name(w, name)) {
		r = step(w, name, &file);
		if (r)
			return r;
		if (file >= 0)
			return file;
	}
	return -EISDIR;
}

int trail_follow(int root, int cwd, const char *path, uint64_t *changed_ns)
{
	struct walk w = {.root = root};
	int r;

	if (!*path)
		return -ENOENT;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(w.rest, path);
	w.at = dup(*path == '/' ? root : cwd);
	if (w.at < 0)
		return -errno;
	r = fstat(root, &w.root_stat) || fstat(w.at, &w.stat) ? -errno : follow(&w);
	close(w.at);
	if (r >= 0)
		*changed_ns = w.changed_ns;
	return r;
}
