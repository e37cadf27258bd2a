/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fs-verity: a file that has it can never change, and the kernel checks each page of it against a
 * Merkle tree. Its verity digest stands for that tree, so for all its bytes: files with the same
 * one have the same SHA-256, whatever their inodes, times and names. No rule names it: rules name
 * the SHA-256 of the bytes.
 */
#ifndef FW_VERITY_H
#define FW_VERITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hex.h"

#define VERITY_MAX	64   /* bytes of a digest */
#define VERITIES_MAX	4096 /* that are remembered */
#define VERITY_TEXT_MAX (16 + 2 * VERITY_MAX)

/* Compared byte for byte: what is past the size is zero. */
struct verity {
	uint16_t algorithm; /* FS_VERITY_HASH_ALG_* of linux/fsverity.h */
	uint16_t size;	    /* 0: the file has none */
	unsigned char digest[VERITY_MAX];
};

/*
 * What the kernel has measured when it opened the file. 0 or -errno; -ENOTSUP where another than
 * the kernel would answer for a file system (FUSE), *out untouched.
 */
int verity_measure(int fd, struct verity *out);

/* As fsverity(1) writes it: "sha256:HEX". */
void verity_format(const struct verity *v, char out[VERITY_TEXT_MAX]);

/* SHA-256 by verity digest, of at most VERITIES_MAX; the oldest go first. Any thread. */
struct verities;

struct verities *verities_new(void); /* NULL: no memory */
void verities_free(struct verities *vs);
bool verities_find(struct verities *vs, const struct verity *v, struct sha256 *out);
void verities_add(struct verities *vs, const struct verity *v, const struct sha256 *digest);
size_t verities_count(struct verities *vs);

#endif
