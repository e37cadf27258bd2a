// SPDX-License-Identifier: GPL-2.0-or-later
#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
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

static int hash_all(int fd, uint64_t *moved_ns, struct sha256 *out)
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
		__atomic_store_n(moved_ns, clock_monotonic_ns(), __ATOMIC_RELAXED);
	}
	if (n < 0)
		return -errno;
	return EVP_DigestFinal_ex(md, out->b, NULL) == 1 ? 0 : -EIO;
}

int digest_file(int fd, uint64_t *moved_ns, struct sha256 *out)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		struct stat before, after;
		struct sha256 digest;
		int r;

		if (fstat(fd, &before))
			return -errno;
		r = hash_all(fd, moved_ns, &digest);
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
