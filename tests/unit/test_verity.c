/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fw/verity.h"
#include "unit.h"

static struct verity verity_of(unsigned int n)
{
	struct verity v = {.algorithm = FS_VERITY_HASH_ALG_SHA256, .size = 32};

	memcpy(v.digest, &n, sizeof(n));
	return v;
}

static struct sha256 digest_of(unsigned int n)
{
	struct sha256 digest = {{0}};

	memcpy(digest.b, &n, sizeof(n));
	return digest;
}

static bool finds(struct verities *vs, const struct verity *v, unsigned int n)
{
	struct sha256 want = digest_of(n), found;

	return verities_find(vs, v, &found) && !memcmp(&found, &want, sizeof(want));
}

static void test_found_by_all_of_it(void)
{
	struct verity v = verity_of(1), other;
	struct sha256 one = digest_of(1), two = digest_of(2), found = two;
	struct verities *vs = verities_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(vs);
	CU_ASSERT_FALSE(verities_find(vs, &v, &found));
	CU_ASSERT_EQUAL(memcmp(&found, &two, sizeof(two)), 0);
	verities_add(vs, &v, &one);
	CU_ASSERT_TRUE(finds(vs, &v, 1));
	other = v;
	other.algorithm = FS_VERITY_HASH_ALG_SHA512;
	CU_ASSERT_FALSE(finds(vs, &other, 1));
	other = v;
	other.digest[31] ^= 1;
	CU_ASSERT_FALSE(finds(vs, &other, 1));
	verities_add(vs, &v, &two);
	CU_ASSERT_TRUE(finds(vs, &v, 1));
	CU_ASSERT_EQUAL(verities_count(vs), 1);
	verities_free(vs);
}

static void test_the_oldest_go_first(void)
{
	struct verities *vs = verities_new();
	struct verity first = verity_of(0), second = verity_of(1), last = verity_of(VERITIES_MAX);

	CU_ASSERT_PTR_NOT_NULL_FATAL(vs);
	for (unsigned int i = 0; i <= VERITIES_MAX; i++) {
		struct verity v = verity_of(i);
		struct sha256 digest = digest_of(i);

		verities_add(vs, &v, &digest);
	}
	CU_ASSERT_EQUAL(verities_count(vs), VERITIES_MAX);
	CU_ASSERT_FALSE(finds(vs, &first, 0));
	CU_ASSERT_TRUE(finds(vs, &second, 1));
	CU_ASSERT_TRUE(finds(vs, &last, VERITIES_MAX));
	verities_free(vs);
}

static void test_text(void)
{
	struct verity v = {.algorithm = FS_VERITY_HASH_ALG_SHA256, .size = 3, .digest = {1, 0xab}};
	char text[VERITY_TEXT_MAX];

	verity_format(&v, text);
	CU_ASSERT_STRING_EQUAL(text, "sha256:01ab00");
	v.algorithm = FS_VERITY_HASH_ALG_SHA512;
	v.size = VERITY_MAX;
	verity_format(&v, text);
	CU_ASSERT_EQUAL(strncmp(text, "sha512:01ab00", 13), 0);
	CU_ASSERT_EQUAL(strlen(text), 7 + 2 * VERITY_MAX);
	v.algorithm = 65535;
	verity_format(&v, text);
	CU_ASSERT_EQUAL(strncmp(text, "65535:01ab", 10), 0);
}

/* A memfd has none, whatever the kernel; what is measured where there is some: the scenario. */
static void test_what_has_none(void)
{
	_cleanup_close_ int fd = memfd_create("none", MFD_CLOEXEC);
	struct verity v = verity_of(1), before = v;

	CU_ASSERT_EQUAL(verity_measure(fd, &v), -ENOTSUP);
	CU_ASSERT_EQUAL(verity_measure(-1, &v), -ENOTSUP);
	CU_ASSERT_EQUAL(memcmp(&v, &before, sizeof(v)), 0);
}

static const struct unit_test tests[] = {
	{"found by all of it", test_found_by_all_of_it},
	{"the oldest go first", test_the_oldest_go_first},
	{"text", test_text},
	{"what has none", test_what_has_none},
};
UNIT_SUITE("fw/verity", tests)
