/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diversion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 /* of chains that jump to chains; the kernel refuses loops */
#define WORDS_MAX 128
#define OURS	  "app-fw" /* in the path of the pinned program that the verdict cache is */

/* The words of a line of iptables-save, in which what has blanks stands between double quotes. */
struct words {
	char text[1024];
	char *word[WORDS_MAX];
	size_t n;
};

static void split(const char *line, size_t length, struct words *w)
{
	char *in = w->text, *out = w->text;
	bool quoted = false, open = false;

	if (length >= sizeof(w->text))
		length = sizeof(w->text) - 1;
	memcpy(w->text, line, length);
	w->text[length] = '\0';
	w->n = 0;
	for (; *in; in++) {
		if (*in == '"' || (*in == '\\' && in[1])) {
			quoted ^= *in == '"';
			if (*in == '"')
				continue;
			in++;
		} else if (*in == ' ' && !quoted) {
			*out++ = '\0';
			open = false;
			continue;
		}
		if (!open && w->n < WORDS_MAX)
			w->word[w->n++] = out;
		open = true;
		*out++ = *in;
	}
	*out = '\0';
}

/* The word after this one; "" where there is none. */
static const char *after(const struct words *w, const char *word)
{
	for (size_t i = 0; i + 1 < w->n; i++)
		if (strcmp(w->word[i], word) == 0)
			return w->word[i + 1];
	return "";
}

static bool has(const struct words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->word[i], word) == 0)
			return true;
	return false;
}

static void keep(char out[DIVERSION_TEXT], const char *line, size_t length)
{
	snprintf(out, DIVERSION_TEXT, "%.*s", (int)length, line);
}

static void note_queue(const struct words *w, const char *line, size_t length, struct diversion *d)
{
	const char *balance = after(w, "--queue-balance");

	d->found = true;
	d->bypass = has(w, "--queue-bypass");
	d->first = d->last = (unsigned int)strtoul(after(w, "--queue-num"), NULL, 10);
	if (*balance && sscanf(balance, "%u:%u", &d->first, &d->last) != 2)
		d->last = d->first;
	keep(d->rule, line, length);
}

/* Whether a rule that accepts lets only pass what nobody wants to be judged, or what was. */
static bool is_harmless(const struct words *w)
{
	return (strcmp(after(w, "-o"), "lo") == 0 || strcmp(after(w, "-i"), "lo") == 0)
		       ? !has(w, "!")
		       : strstr(after(w, "--object-pinned"), OURS) != NULL;
}

/* Where the table's lines begin, and in *end where they are over. NULL: there is no such table. */
static const char *find_table(const char *saved, const char *table, const char **end)
{
	char head[64];
	const char *at;

	snprintf(head, sizeof(head), "*%.60s\n", table);
	at = strncmp(saved, head, strlen(head)) == 0 ? saved : NULL;
	for (const char *p = saved; !at && (p = strchr(p, '\n')); p++)
		if (strncmp(p + 1, head, strlen(head)) == 0)
			at = p + 1;
	if (!at)
		return NULL;
	*end = strstr(at, "\nCOMMIT");
	if (!*end)
		*end = at + strlen(at);
	return at;
}

static void walk(const char *from, const char *end, const char *chain, unsigned int depth,
		 struct diversion *d)
{
	for (const char *line = from; line < end && !d->found;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((stop ? stop : end) - line);
		struct words w;
		const char *target;

		split(line, length, &w);
		target = after(&w, "-j");
		if (!*target)
			target = after(&w, "-g");
		if (strcmp(after(&w, "-A"), chain) != 0 || !*target)
			;
		else if (strcmp(target, "NFQUEUE") == 0)
			note_queue(&w, line, length, d);
		else if (strcmp(target, "ACCEPT") != 0 && depth < DEPTH_MAX)
			walk(from, end, target, depth + 1,
			     d); /* no chain of that name has no rules */
		else if (!*d->accepted && strcmp(target, "ACCEPT") == 0 && !is_harmless(&w))
			keep(d->accepted, line, length);
		line += length + 1;
	}
}

void diversion_find(const char *saved, const char *table, const char *chain, struct diversion *out)
{
	const char *end, *from = find_table(saved, table, &end);

	*out = (struct diversion){.found = false};
	if (from)
		walk(from, end, chain, 0, out);
}
