/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "set_words.h"
#include "utf8.h"

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"
#define PACKAGE LOWER DIGITS

/* The n bytes at word: the first of `first`, all of `all`. */
static bool is_made_of(const char *word, size_t n, const char *first, const char *all)
{
	return n > 0 && strchr(first, *word) && strspn(word, all) >= n;
}

const char *set_name_fault(const char *word)
{
	static_assert(SET_NAME_MAX == 32, "the message names the bound");
	size_t n = strlen(word);

	if (n > SET_NAME_MAX || !is_made_of(word, n, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._-"))
		return "expected 1 to 32 letters, digits, '.', '_' and '-', "
		       "a letter or digit first";
	return NULL;
}

const char *set_package_fault(const char *word)
{
	const char *end = strchrnul(word, ':');
	size_t n = (size_t)(end - word);

	if (strlen(word) > SET_PACKAGE_MAX || !is_made_of(word, n, PACKAGE, PACKAGE "+.-") ||
	    (*end && !is_made_of(end + 1, strlen(end + 1), PACKAGE, PACKAGE "-")))
		return "expected the name of a package, or NAME:ARCHITECTURE";
	return NULL;
}

const char *set_path_fault(const char *word)
{
	static_assert(SET_PATH_MAX == 1024, "the message names the bound");
	if (*word != '/' || strlen(word) > SET_PATH_MAX || !utf8_is_printable(word))
		return "expected an absolute path of at most 1024 bytes of UTF-8, without control "
		       "characters";
	return NULL;
}
