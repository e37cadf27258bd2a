/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "hash.h"
#include "members.h"

static int fail(int r, const char *path, char err[PACKAGE_ERROR_LEN])
{
	snprintf(err, PACKAGE_ERROR_LEN, "%.400s: %s", path, strerror(-r));
	return r;
}

static int add(json_t *files, const char *path, const struct sha256 *digest,
	       char err[PACKAGE_ERROR_LEN])
{
	const char *fault = set_path_fault(path);
	char hex[SHA256_HEX_LEN + 1];

	if (fault) {
		snprintf(err, PACKAGE_ERROR_LEN, "%.300s: %s", path, fault);
		return -EINVAL;
	}
	hex_format_sha256(digest, hex);
	if (json_array_append_new(files, json_pack("[s,s]", path, hex)))
		return fail(-ENOMEM, path, err);
	return 0;
}

int members_add_file(json_t *files, const char *path, char err[PACKAGE_ERROR_LEN])
{
	struct sha256 digest;
	int r = hash_file(path, &digest);

	return r ? fail(r, path, err) : add(files, path, &digest, err);
}

/* --- Objects of a package --- */

static bool is_shared_object(int fd)
{
	Elf64_Ehdr h; /* as far as e_type, both classes are alike */
	const size_t enough = offsetof(Elf64_Ehdr, e_type) + sizeof(h.e_type);

	return pread(fd, &h, sizeof(h), 0) >= (ssize_t)enough &&
	       memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 && h.e_type == ET_DYN;
}

/*
 * Opens what may become an object of a process. Links of the path lead nowhere out of the root; a
 * path that is a link itself is not a file of the package. 0 and *fd; -ENOENT for no object.
 */
static int open_object(int root, const char *path, int *out)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	struct stat st;

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO || errno == ENOTDIR ? -ENOENT : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (!(st.st_mode & 0111) && !is_shared_object(fd)))
		return -ENOENT;
	*out = TAKE_FD(fd);
	return 0;
}

/* The files of one package: where they lie, and what they are to be called. */
struct package_files {
	json_t *files;
	int dir;
	const char *root;
	char *err;
};

static int add_object(void *cookie, const char *path)
{
	const struct package_files *p = cookie;
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int fd = -1;
	struct sha256 digest;
	int r;

	if (asprintf(&name, "%s%s", p->root, path) < 0) {
		name = NULL;
		return fail(-ENOMEM, path, p->err);
	}
	r = open_object(p->dir, path, &fd);
	if (r == -ENOENT)
		return 0;
	if (!r)
		r = hash_fd(fd, &digest);
	return r ? fail(r, name, p->err) : add(p->files, name, &digest, p->err);
}

static int open_dir(const char *path, int *out, char err[PACKAGE_ERROR_LEN])
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(-errno, path, err);
	*out = fd;
	return 0;
}

int members_add_package(json_t *files, const char *package, const char *root,
			char err[PACKAGE_ERROR_LEN])
{
	size_t before = json_array_size(files);
	_cleanup_close_ int dir = -1;
	struct package_files p = {.files = files, .root = root, .err = err};
	int r = open_dir(*root ? root : "/", &dir, err);

	if (r)
		return r;
	p.dir = dir;
	r = package_list(package, root, add_object, &p, err);
	if (!r && json_array_size(files) == before) {
		snprintf(err, PACKAGE_ERROR_LEN,
			 "package %s: no executable file and no shared object", package);
		return -ENODATA;
	}
	return r;
}

/* --- Archives --- */

/* Calls `each` (may be NULL) for the files below dir, by their paths in it; removes all of it. */
static int walk(char *dir, package_path_fn each, void *cookie)
{
	char *const top[] = {dir, NULL};
	FTS *tree = fts_open(top, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int r = 0;

	if (!tree)
		return -errno;
	while ((e = fts_read(tree))) {
		if (e->fts_info == FTS_D)
			continue;
		if (!r && each && e->fts_info == FTS_F)
			r = each(cookie, e->fts_path + strlen(dir));
		if (e->fts_info == FTS_DP)
			rmdir(e->fts_path);
		else
			unlink(e->fts_path);
	}
	fts_close(tree);
	return r;
}

int members_add_archive(json_t *files, const char *archive, const char *root,
			char err[PACKAGE_ERROR_LEN])
{
	struct package_files p = {.files = files, .root = root, .err = err};
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int dir = -1;
	int r, walked;

	if (asprintf(&path, "%s/ctl-fw.XXXXXX", tmp && *tmp ? tmp : "/var/tmp") < 0) {
		path = NULL;
		return fail(-ENOMEM, archive, err);
	}
	if (!mkdtemp(path))
		return fail(-errno, path, err);
	r = open_dir(path, &dir, err);
	p.dir = dir;
	if (!r)
		r = package_unpack(archive, path, err);
	walked = walk(path, r ? NULL : add_object, &p);
	return r ? r : walked;
}
