/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 of files (FIPS 180-4, by OpenSSL), as the daemon computes it of mapped objects. */
#ifndef CTL_HASH_H
#define CTL_HASH_H

#include <stddef.h>

#include "common/hex.h"

/*
 * Opens path for hash_fd(). Only a regular file is opened, so that the call never waits.
 * 0 and *fd, to be closed; -EISDIR, -ENOTSUP for another kind of file, or another -errno.
 */
int hash_open(const char *path, int *fd);

/* Of all bytes from the descriptor's offset on. 0 or -errno; *out is untouched on failure. */
int hash_fd(int fd, struct sha256 *out);

/* Both. */
int hash_file(const char *path, struct sha256 *out);

/* Of the n raw digests one after the other: the aggregate of objects in that order. */
int hash_aggregate(const struct sha256 *digests, size_t n, struct sha256 *out);

#endif
