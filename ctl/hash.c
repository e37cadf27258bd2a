/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "hash.h"

#define CHUNK ((size_t)256 << 10)

static void cleanup_md(EVP_MD_CTX **md)
{
	EVP_MD_CTX_free(*md);
}

int hash_open(const char *path, int *out)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	*out = TAKE_FD(fd);
	return 0;
}

static int add_all(EVP_MD_CTX *md, int fd)
{
	_cleanup_free_ unsigned char *chunk = malloc(CHUNK);
	ssize_t n;

	if (!chunk)
		return -ENOMEM;
	while ((n = read(fd, chunk, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!EVP_DigestUpdate(md, chunk, (size_t)n))
			return -EIO;
	}
	return 0;
}

int hash_fd(int fd, struct sha256 *out)
{
	_cleanup_(cleanup_md) EVP_MD_CTX *md = EVP_MD_CTX_new();
	int r;

	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		return -ENOMEM;
	r = add_all(md, fd);
	if (r)
		return r;
	return EVP_DigestFinal_ex(md, out->b, NULL) ? 0 : -EIO;
}

int hash_file(const char *path, struct sha256 *out)
{
	_cleanup_close_ int fd = -1;
	int r = hash_open(path, &fd);

	return r ? r : hash_fd(fd, out);
}

int hash_aggregate(const struct sha256 *digests, size_t n, struct sha256 *out)
{
	return EVP_Digest(digests, n * sizeof(*digests), out->b, NULL, EVP_sha256(), NULL) ? 0
											   : -EIO;
}
