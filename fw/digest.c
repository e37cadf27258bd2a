// SPDX-License-Identifier: GPL-2.0-or-later
#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "common/cleanup.h"
#include "window.h"

#define CHUNK	   (64 * 1024)
#define STRIDE	   1024
#define CACHE_LINE 64
#define TICKS	   4 /* waited for at most */

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

struct hashing {
	EVP_MD_CTX *md;
	uint64_t *moved_ns;
};

/*
 * The next lines are on their way from memory while these are hashed: the processor alone asks for
 * them only when it needs them, and SHA instructions then wait.
 */
static int hash_part(void *cookie, const unsigned char *bytes, size_t n)
{
	struct hashing *h = cookie;

	for (size_t at = 0; at < n; at += STRIDE) {
		size_t part = n - at < STRIDE ? n - at : STRIDE;

		for (size_t i = at + STRIDE; i < at + 2 * STRIDE && i < n; i += CACHE_LINE)
			__builtin_prefetch(bytes + i);
		if (EVP_DigestUpdate(h->md, bytes + at, part) != 1)
			return -EIO;
	}
	__atomic_store_n(h->moved_ns, clock_monotonic_ns(), __ATOMIC_RELAXED);
	return 0;
}

/* Exactly `size` bytes: one that grows as it is read would never end. */
static int read_each(int fd, off_t size, window_fn *fn, void *cookie)
{
	_cleanup_free_ unsigned char *chunk = malloc(CHUNK);
	off_t at = 0;

	if (!chunk)
		return -ENOMEM;
	while (at < size) {
		ssize_t n = pread(fd, chunk, size - at < CHUNK ? size - at : CHUNK, at);
		int r;

		if (n <= 0)
			return n ? -errno : -ESTALE;
		r = fn(cookie, chunk, n);
		if (r)
			return r;
		at += n;
	}
	return 0;
}

static int hash_all(int fd, off_t size, bool near, uint64_t *moved_ns, struct sha256 *out)
{
	_cleanup_(cleanup_md) EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct hashing h = {md, moved_ns};
	int r;

	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	r = (near && size >= WINDOW_SIZE ? window_each : read_each)(fd, size, hash_part, &h);
	if (r)
		return r;
	return EVP_DigestFinal_ex(md, out->b, NULL) == 1 ? 0 : -EIO;
}

int digest_version(int fd, bool near, uint64_t *moved_ns, struct sha256 *out)
{
	struct stat before, after;
	struct sha256 digest;
	int r;

	if (fstat(fd, &before))
		return -errno;
	r = hash_all(fd, before.st_size, near, moved_ns, &digest);
	if (fstat(fd, &after))
		return -errno;
	if (!same_version(&before, &after))
		return -ESTALE;
	if (!r)
		*out = digest;
	return r;
}

int digest_file(int fd, bool near, uint64_t *moved_ns, struct sha256 *out)
{
	struct stat before, after;
	struct sha256 digest;
	int r;

	if (fstat(fd, &before))
		return -errno;
	await_tick(&before);
	r = digest_version(fd, near, moved_ns, &digest);
	if (r)
		return r;
	if (fstat(fd, &after))
		return -errno;
	if (!same_version(&before, &after))
		return -ESTALE;
	*out = digest;
	return 0;
}
