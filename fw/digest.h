/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SHA-256 of an open file. This file's .c alone hashes objects. */
#ifndef FW_DIGEST_H
#define FW_DIGEST_H

#include "common/hex.h"
#include "common/probe_abi.h"

/*
 * Hashes what fd holds, from its start to its end, by pread(2). `key` is the identity that the
 * digest will be cached under: the file must have it before and after, or the read is repeated, a
 * few times. Where the file system gives user space another device number than the kernel uses
 * (overlayfs, btrfs), only "the same before and after" is checked.
 * 0; -ESTALE when the file is not the one of `key` or does not keep still; else -errno. *out
 * untouched on failure.
 */
int digest_file(int fd, const struct object_key *key, struct sha256 *out);

#endif
