/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a named set is made of, read from the files as they are now. The client reads them, not the
 * daemon: with the rights of who asks, in his mount namespace, and however slow they are.
 *
 * All put [PATH, HEX] into a JSON array (common/wire.h). 0, or -errno with one line in err.
 */
#ifndef CTL_MEMBERS_H
#define CTL_MEMBERS_H

#include <jansson.h>

#include "package.h"

/* The file of that path, which must be absolute, wherever links lead. */
int members_add_file(json_t *files, const char *path, char err[PACKAGE_ERROR_LEN]);

/* The objects of a package that is installed in `root`: regular files that may be executed, and
 * shared objects (ELF). -ENODATA for a package without. */
int members_add_package(json_t *files, const char *package, const char *root,
			char err[PACKAGE_ERROR_LEN]);

/* The objects of a package's archive, as it will install them in `root`; there may be none. */
int members_add_archive(json_t *files, const char *archive, const char *root,
			char err[PACKAGE_ERROR_LEN]);

#endif
