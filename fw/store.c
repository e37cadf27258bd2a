/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/decimal.h"
#include "store.h"

#define FIRST_LINE "app-fw rules 1"
#define LAST_WORD  "end "
#define TEMPORARY  STORE_FILE ".new"
/* Room for what a person may write less tersely than rule_format does. */
#define LINE_MAX_LEN (4 * RULE_TEXT_MAX)

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

static int open_temporary(int dir, FILE **out)
{
	_cleanup_close_ int fd = -1;

	fd = openat(dir, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	*out = fdopen(fd, "w");
	if (!*out)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

/* Errors of the stream stay in it until put_on_disk(). */
static void write_rules(FILE *f, const struct ruleset *rs)
{
	char text[RULE_TEXT_MAX];
	size_t n = 0;

	fputs(FIRST_LINE "\n", f);
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		for (size_t i = 0; i < rs->chains[c].n; i++, n++) {
			rule_format(&rs->chains[c].rules[i], text);
			fprintf(f, "%s\n", text);
		}
	fprintf(f, LAST_WORD "%zu\n", n);
}

static int put_on_disk(FILE *f)
{
	if (fflush(f) || fsync(fileno(f)))
		return -errno;
	return ferror(f) ? -EIO : 0;
}

static int save_in(int dir, const struct ruleset *rs)
{
	_cleanup_fclose_ FILE *f = NULL;
	int r;

	r = open_temporary(dir, &f);
	if (r)
		return r;
	write_rules(f, rs);
	r = put_on_disk(f);
	if (r)
		return r;
	return renameat(dir, TEMPORARY, dir, STORE_FILE) ? -errno : 0;
}

int store_save(const char *path, const struct ruleset *rs)
{
	_cleanup_close_ int dir = -1;
	int r;

	r = open_dir(path, &dir);
	if (r)
		return r;
	r = save_in(dir, rs);
	if (r) {
		unlinkat(dir, TEMPORARY, 0);
		return r;
	}
	return fsync(dir) ? -errno : 0;
}

struct reader {
	FILE *f;
	const char *dir;
	size_t line;  /* number of the one in text; 0 before the first */
	size_t rules; /* read so far */
	char text[LINE_MAX_LEN];
	char *err;
};

/* What a damaged file holds must not steer the terminal that its fault is shown on. */
static void make_harmless(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* Returns r, with err naming the line that was read last. */
__attribute__((format(printf, 3, 4))) static int fault(struct reader *in, int r, const char *fmt,
						       ...)
{
	va_list args;
	int n;

	n = snprintf(in->err, STORE_ERROR_LEN, "%.100s/" STORE_FILE ":%zu: ", in->dir, in->line);
	va_start(args, fmt);
	vsnprintf(in->err + n, STORE_ERROR_LEN - (size_t)n, fmt, args);
	va_end(args);
	make_harmless(in->err);
	return r;
}

/* Reads a line that ends as lines do and has no NUL in it. */
static int next_line(struct reader *in)
{
	size_t n = 0;
	int c = 0;

	in->line++;
	while (n < sizeof(in->text) && (c = getc(in->f)) > 0 && c != '\n')
		in->text[n++] = (char)c;
	if (n == sizeof(in->text))
		return fault(in, -EBADMSG, "line longer than %zu bytes", sizeof(in->text) - 1);
	in->text[n] = '\0';
	if (c == '\n')
		return 0;
	if (c == 0)
		return fault(in, -EBADMSG, "NUL byte in a line");
	if (ferror(in->f))
		return fault(in, -EIO, "%s", strerror(errno));
	return fault(in, -EBADMSG, "file cut short: expected a last line \"" LAST_WORD "%zu\"",
		     in->rules);
}

static int check_end(struct reader *in)
{
	const char *count = in->text + strlen(LAST_WORD);
	uint64_t n;

	if (decimal_parse(count, strlen(count), SIZE_MAX, &n) || n != in->rules)
		return fault(in, -EBADMSG,
			     "\"%.40s\": expected \"" LAST_WORD "%zu\" after %zu rules", in->text,
			     in->rules, in->rules);
	if (getc(in->f) != EOF)
		return fault(in, -EBADMSG, "more text after \"%.40s\"", in->text);
	return 0;
}

static int read_rule(struct reader *in, int (*add)(void *cookie, const struct rule *rule),
		     void *cookie)
{
	struct rule_error why;
	struct rule rule;
	int r;

	if (rule_parse_text(in->text, &rule, &why))
		return fault(in, -EBADMSG, "%s", why.text);
	r = add(cookie, &rule);
	if (r)
		return fault(in, r, "cannot take this rule: %s", strerror(-r));
	in->rules++;
	return 0;
}

static int read_file(struct reader *in, int (*add)(void *cookie, const struct rule *rule),
		     void *cookie)
{
	int r;

	r = next_line(in);
	if (r)
		return r;
	if (strcmp(in->text, FIRST_LINE) != 0)
		return fault(in, -EBADMSG, "\"%.40s\": expected \"" FIRST_LINE "\"", in->text);
	for (;;) {
		r = next_line(in);
		if (r)
			return r;
		if (strncmp(in->text, LAST_WORD, strlen(LAST_WORD)) == 0)
			return check_end(in);
		r = read_rule(in, add, cookie);
		if (r)
			return r;
	}
}

/* O_NONBLOCK: opening a FIFO that somebody put there must not wait for a writer. */
static int open_file(const char *dir, FILE **out)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/" STORE_FILE, dir) < 0) {
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

int store_load(const char *dir, int (*add)(void *cookie, const struct rule *rule), void *cookie,
	       char err[STORE_ERROR_LEN])
{
	_cleanup_fclose_ FILE *f = NULL;
	struct reader in = {.dir = dir, .err = err};
	int r;

	r = open_file(dir, &f);
	if (r == -ENOENT)
		return 0;
	if (r) {
		snprintf(err, STORE_ERROR_LEN, "%.150s/" STORE_FILE ": %s", dir, strerror(-r));
		return r;
	}
	in.f = f;
	return read_file(&in, add, cookie);
}
