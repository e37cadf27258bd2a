// SPDX-License-Identifier: GPL-2.0-or-later
#include "script_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "digest.h"
#include "interpreter.h"

#define DIGESTS	    1024 /* power of two */
#define CMDLINE_MAX 8192

struct known_digest {
	struct object_key key; /* size 0: none */
	struct sha256 digest;
};

struct script_files {
	struct probe *probe;
	pthread_mutex_t lock; /* guards what follows */
	struct known_digest digests[DIGESTS];
};

struct script_files *script_files_new(struct probe *probe)
{
	struct script_files *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->probe = probe;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void script_files_free(struct script_files *f)
{
	if (!f)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Whether its number still stands for a process with that program. */
static bool is_still(const struct script_files *f, const struct script_start *st, uint32_t pid)
{
	struct proc_rec rec;
	struct start now;

	if (probe_proc(f->probe, pid, &rec) || (rec.flags & PROC_EXITED))
		return false;
	now = script_start_of(pid, &rec);
	return script_start_is(st, &now);
}

static ssize_t read_proc(uint32_t pid, const char *name, char *out, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	size_t have = 0;
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (have < size && (n = read(fd, out + have, size - have)) > 0)
		have += (size_t)n;
	return n < 0 ? -errno : (ssize_t)have;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* As the process shows its arguments now: it may have written over them. */
static int name_by_proc(uint32_t pid, char name[PATH_MAX])
{
	char args[CMDLINE_MAX], exe[PATH_MAX], link[32];
	ssize_t n = read_proc(pid, "cmdline", args, sizeof(args)), m;
	const char *path;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	m = readlink(link, exe, sizeof(exe) - 1);
	if (n < 0 || m < 0)
		return -ESRCH;
	exe[m] = 0;
	interpreter_script(last_name(exe), args, (size_t)n, (size_t)n == sizeof(args), &path);
	if (!path)
		return SCRIPT_UNCLEAR;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(name, path);
	return 0;
}

/* The number of the descriptor that a name stands for, or -1. */
static int named_descriptor(const char *name)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/",
					      "/proc/thread-self/fd/"};

	if (strcmp(name, "/dev/stdin") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *number = name + strlen(folders[i]);

		if (strncmp(name, folders[i], strlen(folders[i])) == 0 &&
		    isdigit((unsigned char)*number) && strlen(number) < 8 &&
		    number[strspn(number, "0123456789")] == 0)
			return atoi(number);
	}
	return -1;
}

/* What a process has at a descriptor may have come there since: nothing is shown by this. */
static int open_descriptor(uint32_t pid, int number, uint64_t *changed_ns)
{
	_cleanup_close_ int fd = -1;
	char link[64];
	struct stat st;

	snprintf(link, sizeof(link), "/proc/%u/fd/%d", pid, number);
	fd = open(link, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EMEDIUMTYPE;
	*changed_ns = trail_ctime_ns(&st);
	return TAKE_FD(fd);
}

/* pid 0: the folders are looked for among our own mounts. */
static int open_by_name(const struct script_start *st, uint32_t pid, const char *name,
			uint64_t *changed_ns)
{
	_cleanup_close_ int root = trail_folder(pid, "root", &st->root), cwd = -1;

	if (root < 0)
		return root;
	cwd = *name == '/' ? -1 : trail_folder(pid, "cwd", &st->cwd);
	if (*name != '/' && cwd < 0)
		return cwd;
	return trail_follow(root, cwd, name, changed_ns);
}

/*
 * With the last process of a mount namespace its mounts go, and names lead to what was under them:
 * what was found from the folders of a process counts if it was there to the end.
 */
static int open_named(const struct script_files *f, const struct script_start *st, uint32_t pid,
		      const char *name, uint64_t *changed_ns)
{
	int fd = open_by_name(st, pid, name, changed_ns);

	if (is_still(f, st, pid))
		return fd;
	if (fd >= 0)
		close(fd);
	return open_by_name(st, 0, name, changed_ns);
}

/* O_PATH, of a regular file; or -errno. */
static int find_file(const struct script_files *f, const struct script_start *st, uint32_t pid,
		     struct script_found *out)
{
	char shown[PATH_MAX];
	const char *name = st->name ? st->name : shown;
	int number, fd, r = st->name ? 0 : name_by_proc(pid, shown);

	out->certain = st->certain;
	if (r)
		return r;
	number = named_descriptor(name);
	if (number < 0)
		return open_named(f, st, pid, name, &out->changed_ns);
	out->certain = false;
	fd = open_descriptor(pid, number, &out->changed_ns);
	if (fd < 0 || is_still(f, st, pid))
		return fd;
	close(fd);
	return -ESRCH;
}

static struct object_key key_of(const struct stat *st)
{
	return (struct object_key){.ino = st->st_ino,
				   .ctime_ns = trail_ctime_ns(st),
				   .size = (uint64_t)st->st_size,
				   .dev = (uint32_t)(major(st->st_dev) << 20 | minor(st->st_dev))};
}

static struct known_digest *slot_of(struct script_files *f, const struct object_key *key)
{
	uint64_t h =
		abi_mix(abi_mix(key->ino, key->ctime_ns), key->size ^ (uint64_t)key->dev << 32);

	return &f->digests[h & (DIGESTS - 1)];
}

static bool recall(struct script_files *f, const struct object_key *key, struct sha256 *out)
{
	const struct known_digest *k = slot_of(f, key);
	bool found;

	pthread_mutex_lock(&f->lock);
	found = key->size && memcmp(&k->key, key, sizeof(*key)) == 0;
	if (found)
		*out = k->digest;
	pthread_mutex_unlock(&f->lock);
	return found;
}

static void keep(struct script_files *f, const struct object_key *key, const struct sha256 *digest)
{
	pthread_mutex_lock(&f->lock);
	*slot_of(f, key) = (struct known_digest){*key, *digest};
	pthread_mutex_unlock(&f->lock);
}

static int hash_file(struct script_files *f, int fd, struct script_found *out)
{
	struct object_key key, after;
	uint64_t moved_ns; /* nobody watches it */
	struct stat st;
	char magic[4];
	int r;

	if (fstat(fd, &st))
		return -errno;
	if ((uint64_t)st.st_size > SCRIPT_BYTES_MAX)
		return -EFBIG;
	if (pread(fd, magic, 4, 0) == 4 && memcmp(magic, "\177ELF", 4) == 0)
		return -ENOEXEC;
	key = key_of(&st);
	if (key.ctime_ns > out->changed_ns)
		out->changed_ns = key.ctime_ns;
	if (recall(f, &key, &out->digest))
		return 0;
	r = digest_version(fd, &moved_ns, &out->digest); /* later changes: changed_ns */
	if (r)
		return r;
	if (fstat(fd, &st))
		return -errno;
	after = key_of(&st);
	if (memcmp(&after, &key, sizeof(key)) != 0)
		return -ESTALE;
	out->hashed = true;
	keep(f, &key, &out->digest);
	return 0;
}

void script_files_find(struct script_files *f, const struct script_start *st, uint32_t pid,
		       struct script_found *out)
{
	_cleanup_close_ int found = -1;
	_cleanup_close_ int fd = -1;
	char link[32], path[PATH_MAX];
	ssize_t n;

	*out = (struct script_found){.error = 0};
	found = find_file(f, st, pid, out);
	if (found < 0) {
		out->error = found;
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > 0)
		out->path = strndup(path, (size_t)n);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	out->error = fd < 0 ? -errno : hash_file(f, fd, out);
}
