// SPDX-License-Identifier: GPL-2.0-or-later
#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"

#define CHUNK	 (256 * 1024)
#define ATTEMPTS 3

static void cleanup_md(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static uint64_t ctime_ns(const struct stat *st)
{
	return st->st_ctim.tv_sec * 1000000000ull + st->st_ctim.tv_nsec;
}

static bool same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       ctime_ns(a) == ctime_ns(b);
}

static bool matches_key(const struct stat *st, const struct object_key *key)
{
	if (major(st->st_dev) != key->dev >> 20 || minor(st->st_dev) != (key->dev & 0xfffff))
		return true; /* another numbering: nothing to compare with */
	return st->st_ino == key->ino && (uint64_t)st->st_size == key->size &&
	       ctime_ns(st) == key->ctime_ns;
}

static int hash_all(int fd, struct sha256 *out)
{
	_cleanup_(cleanup_md) EVP_MD_CTX *md = EVP_MD_CTX_new();
	_cleanup_free_ unsigned char *chunk = malloc(CHUNK);
	off_t at = 0;
	ssize_t n;

	if (!md || !chunk || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	while ((n = pread(fd, chunk, CHUNK, at)) > 0) {
		if (EVP_DigestUpdate(md, chunk, n) != 1)
			return -EIO;
		at += n;
	}
	if (n < 0)
		return -errno;
	return EVP_DigestFinal_ex(md, out->b, NULL) == 1 ? 0 : -EIO;
}

int digest_file(int fd, const struct object_key *key, struct sha256 *out)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		struct stat before, after;
		struct sha256 digest;
		int r;

		if (fstat(fd, &before))
			return -errno;
		if (!S_ISREG(before.st_mode) || !matches_key(&before, key))
			return -ESTALE;
		r = hash_all(fd, &digest);
		if (r)
			return r;
		if (fstat(fd, &after))
			return -errno;
		if (same_version(&before, &after)) {
			*out = digest;
			return 0;
		}
	}
	return -ESTALE;
}
