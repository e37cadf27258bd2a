/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "store.h"

/* The directory, made if it is missing; its entry in the parent is then on the disk too. */
static int open_dir(const char *path, int *out)
{
	bool made = mkdir(path, 0700) == 0;
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int parent = -1;

	if (!made && errno != EEXIST)
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (made) {
		parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0 || fsync(parent))
			return -errno;
	}
	*out = TAKE_FD(dir);
	return 0;
}

static int open_temporary(int dir, const char *name, FILE **out)
{
	_cleanup_close_ int fd = -1;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	*out = fdopen(fd, "w");
	if (!*out)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

/* Of what is open there now. */
static int note_tail(int fd, size_t changes, struct store_tail *tail)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*tail = (struct store_tail){.open = true,
				    .dev = st.st_dev,
				    .ino = st.st_ino,
				    .size = st.st_size,
				    .changes = changes};
	return 0;
}

static int put_on_disk(FILE *f)
{
	if (fflush(f) || fsync(fileno(f)))
		return -errno;
	return ferror(f) ? -EIO : 0;
}

typedef void (*write_fn)(FILE *f, const void *what);

static int save_in(int dir, const char *name, const char *temporary, write_fn write,
		   const void *what, struct store_tail *tail)
{
	_cleanup_fclose_ FILE *f = NULL;
	int r;

	r = open_temporary(dir, temporary, &f);
	if (r)
		return r;
	write(f, what);
	r = put_on_disk(f);
	if (!r)
		r = note_tail(fileno(f), 0, tail);
	if (r)
		return r;
	return renameat(dir, temporary, dir, name) ? -errno : 0;
}

/* The tail is that of the new file once it is on the disk under its name, or else closed. */
static int save(const char *path, const char *name, write_fn write, const void *what,
		struct store_tail *tail)
{
	struct store_tail written = {.open = false};
	_cleanup_close_ int dir = -1;
	char temporary[32];
	int r;

	*tail = written;
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	r = open_dir(path, &dir);
	if (r)
		return r;
	r = save_in(dir, name, temporary, write, what, &written);
	if (r) {
		unlinkat(dir, temporary, 0);
		return r;
	}
	if (fsync(dir))
		return -errno;
	*tail = written;
	return 0;
}

static void write_state(FILE *f, const void *rules)
{
	store_text_write(f, rules, false);
}

int store_save(const char *path, const struct ruleset *rs, struct store_tail *tail)
{
	return save(path, STORE_FILE, write_state, rs, tail);
}

/* The file that the tail is of, or -EAGAIN. */
static int open_tail(int dir, const struct store_tail *tail, int *out)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!tail->open || tail->changes >= STORE_CHANGES_MAX)
		return -EAGAIN;
	fd = openat(dir, STORE_FILE, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || st.st_dev != tail->dev || st.st_ino != tail->ino ||
	    st.st_size != tail->size)
		return -EAGAIN;
	*out = TAKE_FD(fd);
	return 0;
}

/* All of it on the disk, or none of it in the file. */
static int append_line(int fd, const char *line, size_t n, off_t size)
{
	ssize_t wrote = write(fd, line, n);
	int r = wrote < 0 ? -errno : 0;

	if (wrote == (ssize_t)n && fdatasync(fd) == 0)
		return 0;
	r = r ? r : wrote < (ssize_t)n ? -ENOSPC : -errno;
	(void)!ftruncate(fd, size); /* what is left of it is no whole change, or is written over */
	return r;
}

int store_append(const char *path, const struct store_change *c, struct store_tail *tail)
{
	char line[STORE_CHANGE_MAX + 1];
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int fd = -1;
	size_t n;
	int r;

	r = open_dir(path, &dir);
	r = r ? r : open_tail(dir, tail, &fd);
	if (!r) {
		n = store_change_format(c, tail->changes + 1, line);
		line[n++] = '\n';
		r = append_line(fd, line, n, tail->size);
	}
	if (r) {
		tail->open = false;
		return r;
	}
	tail->size += (off_t)n;
	tail->changes++;
	return 0;
}

static void write_mode(FILE *f, const void *mode)
{
	fprintf(f, STORE_MODE " %s\n", mode_name(*(const enum mode *)mode));
}

int store_save_mode(const char *path, enum mode mode)
{
	struct store_tail unused;

	return save(path, STORE_MODE, write_mode, &mode, &unused);
}

static void write_text(FILE *f, const void *text)
{
	fputs(text, f);
}

int store_save_text(const char *path, const char *name, const char *text)
{
	struct store_tail unused;

	return save(path, name, write_text, text, &unused);
}

/* O_NONBLOCK: opening a FIFO that somebody put there must not wait for a writer. */
static int open_file(const char *dir, const char *name, FILE **out)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	*out = fdopen(fd, "r");
	if (!*out)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

int store_load(const char *dir, const struct store_taker *to, struct store_tail *tail,
	       char err[STORE_ERROR_LEN])
{
	_cleanup_fclose_ FILE *f = NULL;
	struct store_text_rest rest;
	char where[112];
	int r;

	snprintf(where, sizeof(where), "%.100s/" STORE_FILE ":", dir);
	*tail = (struct store_tail){.open = false};

	r = open_file(dir, STORE_FILE, &f);
	if (r == -ENOENT)
		return 0;
	if (!r) {
		r = store_text_read(f, where, to, &rest, err);
		r = r ? r : note_tail(fileno(f), rest.changes, tail);
		if (!r && rest.cut)
			*tail = (struct store_tail){.cut = true};
	}
	if (r && (!f || !*err))
		snprintf(err, STORE_ERROR_LEN, "%.150s/" STORE_FILE ": %s", dir, strerror(-r));
	return r;
}

/* One line: "mode" and the word. */
static int read_mode(FILE *f, enum mode *out)
{
	char line[32];

	for (int m = 0; m < MODE_COUNT; m++) {
		char want[32];

		snprintf(want, sizeof(want), STORE_MODE " %s\n", mode_name(m));
		rewind(f);
		if (!fgets(line, sizeof(line), f) || strcmp(line, want) != 0 || getc(f) != EOF)
			continue;
		*out = (enum mode)m;
		return 0;
	}
	return ferror(f) ? -EIO : -EBADMSG;
}

int store_load_mode(const char *dir, enum mode *out, char err[STORE_ERROR_LEN])
{
	_cleanup_fclose_ FILE *f = NULL;
	int r = open_file(dir, STORE_MODE, &f);

	if (r == -ENOENT)
		return 0;
	r = r ? r : read_mode(f, out);
	if (r)
		snprintf(err, STORE_ERROR_LEN, "%.150s/" STORE_MODE ":1: %s", dir,
			 r == -EBADMSG ? "expected \"mode enforce\" or \"mode monitor\""
				       : strerror(-r));
	return r;
}
