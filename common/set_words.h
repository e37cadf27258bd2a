/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words that a named set of digests is told in, on the command line, on the wire and in the
 * saved file. Each function returns NULL for a good word, else what was expected instead.
 */
#ifndef COMMON_SET_WORDS_H
#define COMMON_SET_WORDS_H

/* Bytes, without the NUL. */
#define SET_NAME_MAX	32
#define SET_PACKAGE_MAX 128
#define SET_PATH_MAX	1024

#define SET_GRACE_DEFAULT_S 600
#define SET_GRACE_MAX_S	    (7 * 86400)

/* A letter or digit, then letters, digits, '.', '_' and '-': never an option, never in need of
 * quotes. */
const char *set_name_fault(const char *word);

/* The name of a Debian package, with its architecture or without: libc6, libc6:amd64. */
const char *set_package_fault(const char *word);

/* An absolute path, in UTF-8 without control characters: it is shown, and saved in a line. */
const char *set_path_fault(const char *word);

#endif
