/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/decimal.h"
#include "clock.h"
#include "store.h"

#define FIRST_LINE "app-fw rules 1"
#define LAST_WORD  "end "
#define SET_WORD   "set\t"
#define POLICY	   "policy "
#define NONE	   "-"
#define TEMPORARY  STORE_FILE ".new"
#define SECOND	   1000000000ull
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

static const char *or_none(const char *word)
{
	return *word ? word : NONE;
}

static void write_item(FILE *f, const struct set *set, const struct set_item *item)
{
	char hex[SHA256_HEX_LEN + 1], until[24] = NONE;

	hex_format_sha256(&item->digest, hex);
	if (item->until_ns)
		snprintf(until, sizeof(until), "%llu",
			 (item->until_ns + clock_real_ns() - clock_monotonic_ns()) / SECOND);
	fprintf(f, SET_WORD "%s\t%s\t%s\t%s\t%s\t%s\n", set->name, or_none(item->package),
		or_none(item->root), until, hex, item->path);
}

/* Errors of the stream stay in it until put_on_disk(). */
static void write_rules(FILE *f, const struct ruleset *rs)
{
	char text[RULE_TEXT_MAX];
	size_t n = 0;

	fputs(FIRST_LINE "\n", f);
	for (size_t c = 0; c < CHAIN_COUNT; c++)
		if (rs->chains[c].policy_set) {
			fprintf(f, POLICY "%s %s\n", chain_name(c),
				verdict_name(rs->chains[c].policy));
			n++;
		}
	for (size_t s = 0; s < rs->n_sets; s++)
		for (size_t i = 0; i < rs->sets[s]->n; i++, n++)
			write_item(f, rs->sets[s], &rs->sets[s]->items[i]);
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
	size_t lines; /* of sets and rules, read so far */
	const struct store_taker *to;
	char set[SET_NAME_MAX + 1]; /* that the items are of; "": none is being read */
	struct set_item *items;
	size_t n_items;
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
		     in->lines);
}

static int check_end(struct reader *in)
{
	const char *count = in->text + strlen(LAST_WORD);
	uint64_t n;

	if (decimal_parse(count, strlen(count), SIZE_MAX, &n) || n != in->lines)
		return fault(in, -EBADMSG,
			     "\"%.40s\": expected \"" LAST_WORD "%zu\" after %zu lines", in->text,
			     in->lines, in->lines);
	if (getc(in->f) != EOF)
		return fault(in, -EBADMSG, "more text after \"%.40s\"", in->text);
	return 0;
}

static void free_items(struct reader *in)
{
	for (size_t i = 0; i < in->n_items; i++)
		set_item_free(&in->items[i]);
	in->n_items = 0;
}

static void cleanup_reader(struct reader *in)
{
	free_items(in);
	free(in->items);
}

/* Hands over the set whose items have been read, if there is one. */
static int end_set(struct reader *in)
{
	struct set *set;
	int r;

	if (!*in->set)
		return 0;
	r = set_new(in->set, in->items, in->n_items, &set);
	if (!r) {
		r = in->to->set(in->to->cookie, set);
		set_unref(set);
	}
	if (r) {
		in->line--;
		return fault(in, r == -ENOMEM ? r : -EBADMSG, "cannot take set %s: %s", in->set,
			     r == -ENODATA ? "all its digests are old ones" : strerror(-r));
	}
	free_items(in);
	*in->set = '\0';
	return 0;
}

/* The next word of a line of a set; "" for none. NULL: there is no more. */
static char *set_word(char **rest)
{
	char *word = strsep(rest, "\t");

	return word && strcmp(word, NONE) == 0 ? word + 1 : word;
}

/* Of its time, what is left, and not more than it can ever have had. */
static int read_until(const char *word, uint64_t *until_ns, bool *over)
{
	uint64_t until_s, now_s = clock_real_ns() / SECOND, left_s;

	*until_ns = 0;
	*over = false;
	if (!*word)
		return 0;
	if (decimal_parse(word, strlen(word), INT64_MAX, &until_s))
		return -EINVAL;
	*over = until_s <= now_s;
	left_s = until_s - now_s;
	if (left_s > SET_GRACE_MAX_S)
		left_s = SET_GRACE_MAX_S;
	*until_ns = clock_monotonic_ns() + left_s * SECOND;
	return 0;
}

enum set_column {
	COLUMN_NAME,
	COLUMN_PACKAGE,
	COLUMN_ROOT,
	COLUMN_UNTIL,
	COLUMN_DIGEST,
	COLUMN_PATH,
	COLUMN_COUNT,
};

static int check_words(struct reader *in, char *const words[COLUMN_COUNT])
{
	const char *why = set_name_fault(words[COLUMN_NAME]), *word = words[COLUMN_NAME];

	if (!why && *words[COLUMN_PACKAGE])
		why = set_package_fault(word = words[COLUMN_PACKAGE]);
	if (!why && *words[COLUMN_ROOT])
		why = set_path_fault(word = words[COLUMN_ROOT]);
	if (!why)
		why = set_path_fault(word = words[COLUMN_PATH]);
	return why ? fault(in, -EBADMSG, "\"%.40s\": %s", word, why) : 0;
}

static int keep_item(struct reader *in, const struct set_item *item)
{
	struct set_item *more;
	int r;

	if (in->n_items == SET_ITEMS_MAX)
		return fault(in, -EBADMSG, "more than %d digests in set %s", SET_ITEMS_MAX,
			     in->set);
	more = reallocarray(in->items, in->n_items + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	in->items = more;
	r = set_item_copy(item, &in->items[in->n_items]);
	in->n_items += !r;
	return r;
}

static int read_item(struct reader *in)
{
	char *rest = in->text + strlen(SET_WORD), *words[COLUMN_COUNT];
	struct set_item item;
	bool over;
	int r;

	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		words[i] = set_word(&rest);
		if (!words[i])
			return fault(in, -EBADMSG, "expected %d words after \"set\"", COLUMN_COUNT);
	}
	if (rest)
		return fault(in, -EBADMSG, "\"%.40s\": expected %d words after \"set\"", rest,
			     COLUMN_COUNT);
	r = check_words(in, words);
	if (r)
		return r;
	if (read_until(words[COLUMN_UNTIL], &item.until_ns, &over))
		return fault(in, -EBADMSG, "\"%.40s\": expected seconds since 1970",
			     words[COLUMN_UNTIL]);
	if (hex_parse_sha256(words[COLUMN_DIGEST], &item.digest))
		return fault(in, -EBADMSG, "\"%.40s\": expected 64 hexadecimal digits",
			     words[COLUMN_DIGEST]);
	if (strcmp(in->set, words[COLUMN_NAME]) != 0) {
		r = end_set(in);
		strcpy(in->set, words[COLUMN_NAME]);
	}
	item.package = words[COLUMN_PACKAGE];
	item.root = words[COLUMN_ROOT];
	item.path = words[COLUMN_PATH];
	return r || over ? r : keep_item(in, &item);
}

static int read_rule(struct reader *in)
{
	struct rule_error why;
	struct rule rule;
	int r;

	if (rule_parse_text(in->text, &rule, &why))
		return fault(in, -EBADMSG, "%s", why.text);
	r = in->to->rule(in->to->cookie, &rule);
	if (r == -ENOENT)
		return fault(in, -EBADMSG, "--set %s: no such set", rule.set);
	return r ? fault(in, r, "cannot take this rule: %s", strerror(-r)) : 0;
}

static int read_policy(struct reader *in)
{
	char *verdict = in->text + strlen(POLICY), *name = strsep(&verdict, " ");
	enum verdict policy;
	enum chain chain;
	int r;

	if (chain_parse(name, &chain))
		return fault(in, -EBADMSG, "\"%.40s\": expected INPUT, OUTPUT or FORWARD", name);
	if (!verdict || policy_parse(verdict, &policy))
		return fault(in, -EBADMSG, "\"%.40s\": expected ACCEPT or DROP",
			     verdict ? verdict : "");
	r = in->to->policy(in->to->cookie, chain, policy);
	return r ? fault(in, r, "cannot take this policy: %s", strerror(-r)) : 0;
}

/* A line that is not the last. */
static int read_line(struct reader *in)
{
	int r;

	if (strncmp(in->text, SET_WORD, strlen(SET_WORD)) == 0)
		return read_item(in);
	r = end_set(in);
	if (!r && strncmp(in->text, POLICY, strlen(POLICY)) == 0)
		return read_policy(in);
	return r ? r : read_rule(in);
}

static int read_file(struct reader *in)
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
		if (strncmp(in->text, LAST_WORD, strlen(LAST_WORD)) == 0) {
			r = end_set(in);
			return r ? r : check_end(in);
		}
		r = read_line(in);
		if (r)
			return r;
		in->lines++;
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

int store_load(const char *dir, const struct store_taker *to, char err[STORE_ERROR_LEN])
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_(cleanup_reader) struct reader in = {.dir = dir, .to = to, .err = err};
	int r;

	r = open_file(dir, &f);
	if (r == -ENOENT)
		return 0;
	if (!r) {
		in.f = f;
		*err = '\0';
		r = read_file(&in);
	}
	if (r && (!f || !*err))
		snprintf(err, STORE_ERROR_LEN, "%.150s/" STORE_FILE ": %s", dir, strerror(-r));
	return r;
}
