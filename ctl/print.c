/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/utf8.h"
#include "print.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define LABEL_WIDTH   10

static bool out_of_memory;

/* --- Text --- */

/* The characters that Unicode's bidirectional algorithm obeys, and its line separators: with them
 * a terminal or an editor shows another text than the one that is there. */
static bool turns_text(const char *s, size_t length)
{
	static const char *const marks[] = {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029",
					    "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
					    "\u2066", "\u2067", "\u2068", "\u2069"};

	for (size_t i = 0; i < LENGTH(marks); i++)
		if (strlen(marks[i]) == length && memcmp(s, marks[i], length) == 0)
			return true;
	return false;
}

/* The length in bytes of the character at s if it may be shown; else 0. */
static size_t showable(const char *s)
{
	char character[5] = "";

	for (size_t n = 0; n < 4 && s[n]; n++) {
		character[n] = s[n];
		if (utf8_is_printable(character))
			return turns_text(s, n + 1) ? 0 : n + 1;
	}
	return 0;
}

char *print_harmless(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *copy = malloc(4 * strlen(text) + 1);
	char *to = copy;

	if (!copy) {
		out_of_memory = true;
		return NULL;
	}
	while (*text) {
		size_t n = showable(text);

		if (n > 0) {
			to = mempcpy(to, text, n);
			text += n;
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[(unsigned char)*text >> 4];
		*to++ = digits[(unsigned char)*text++ & 15];
	}
	*to = '\0';
	return copy;
}

static const char *const styles[] = {
	[STYLE_PLAIN] = "",
	[STYLE_HEADING] = "\033[1m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_BAD] = "\033[31m",
};
static_assert(LENGTH(styles) == STYLE_COUNT, "every style has its sequence");

static bool in_colour(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

/* Text that is harmless already. */
static void put(enum style style, const char *text)
{
	bool coloured = style != STYLE_PLAIN && in_colour();

	printf("%s%s%s", coloured ? styles[style] : "", text, coloured ? "\033[0m" : "");
}

void print_text(enum style style, const char *text)
{
	_cleanup_free_ char *shown = print_harmless(text);

	if (shown)
		put(style, shown);
}

void print_pair(const char *label, enum style style, const char *value)
{
	printf("%-*s ", LABEL_WIDTH, label);
	print_text(style, value);
	putchar('\n');
}

void print_json(const json_t *json)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (text)
		puts(text);
	else
		out_of_memory = true;
}

void print_error(const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *shown = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		text = NULL;
	else
		shown = print_harmless(text);
	fprintf(stderr, "ctl-fw: %s\n", shown ? shown : "out of memory");
}

bool print_finish(void)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout)) {
		print_error("standard output: %s", errno ? strerror(errno) : "write error");
		return false;
	}
	if (out_of_memory)
		print_error("out of memory");
	return !out_of_memory;
}

/* --- Fields --- */

const char *print_field(const json_t *object, const char *key, struct print_room *room)
{
	const json_t *field = json_object_get(object, key);

	switch (field ? json_typeof(field) : JSON_OBJECT) {
	case JSON_STRING:
		return json_string_value(field);
	case JSON_INTEGER:
		snprintf(room->text, sizeof(room->text), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(field));
		return room->text;
	case JSON_REAL:
		snprintf(room->text, sizeof(room->text), "%.10g", json_real_value(field));
		return room->text;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	case JSON_NULL:
		return "-";
	default:
		return "?";
	}
}

void print_script(const json_t *process)
{
	const json_t *script = json_object_get(process, "script");
	const char *why = json_string_value(json_object_get(script, "why"));
	struct print_room room;

	if (!json_is_object(script)) {
		print_pair("script", STYLE_PLAIN, "-");
		return;
	}
	print_pair("script", STYLE_PLAIN, print_field(script, "path", &room));
	print_pair("", STYLE_PLAIN, print_field(script, "sha256", &room));
	if (!why)
		return;
	printf("%-*s ", LABEL_WIDTH, "");
	print_text(STYLE_BAD, print_field(script, "state", &room));
	print_text(STYLE_BAD, ": ");
	print_text(STYLE_BAD, why);
	putchar('\n');
}

/* --- Tables --- */

struct print_table {
	const char *align;
	size_t columns;
	size_t n, room; /* cells */
	char **cells;
};

struct print_table *print_table_new(const char *align)
{
	struct print_table *t = calloc(1, sizeof(*t));

	if (!t) {
		out_of_memory = true;
		return NULL;
	}
	t->align = align;
	t->columns = strlen(align);
	return t;
}

static bool has_room(struct print_table *t)
{
	size_t room = t->room ? 2 * t->room : 16 * t->columns;
	char **cells;

	if (t->n + t->columns <= t->room)
		return true;
	cells = reallocarray(t->cells, room, sizeof(*cells));
	if (!cells) {
		out_of_memory = true;
		return false;
	}
	t->cells = cells;
	t->room = room;
	return true;
}

void print_table_add(struct print_table *t, const char *const cells[])
{
	if (!t || !has_room(t))
		return;
	for (size_t i = 0; i < t->columns; i++)
		t->cells[t->n++] = print_harmless(cells[i]);
}

static const char *cell(const struct print_table *t, size_t i)
{
	return t->cells[i] ? t->cells[i] : "";
}

/* In characters: the terminal gives each one place, near enough. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t widest(const struct print_table *t, size_t column)
{
	size_t most = 0;

	for (size_t i = column; i < t->n; i += t->columns)
		if (width(cell(t, i)) > most)
			most = width(cell(t, i));
	return most;
}

/* The last column of a row is not filled up: no blanks at the end of a line. */
static void put_cell(const struct print_table *t, size_t i, size_t wide)
{
	size_t column = i % t->columns;
	int fill = (int)(wide - width(cell(t, i)));

	if (column > 0)
		printf("  ");
	if (t->align[column] == 'r')
		printf("%*s", fill, "");
	put(i < t->columns ? STYLE_HEADING : STYLE_PLAIN, cell(t, i));
	if (column + 1 == t->columns)
		putchar('\n');
	else if (t->align[column] == 'l')
		printf("%*s", fill, "");
}

void print_table_end(struct print_table *t)
{
	_cleanup_free_ size_t *wide = t ? calloc(t->columns, sizeof(*wide)) : NULL;

	if (!t)
		return;
	out_of_memory |= !wide;
	for (size_t column = 0; wide && column < t->columns; column++)
		wide[column] = widest(t, column);
	for (size_t i = 0; wide && i < t->n; i++)
		put_cell(t, i, wide[i % t->columns]);
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void print_rows(const json_t *array, const char *align, const char *const keys[])
{
	struct print_table *t = print_table_new(align);
	struct print_room room[PRINT_COLUMNS_MAX];
	const char *cells[PRINT_COLUMNS_MAX];
	const json_t *row;
	size_t i;

	print_table_add(t, keys);
	json_array_foreach(array, i, row) {
		for (size_t c = 0; align[c]; c++)
			cells[c] = print_field(row, keys[c], &room[c]);
		print_table_add(t, cells);
	}
	print_table_end(t);
}
