/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output for people: aligned, coloured on a terminal only, and harmless to it whatever a path or a
 * note contains. What could not be printed is told once, at the end, by print_finish().
 */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum style {
	STYLE_PLAIN,
	STYLE_HEADING,
	STYLE_GOOD,
	STYLE_BAD,
	STYLE_COUNT,
};

/*
 * A copy (free it; NULL: no memory) in which every byte of a control character, of a character that
 * turns the direction of writing, and of what is not UTF-8 has become \xNN. All else is as it was.
 */
char *print_harmless(const char *text);

/* Text on stdout, harmless, in a style where stdout is a terminal and NO_COLOR is not set. */
void print_text(enum style style, const char *text);

/* A line "label     value", values under each other. */
void print_pair(const char *label, enum style style, const char *value);

/* A line of JSON on stdout, in ASCII. */
void print_json(const json_t *json);

/* A line "ctl-fw: ..." on stderr, harmless. */
__attribute__((format(printf, 1, 2))) void print_error(const char *fmt, ...);

/* Flushes stdout. Returns whether all of it was taken; if not, a line on stderr says why. */
bool print_finish(void);

struct print_room {
	char text[32];
};

/*
 * A scalar field of what should be an object, as text: "-" for null, "?" when it is not there or no
 * scalar. The text lives as long as both object and room.
 */
const char *print_field(const json_t *object, const char *key, struct print_room *room);

/* What "script" of a process says: its path, under that its digest, and why it is not known. */
void print_script(const json_t *process);

struct print_table;

/* Columns as wide as their widest cell; `align` has a letter for each, 'l' or 'r'. */
struct print_table *print_table_new(const char *align);

/* One string per column; made harmless. */
void print_table_add(struct print_table *t, const char *const cells[]);

/* Puts it on stdout, the first row as a heading, and frees it. */
void print_table_end(struct print_table *t);

#define PRINT_COLUMNS_MAX 8

/* All that as a table of what should be an array of objects: a column for each key, which is its
 * heading too. */
void print_rows(const json_t *array, const char *align, const char *const keys[]);

#endif
