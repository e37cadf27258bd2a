// SPDX-License-Identifier: GPL-2.0-or-later
#include "verity.h"

#include <errno.h>
#include <linux/fsverity.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <uthash.h>

#ifndef F2FS_SUPER_MAGIC
#define F2FS_SUPER_MAGIC 0xF2F52010
#endif

struct known {
	struct verity verity;
	struct sha256 digest;
	UT_hash_handle hh;
};

struct verities {
	pthread_mutex_t lock; /* guards the table */
	struct known *table;  /* uthash keeps the order of insertion */
};

/* Where the kernel itself keeps the tree and checks it. A FUSE server may answer what it likes. */
static bool is_trusted(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
		return true;
	}
	return false;
}

int verity_measure(int fd, struct verity *out)
{
	union {
		struct fsverity_digest head;
		unsigned char room[sizeof(struct fsverity_digest) + VERITY_MAX];
	} asked = {.head.digest_size = VERITY_MAX};

	if (!is_trusted(fd))
		return -ENOTSUP;
	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &asked))
		return -errno;
	if (!asked.head.digest_size || asked.head.digest_size > VERITY_MAX)
		return -EPROTO;
	*out = (struct verity){.algorithm = asked.head.digest_algorithm,
			       .size = asked.head.digest_size};
	memcpy(out->digest, asked.head.digest, out->size);
	return 0;
}

void verity_format(const struct verity *v, char out[VERITY_TEXT_MAX])
{
	int n;

	switch (v->algorithm) {
	case FS_VERITY_HASH_ALG_SHA256:
		n = snprintf(out, VERITY_TEXT_MAX, "sha256:");
		break;
	case FS_VERITY_HASH_ALG_SHA512:
		n = snprintf(out, VERITY_TEXT_MAX, "sha512:");
		break;
	default:
		n = snprintf(out, VERITY_TEXT_MAX, "%u:", v->algorithm);
	}
	for (size_t i = 0; i < v->size && i < VERITY_MAX; i++)
		n += snprintf(out + n, VERITY_TEXT_MAX - n, "%02x", v->digest[i]);
}

struct verities *verities_new(void)
{
	struct verities *vs = calloc(1, sizeof(*vs));

	if (vs)
		pthread_mutex_init(&vs->lock, NULL);
	return vs;
}

static void forget(struct verities *vs, struct known *k)
{
	HASH_DEL(vs->table, k);
	free(k);
}

void verities_free(struct verities *vs)
{
	if (!vs)
		return;
	while (vs->table)
		forget(vs, vs->table);
	pthread_mutex_destroy(&vs->lock);
	free(vs);
}

static struct known *find(struct verities *vs, const struct verity *v)
{
	struct known *k;

	HASH_FIND(hh, vs->table, v, sizeof(*v), k);
	return k;
}

bool verities_find(struct verities *vs, const struct verity *v, struct sha256 *out)
{
	const struct known *k;

	pthread_mutex_lock(&vs->lock);
	k = find(vs, v);
	if (k)
		*out = k->digest;
	pthread_mutex_unlock(&vs->lock);
	return k != NULL;
}

/* Without memory it is not remembered, and hashed again. */
void verities_add(struct verities *vs, const struct verity *v, const struct sha256 *digest)
{
	struct known *k = calloc(1, sizeof(*k));

	if (!k)
		return;
	k->verity = *v;
	k->digest = *digest;
	pthread_mutex_lock(&vs->lock);
	if (find(vs, v)) {
		free(k);
	} else {
		if (HASH_COUNT(vs->table) == VERITIES_MAX)
			forget(vs, vs->table);
		HASH_ADD(hh, vs->table, verity, sizeof(k->verity), k);
	}
	pthread_mutex_unlock(&vs->lock);
}

size_t verities_count(struct verities *vs)
{
	size_t n;

	pthread_mutex_lock(&vs->lock);
	n = HASH_COUNT(vs->table);
	pthread_mutex_unlock(&vs->lock);
	return n;
}
