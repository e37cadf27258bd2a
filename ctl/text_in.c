// SPDX-License-Identifier: GPL-2.0-or-later
#include "text_in.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "print.h"

struct text {
	char *data;
	size_t length;
};

/* Up to what one request can hold, and a byte more: that one is too many. */
static int read_all(FILE *f, size_t most, struct text *out)
{
	_cleanup_free_ char *data = NULL;
	size_t length = 0, room = 0;

	do {
		char *more;

		room = room ? 2 * room : 65536;
		more = realloc(data, room);
		if (!more)
			return -ENOMEM;
		data = more;
		length += fread(data + length, 1, room - length, f);
	} while (length == room && length <= most);
	if (ferror(f))
		return errno ? -errno : -EIO;
	if (length > most)
		return -EFBIG;
	*out = (struct text){TAKE_PTR(data), length};
	return 0;
}

static int read_file(const char *path, size_t most, struct text *out)
{
	_cleanup_fclose_ FILE *f = NULL;

	if (strcmp(path, "-") == 0)
		return read_all(stdin, most, out);
	f = fopen(path, "re");
	return f ? read_all(f, most, out) : -errno;
}

static bool is_utf8(const char *text, size_t length)
{
	json_t *string = memchr(text, '\0', length) ? NULL : json_stringn(text, length);
	bool is = string;

	json_decref(string);
	return is;
}

/* The number of the first line that cannot travel in JSON; 0: all can. */
static size_t first_bad_line(const struct text *t)
{
	const char *at = t->data, *end = t->data + t->length;

	for (size_t n = 1; at < end; n++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		if (!is_utf8(at, (size_t)(stop - at)))
			return n;
		at = stop + 1;
	}
	return 0;
}

int text_in_read(const char *path, size_t most, char **out, size_t *length)
{
	struct text text;
	size_t bad;
	int r = read_file(path, most, &text);

	if (r) {
		print_error("%s: %s", path, strerror(-r));
		return r;
	}
	bad = first_bad_line(&text);
	if (bad) {
		print_error("%s: line %zu: expected UTF-8 text without NUL bytes", path, bad);
		free(text.data);
		return -EILSEQ;
	}
	*out = text.data;
	*length = text.length;
	return 0;
}
