/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages, as dpkg-query(1) and dpkg-deb(1) know them. */
#ifndef CTL_PACKAGE_H
#define CTL_PACKAGE_H

#include <stddef.h>

#include "common/set_words.h"

#define PACKAGE_ERROR_LEN 512

/* Takes a path, absolute within the root. 0, or another value to end the list with. */
typedef int (*package_path_fn)(void *cookie, const char *path);

/*
 * Lists the files of a package that is installed in `root` ("": /), each where it is: diverted ones
 * at the path that dpkg gave them. Returns 0, what `each` returned, or -EIO with one line in err.
 */
int package_list(const char *package, const char *root, package_path_fn each, void *cookie,
		 char err[PACKAGE_ERROR_LEN]);

/* What package an archive is of. 0, or -EIO with one line in err. */
int package_of_archive(const char *archive, char name[SET_PACKAGE_MAX + 1],
		       char architecture[SET_PACKAGE_MAX + 1], char err[PACKAGE_ERROR_LEN]);

/* Unpacks an archive into a directory, without running anything of it. The same. */
int package_unpack(const char *archive, const char *dir, char err[PACKAGE_ERROR_LEN]);

#endif
