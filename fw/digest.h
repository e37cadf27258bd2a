/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SHA-256 of an open file. This file's .c alone hashes objects. */
#ifndef FW_DIGEST_H
#define FW_DIGEST_H

#include <stdint.h>

#include "common/hex.h"

/*
 * Hashes what fd holds, from its start to its end, in memory that does not depend on the size.
 * It is read, not mapped: who answers for the file never could hold the lock of our memory then,
 * and all our threads with it. *moved_ns (CLOCK_MONOTONIC) is written, atomically, with each part.
 * 0; -ESTALE when the file has not the same size and ctime before and after; else -errno. *out
 * untouched on failure.
 */
int digest_version(int fd, uint64_t *moved_ns, struct sha256 *out);

/* The same, but waits first, for a tick of the clock that files are stamped by, until a change
 * after the read would show in the ctime. */
int digest_file(int fd, uint64_t *moved_ns, struct sha256 *out);

#endif
