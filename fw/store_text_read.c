/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "common/cleanup.h"
#include "common/decimal.h"
#include "store_text.h"
#include "store_words.h"

/* Room for what a person may write less tersely than rule_format does. */
#define LINE_MAX_LEN (4 * RULE_TEXT_MAX)

struct reader {
	FILE *f;
	const char *where; /* what an error has before the number of the line */
	size_t line;	   /* number of the one in text; 0 before the first */
	size_t item_line;  /* the same of the last item of a set */
	size_t lines;	   /* of policies, sets and rules, read so far */
	bool has_policy[CHAIN_COUNT];
	size_t changes;	 /* after the end, read so far */
	bool may_be_cut; /* a crash may have left a part of the last change */
	bool cut;	 /* it has */
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

	n = snprintf(in->err, STORE_ERROR_LEN, "%.110s%zu: ", in->where, in->line);
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
	return fault(in, -EBADMSG,
		     "file cut short: expected a last line \"" STORE_LAST_WORD " %zu\"", in->lines);
}

static bool at_the_end(struct reader *in)
{
	int c = getc(in->f);

	if (c != EOF)
		ungetc(c, in->f);
	return c == EOF && !ferror(in->f);
}

static int check_end(struct reader *in)
{
	const char *count = in->text + strlen(STORE_LAST_WORD) + 1;
	uint64_t n;

	if (in->text[strlen(STORE_LAST_WORD)] &&
	    (decimal_parse(count, strlen(count), SIZE_MAX, &n) || n != in->lines))
		return fault(in, -EBADMSG,
			     "\"%.40s\": expected \"" STORE_LAST_WORD " %zu\" after %zu lines",
			     in->text, in->lines, in->lines);
	if (!in->to->change && !at_the_end(in))
		return fault(in, -EBADMSG, "more text after \"%.40s\"", in->text);
	return 0;
}

/* Whether the line, which could not be read or is no whole change, may be the beginning of one and
 * is the last. */
static bool is_left_of_one(struct reader *in, bool ended)
{
	const size_t n = strlen(in->text), most = strlen(STORE_CHANGE_WORD " ");
	int c = ended ? '\n' : 0;

	if (strncmp(in->text, STORE_CHANGE_WORD " ", n < most ? n : most) != 0 ||
	    (ended && n < most))
		return false;
	while (c != '\n' && c != EOF)
		c = getc(in->f);
	return at_the_end(in);
}

/* Takes one change. 0; -ENODATA: the rest is what a crash left of one. */
static int read_change(struct reader *in)
{
	struct store_change change;
	const char *why = NULL;
	bool ended;
	int r = next_line(in);

	if (r == -EIO)
		return r;
	ended = r == 0;
	r = r ? r : store_change_parse(in->text, in->changes + 1, &change, &why);
	if (r == -EBADMSG && in->may_be_cut && is_left_of_one(in, ended))
		return ferror(in->f) ? -EIO : -ENODATA;
	if (r)
		return why ? fault(in, -EBADMSG, "\"%.40s\": %s", in->text, why) : r;
	r = in->to->change(in->to->cookie, &change);
	return r ? fault(in, r == -ENOMEM ? r : -EBADMSG, "cannot make this change: %s",
			 strerror(-r))
		 : 0;
}

static int read_changes(struct reader *in)
{
	int r;

	while (!at_the_end(in)) {
		if (ferror(in->f))
			return fault(in, -EIO, "%s", strerror(errno));
		r = read_change(in);
		in->cut = r == -ENODATA;
		if (r)
			return in->cut ? 0 : r;
		in->changes++;
	}
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
		in->line = in->item_line;
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

	return word && strcmp(word, STORE_NONE) == 0 ? word + 1 : word;
}

/* Of its time, what is left, and not more than it can ever have had. */
static int read_until(const char *word, uint64_t *until_ns, bool *over)
{
	uint64_t until_s, now_s = clock_real_ns() / SECOND;

	*until_ns = 0;
	*over = false;
	if (!*word)
		return 0;
	if (decimal_parse(word, strlen(word), INT64_MAX, &until_s))
		return -EINVAL;
	*over = until_s <= now_s;
	if (until_s > now_s + SET_GRACE_MAX_S)
		until_s = now_s + SET_GRACE_MAX_S;
	*until_ns = until_s * SECOND - (clock_real_ns() - clock_monotonic_ns());
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
	char *rest = in->text + strlen(STORE_SET_WORD), *words[COLUMN_COUNT];
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
	in->item_line = in->line;
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
	if (r == -E2BIG)
		return fault(in, r, "more than %d rules in chain %s", RULES_MAX,
			     chain_name(rule.chain));
	return r ? fault(in, r, "cannot take this rule: %s", strerror(-r)) : 0;
}

/* Whether the line is that word, alone or before blanks. */
static bool begins_with(const char *line, const char *word)
{
	const size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && (!line[n] || line[n] == ' ' || line[n] == '\t');
}

/* The next word of a line of blanks and words; "" when there is no more. */
static char *plain_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	char *end = word + strcspn(word, " \t");

	*rest = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static int read_policy(struct reader *in)
{
	char *rest = in->text + strlen(STORE_POLICY_WORD), *word = plain_word(&rest);
	enum verdict policy;
	enum chain chain;
	int r;

	if (chain_parse(word, &chain))
		return fault(in, -EBADMSG,
			     STORE_POLICY_WORD " \"%.40s\": expected INPUT, OUTPUT or FORWARD",
			     word);
	if (in->has_policy[chain])
		return fault(in, -EBADMSG, STORE_POLICY_WORD " %s: given twice", word);
	in->has_policy[chain] = true;
	word = plain_word(&rest);
	if (policy_parse(word, &policy))
		return fault(in, -EBADMSG,
			     STORE_POLICY_WORD " %s \"%.40s\": expected ACCEPT or DROP",
			     chain_name(chain), word);
	word = plain_word(&rest);
	if (*word)
		return fault(in, -EBADMSG, "\"%.40s\": expected nothing after the policy", word);
	r = in->to->policy(in->to->cookie, chain, policy);
	return r ? fault(in, r, "cannot take this policy: %s", strerror(-r)) : 0;
}

static int read_id(struct reader *in, char **rest, uint64_t most, uint64_t *id)
{
	const char *word = plain_word(rest);

	if (decimal_parse(word, strlen(word), most, id) || *id == 0)
		return fault(in, -EBADMSG, "\"%.40s\": expected the id of a patch, 1 to %d", word,
			     PATCH_ID_LAST);
	return 0;
}

static int read_next_patch(struct reader *in)
{
	char *rest = in->text + strlen(STORE_NEXT_PATCH_WORD), *word;
	uint64_t id = 0;
	int r = read_id(in, &rest, PATCH_ID_LAST + 1, &id);

	word = plain_word(&rest);
	if (!r && *word)
		r = fault(in, -EBADMSG, "\"%.40s\": expected nothing after the id", word);
	return r ? r : in->to->next_patch(in->to->cookie, id);
}

static int read_patch(struct reader *in)
{
	char *rest = in->text + strlen(STORE_PATCH_WORD);
	struct rule_error why;
	struct patch patch;
	uint64_t id = 0;
	int r = read_id(in, &rest, PATCH_ID_LAST, &id);

	if (r)
		return r;
	if (patch_parse_text(rest, &patch, &why))
		return fault(in, -EBADMSG, "%s", why.text);
	patch.id = id;
	r = in->to->patch(in->to->cookie, &patch);
	if (r == -ENOENT)
		return fault(in, -EBADMSG, "--set %s: no such set", patch.rule.set);
	if (r == -EEXIST)
		return fault(in, -EBADMSG, "%" PRIu64 ": a second patch of this id", id);
	if (r == -E2BIG)
		return fault(in, r, "more than %d patches", PATCHES_MAX);
	return r ? fault(in, r, "cannot take this patch: %s", strerror(-r)) : 0;
}

/* A line that says something and is not the last. */
static int read_line(struct reader *in)
{
	int r;

	if (strncmp(in->text, STORE_SET_WORD, strlen(STORE_SET_WORD)) == 0)
		return read_item(in);
	r = end_set(in);
	if (r)
		return r;
	if (begins_with(in->text, STORE_PATCH_WORD))
		return read_patch(in);
	if (begins_with(in->text, STORE_NEXT_PATCH_WORD))
		return read_next_patch(in);
	return begins_with(in->text, STORE_POLICY_WORD) ? read_policy(in) : read_rule(in);
}

/* The next line that is not empty and no comment. */
static int next_saying_line(struct reader *in)
{
	const char *first;
	int r;

	do {
		r = next_line(in);
		first = in->text + strspn(in->text, " \t");
	} while (!r && (!*first || *first == '#'));
	return r;
}

static int read_file(struct reader *in)
{
	int r;

	r = next_saying_line(in);
	if (r)
		return r;
	if (strcmp(in->text, STORE_FIRST_LINE) != 0 &&
	    strcmp(in->text, STORE_FIRST_LINE_OLD) != 0 &&
	    strcmp(in->text, STORE_FIRST_LINE_PATCHES) != 0)
		return fault(in, -EBADMSG, "\"%.40s\": expected \"" STORE_FIRST_LINE "\"",
			     in->text);
	for (;;) {
		r = next_saying_line(in);
		if (r)
			return r;
		if (begins_with(in->text, STORE_LAST_WORD)) {
			r = end_set(in);
			r = r ? r : check_end(in);
			return r ? r : read_changes(in);
		}
		r = read_line(in);
		if (r)
			return r;
		in->lines++;
	}
}

int store_text_read(FILE *f, const char *where, const struct store_taker *to,
		    struct store_text_rest *rest, char err[STORE_ERROR_LEN])
{
	_cleanup_(cleanup_reader) struct reader in = {
		.f = f, .where = where, .to = to, .err = err, .may_be_cut = rest != NULL};
	int r;

	*err = '\0';
	r = read_file(&in);
	if (!r && rest)
		*rest = (struct store_text_rest){in.changes, in.cut};
	return r;
}

int store_parse(const char *text, size_t length, const struct store_taker *to,
		char err[STORE_ERROR_LEN])
{
	/* fmemopen() knows no empty buffer, and only reads from this one. */
	_cleanup_fclose_ FILE *f = length > 0 ? fmemopen((char *)text, length, "r") : NULL;
	int r = length > 0 ? -ENOMEM : -EBADMSG;

	*err = '\0';
	if (f)
		r = store_text_read(f, "line ", to, NULL, err);
	if (r && !*err)
		snprintf(err, STORE_ERROR_LEN, "%s",
			 length > 0 ? strerror(-r) : "line 1: expected \"" STORE_FIRST_LINE "\"");
	return r;
}
