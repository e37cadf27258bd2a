/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

void fuzz_expect(bool ok, const char *format, ...)
{
	va_list args;

	if (ok)
		return;
	va_start(args, format);
	fprintf(stderr, "not as promised: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

void fuzz_expect_line(const char *text)
{
	fuzz_expect(*text, "an error without a text");
	fuzz_expect(utf8_is_printable(text), "an error of one printable line: '%s'", text);
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	/* strndup() is not used: what it makes of bytes after a NUL, a sanitizer does not see. */
	size_t n = strnlen((const char *)data, size);
	char *text = malloc(n + 1);

	fuzz_expect(text, "memory");
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	return text;
}
