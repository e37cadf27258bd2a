/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "cmdline.h"
#include "common/cleanup.h"
#include "common/duration.h"
#include "hash.h"
#include "rule_words.h"

#define OBJECT	      "--object"
#define SCRIPT	      "--script"
#define EXPIRES	      "--expires"
#define EXPIRES_MAX_S (3650 * 86400)
#define NETNS_PREFIX  "net:["

int rule_words_width(const char *word)
{
	return strcmp(word, OBJECT) == 0 ? 2 : rule_option_width(word);
}

__attribute__((format(printf, 3, 4))) static int refuse(int r, struct rule_error *err,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return r;
}

/* The type is asked for on nsfs only: elsewhere the same number may be another request. */
static bool is_netns(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC &&
	       ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

static int name_netns(const char *path, char **out, struct rule_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return refuse(-errno, err, "-n %.100s: %s", cmdline_show(path), strerror(errno));
	if (!is_netns(fd))
		return refuse(-EINVAL, err, "-n %.100s: expected a network namespace", path);
	if (asprintf(out, NETNS_PREFIX "%ju]", (uintmax_t)st.st_ino) < 0)
		return refuse(-ENOMEM, err, "out of memory");
	return 0;
}

static int name_file(const char *option, const char *path, char **out, struct rule_error *err)
{
	struct sha256 digest;
	int r = hash_file(path, &digest);

	if (r)
		return refuse(r, err, "%s %.100s: %s", option, cmdline_show(path), strerror(-r));
	*out = malloc(SHA256_HEX_LEN + 1);
	if (!*out)
		return refuse(-ENOMEM, err, "out of memory");
	hex_format_sha256(&digest, *out);
	return 0;
}

/* +DURATION as the time it will be then. */
static int name_time(const char *text, char **out, struct rule_error *err)
{
	uint64_t seconds;

	if (duration_parse(text + 1, EXPIRES_MAX_S, &seconds))
		return refuse(-EINVAL, err,
			      EXPIRES
			      " %.100s: expected + and a number and s, m, h or d, at most %dd",
			      text, EXPIRES_MAX_S / 86400);
	*out = malloc(INSTANT_TEXT_LEN);
	if (!*out)
		return refuse(-ENOMEM, err, "out of memory");
	instant_format((uint64_t)time(NULL) + seconds, *out);
	return 0;
}

/* A script may be named by its digest or as a file: what looks like a digest is one. */
static bool is_digest(const char *text)
{
	struct sha256 digest;

	return hex_parse_sha256(text, &digest) == 0;
}

struct resolved {
	char **words;
	char **made; /* those of the words that are ours to free; NULL elsewhere */
	int n;
	char *file; /* that --object names, for a patch; ours too */
};

static void cleanup_resolved(struct resolved *r)
{
	for (int i = 0; r->made && i < r->n; i++)
		free(r->made[i]);
	free(r->made);
	free(r->words);
	free(r->file);
}

static int resolve_value(struct resolved *r, int i, struct rule_error *err)
{
	static char sng_hash[] = "--sng-hash";
	const char *option = r->words[i], *value = r->words[i + 1];
	int e = 0;

	if (strcmp(option, OBJECT) == 0) {
		e = name_file(option, value, &r->made[i + 1], err);
		r->words[i] = sng_hash;
	} else if (strcmp(option, SCRIPT) == 0 && !is_digest(value)) {
		e = name_file(option, value, &r->made[i + 1], err);
	} else if (strcmp(option, EXPIRES) == 0 && *value == '+') {
		e = name_time(value, &r->made[i + 1], err);
	} else if (strcmp(option, "-n") == 0 && strncmp(value, NETNS_PREFIX, 5) != 0) {
		e = name_netns(value, &r->made[i + 1], err);
	}
	if (!e && r->made[i + 1])
		r->words[i + 1] = r->made[i + 1];
	return e;
}

/* With room for two words more. */
static int resolve(int n, char *const words[], struct resolved *r, struct rule_error *err)
{
	int e, width;

	r->n = n;
	r->words = calloc((size_t)n + 2, sizeof(char *));
	r->made = calloc((size_t)n + 2, sizeof(char *));
	if (!r->words || !r->made)
		return refuse(-ENOMEM, err, "out of memory");
	memcpy(r->words, words, (size_t)n * sizeof(char *));
	for (int i = 0; i < n; i += width) {
		width = rule_words_width(words[i]) + patch_option_width(words[i]);
		e = width == 2 && i + 1 < n ? resolve_value(r, i, err) : 0;
		if (e)
			return e;
		if (width == 0)
			break; /* not a word of the grammar: who parses it says so */
	}
	return 0;
}

int rule_words_resolve(int n, char *const words[], struct rule *out, struct rule_error *err)
{
	_cleanup_(cleanup_resolved) struct resolved r = {.n = 0};
	int e = resolve(n, words, &r, err);

	return e ? e : rule_parse(n, r.words, out, err);
}

/* Where the object lies, for who lists the patch, and to see when it is replaced. */
static int name_place(int n, char *const words[], struct resolved *r, struct rule_error *err)
{
	static char file[] = "--file";
	int i = 0;

	while (i + 1 < n && strcmp(words[i], OBJECT) != 0)
		i++;
	if (i + 1 >= n)
		return 0;
	r->file = realpath(words[i + 1], NULL);
	if (!r->file)
		return refuse(-errno, err, OBJECT " %.100s: %s", cmdline_show(words[i + 1]),
			      strerror(errno));
	r->words[r->n] = file;
	r->words[r->n + 1] = r->file;
	return 2;
}

int rule_words_resolve_patch(int n, char *const words[], struct patch *out, struct rule_error *err)
{
	_cleanup_(cleanup_resolved) struct resolved r = {.n = 0};
	int e = resolve(n, words, &r, err), more;

	if (e)
		return e;
	more = name_place(n, words, &r, err);
	return more < 0 ? more : patch_parse(n + more, r.words, out, err);
}
