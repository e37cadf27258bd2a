// SPDX-License-Identifier: GPL-2.0-or-later
#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "common/cleanup.h"

#define CHUNK (128 * 1024) /* what a processor has cached as it is hashed */
#define TICKS 4		   /* waited for at most */

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

/*
 * A file that was changed in this tick of the clock may be changed again without another ctime.
 * Where the clock was set back since, nothing can be told.
 */
static void await_tick(const struct stat *st)
{
	struct timespec now, tick;

	clock_getres(CLOCK_REALTIME_COARSE, &tick);
	for (int i = 0; i < TICKS; i++) {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if (now.tv_sec > st->st_ctim.tv_sec ||
		    (now.tv_sec == st->st_ctim.tv_sec && now.tv_nsec > st->st_ctim.tv_nsec))
			return;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
	}
}

/* Exactly `size` bytes: one that grows as it is read would never end. */
static int hash_bytes(EVP_MD_CTX *md, int fd, off_t size, uint64_t *moved_ns)
{
	size_t room = size < CHUNK ? size : CHUNK;
	_cleanup_free_ unsigned char *chunk = malloc(room);
	off_t at = 0;

	if (!chunk && room)
		return -ENOMEM;
	while (at < size) {
		ssize_t n = pread(fd, chunk, size - at < CHUNK ? size - at : CHUNK, at);

		if (n <= 0)
			return n ? -errno : -ESTALE;
		if (EVP_DigestUpdate(md, chunk, n) != 1)
			return -EIO;
		__atomic_store_n(moved_ns, clock_monotonic_ns(), __ATOMIC_RELAXED);
		at += n;
	}
	return 0;
}

static int hash_all(int fd, off_t size, uint64_t *moved_ns, struct sha256 *out)
{
	_cleanup_(cleanup_md) EVP_MD_CTX *md = EVP_MD_CTX_new();
	int r;

	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	r = hash_bytes(md, fd, size, moved_ns);
	if (r)
		return r;
	return EVP_DigestFinal_ex(md, out->b, NULL) == 1 ? 0 : -EIO;
}

int digest_version(int fd, uint64_t *moved_ns, struct sha256 *out)
{
	struct stat before, after;
	struct sha256 digest;
	int r;

	if (fstat(fd, &before))
		return -errno;
	r = hash_all(fd, before.st_size, moved_ns, &digest);
	if (fstat(fd, &after))
		return -errno;
	if (!same_version(&before, &after))
		return -ESTALE;
	if (!r)
		*out = digest;
	return r;
}

int digest_file(int fd, uint64_t *moved_ns, struct sha256 *out)
{
	struct stat before, after;
	struct sha256 digest;
	int r;

	if (fstat(fd, &before))
		return -errno;
	await_tick(&before);
	r = digest_version(fd, moved_ns, &digest);
	if (r)
		return r;
	if (fstat(fd, &after))
		return -errno;
	if (!same_version(&before, &after))
		return -ESTALE;
	*out = digest;
	return 0;
}
