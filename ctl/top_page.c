// SPDX-License-Identifier: GPL-2.0-or-later
#include "top_page.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/chain.h"
#include "common/cleanup.h"
#include "print.h"

#define HEAD_LINES 3
#define TEXT_MAX   1024

/* One program, as it is shown. */
struct line {
	const json_t *program;
	double packets_s, bytes_s;
	json_int_t flows, passed, stopped, would, packets;
};

struct page {
	FILE *out;
	const char *end;
	unsigned int left, columns;
};

void top_number(double n, char out[TOP_NUMBER_LEN])
{
	static const char units[] = "kMGTPE";
	const char *unit = units;

	if (n < 99999.5) {
		snprintf(out, TOP_NUMBER_LEN, "%.0f", n < 0 ? 0 : n);
		return;
	}
	for (n /= 1000; n >= 9999.5 && unit[1]; n /= 1000)
		unit++;
	snprintf(out, TOP_NUMBER_LEN, "%.0f%c", n < 9999 ? n : 9999, *unit);
}

/* --- Counts --- */

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static json_int_t verdict_count(const json_t *program, enum verdict v, const char *key)
{
	const json_t *verdicts = json_object_get(program, "verdicts");

	return number(json_object_get(verdicts, verdict_name(v)), key);
}

static json_int_t count_all(const json_t *program, const char *key)
{
	json_int_t n = 0;

	for (int v = 0; v < VERDICT_COUNT; v++)
		n += verdict_count(program, v, key);
	return n;
}

static bool same_field(const json_t *a, const json_t *b, const char *key)
{
	const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);

	return x == y || (x && y && json_equal(x, y));
}

static const json_t *find_same(const json_t *programs, const json_t *program)
{
	const json_t *other;
	size_t i;

	json_array_foreach(programs, i, other)
		if (same_field(other, program, "kind") && same_field(other, program, "device") &&
		    same_field(other, program, "inode") && same_field(other, program, "sha256"))
			return other;
	return NULL;
}

/* Since a count that is larger the program was forgotten, and began anew. */
static double rate(json_int_t before, json_int_t after, double seconds)
{
	return (double)(after - (before <= after ? before : 0)) / seconds;
}

static double seconds_between(const json_t *before, const json_t *after)
{
	double s = (double)(number(after, "time_ns") - number(before, "time_ns")) / 1e9;

	return s > 0.001 ? s : 0.001;
}

static struct line measure(const json_t *before, const json_t *program, double seconds)
{
	struct line l = {.program = program, .packets = count_all(program, "packets")};

	l.packets_s = rate(count_all(before, "packets"), l.packets, seconds);
	l.bytes_s = rate(count_all(before, "bytes"), count_all(program, "bytes"), seconds);
	l.flows = number(program, "flows");
	l.would = number(json_object_get(program, "would"), "packets");
	for (int v = 0; v < VERDICT_COUNT; v++)
		*(verdict_passes(v) ? &l.passed : &l.stopped) +=
			verdict_count(program, v, "packets");
	return l;
}

static int busiest_first(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->packets_s != y->packets_s)
		return x->packets_s < y->packets_s ? 1 : -1;
	return (x->packets < y->packets) - (x->packets > y->packets);
}

/* --- Text --- */

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += begins_character(*text);
	return n;
}

/* The end of a text, in at most `columns` characters. */
static void put_end(FILE *out, const char *text, size_t columns)
{
	size_t all = width(text);
	const char *dots = all > columns && columns > 3 ? "..." : "";
	size_t skip = all > columns ? all - columns + strlen(dots) : 0;

	for (; skip; skip--)
		do
			text++;
		while (!begins_character(*text));
	fprintf(out, "%s%s", dots, text);
}

/* A line of ASCII, and behind it the end of another text in what room is left. */
static void put_line(struct page *p, const char *text, const char *behind)
{
	_cleanup_free_ char *shown = print_harmless(behind);
	size_t n = strlen(text) < p->columns ? strlen(text) : p->columns;

	if (!p->left)
		return;
	fprintf(p->out, "%.*s", (int)n, text);
	if (shown)
		put_end(p->out, shown, p->columns - n);
	if (--p->left)
		fputs(p->end, p->out);
}

static void put_program(struct page *p, const struct line *l)
{
	const double numbers[] = {l->packets_s,	     l->bytes_s,	 (double)l->flows,
				  (double)l->passed, (double)l->stopped, (double)l->would};
	const char *digest = json_string_value(json_object_get(l->program, "sha256"));
	const char *exe = json_string_value(json_object_get(l->program, "exe"));
	char text[TEXT_MAX] = "", one[TOP_NUMBER_LEN];
	struct print_room room;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		top_number(numbers[i], one);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%6s ", one);
	}
	snprintf(text + n, sizeof(text) - n, " %-8.8s  ", digest ? digest : "-");
	if (!exe)
		exe = print_field(l->program, "kind", &room);
	put_line(p, text, exe);
}

static void put_head(struct page *p, const json_t *before, const json_t *after, double seconds)
{
	double sums[VERDICT_COUNT] = {0}, would = 0;
	const json_t *programs = json_object_get(after, "programs"), *program;
	char text[TEXT_MAX], one[TOP_NUMBER_LEN];
	size_t i, n = 0;

	json_array_foreach(programs, i, program) {
		const json_t *old = find_same(json_object_get(before, "programs"), program);

		for (int v = 0; v < VERDICT_COUNT; v++)
			sums[v] += rate(verdict_count(old, v, "packets"),
					verdict_count(program, v, "packets"), seconds);
		would += rate(number(json_object_get(old, "would"), "packets"),
			      number(json_object_get(program, "would"), "packets"), seconds);
	}
	snprintf(text, sizeof(text), "app-fw  %.8s  up %.0f s  %zu programs",
		 json_string_value(json_object_get(after, "mode"))
			 ? json_string_value(json_object_get(after, "mode"))
			 : "?",
		 json_real_value(json_object_get(after, "uptime_s")), json_array_size(programs));
	put_line(p, text, "");
	for (int v = 0; v < VERDICT_COUNT; v++) {
		top_number(sums[v], one);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s  ", verdict_name(v), one);
	}
	top_number(would, one);
	snprintf(text + n, sizeof(text) - n, "would %s /s", one);
	put_line(p, text, "");
	put_line(p, " PKT/S BYTE/S  FLOWS PASSED   STOP  WOULD  SHA256    PROGRAM", "");
}

void top_page(FILE *out, const json_t *before, const json_t *after, unsigned int rows,
	      unsigned int columns, const char *end)
{
	const json_t *programs = json_object_get(after, "programs"), *program;
	_cleanup_free_ struct line *lines = calloc(json_array_size(programs) + 1, sizeof(*lines));
	const double seconds = seconds_between(before, after);
	struct page p = {out, end, rows, columns};
	size_t i, n = 0;

	if (!lines)
		return;
	json_array_foreach(programs, i, program)
		lines[n++] = measure(find_same(json_object_get(before, "programs"), program),
				     program, seconds);
	qsort(lines, n, sizeof(*lines), busiest_first);
	/* The line after which nothing follows has no end. */
	if (n + HEAD_LINES < rows)
		p.left = (unsigned int)n + HEAD_LINES;
	put_head(&p, before, after, seconds);
	for (i = 0; i < n; i++)
		put_program(&p, &lines[i]);
}
