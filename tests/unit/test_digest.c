/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fw/digest.h"
#include "unit.h"

static int make_file(const char *text)
{
	char path[] = "/tmp/digest.XXXXXX";
	int fd = mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	unlink(path);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static void test_all_bytes_from_the_start(void)
{
	_cleanup_close_ int fd = make_file("abc");
	unsigned char want[SHA256_LEN];
	struct sha256 digest;
	uint64_t moved = 0;

	EVP_Digest("abc", 3, want, NULL, EVP_sha256(), NULL);
	CU_ASSERT_EQUAL(digest_file(fd, &moved, &digest), 0);
	CU_ASSERT_EQUAL(memcmp(digest.b, want, sizeof(want)), 0);
	CU_ASSERT_TRUE(moved > 0);
}

/* Of every size about that of what is read at a time. */
static void test_large_files(void)
{
	enum { PART = 128 * 1024 };
	static const size_t sizes[] = {0, PART - 1, PART, PART + 1, PART + 4097, 3 * PART + 1025};
	_cleanup_free_ unsigned char *bytes = malloc(4 * PART);

	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	for (size_t i = 0; i < 4 * PART; i++)
		bytes[i] = (unsigned char)(i * 2654435761u >> 24);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		_cleanup_close_ int fd = make_file("");
		unsigned char want[SHA256_LEN];
		struct sha256 digest = {0};
		uint64_t moved;

		EVP_Digest(bytes, sizes[i], want, NULL, EVP_sha256(), NULL);
		CU_ASSERT_EQUAL(write(fd, bytes, sizes[i]), (ssize_t)sizes[i]);
		CU_ASSERT_EQUAL(digest_file(fd, &moved, &digest), 0);
		CU_ASSERT_EQUAL(memcmp(digest.b, want, sizeof(want)), 0);
	}
}

/* A change after the digest has another ctime, whatever clock the file system stamps by. */
static void test_a_later_change_shows(void)
{
	for (int i = 0; i < 10; i++) {
		_cleanup_close_ int fd = make_file("abc");
		struct sha256 digest;
		struct timespec now;
		uint64_t moved;
		struct stat st;

		CU_ASSERT_EQUAL(digest_file(fd, &moved, &digest), 0);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		CU_ASSERT_EQUAL(fstat(fd, &st), 0);
		CU_ASSERT_TRUE(
			now.tv_sec > st.st_ctim.tv_sec ||
			(now.tv_sec == st.st_ctim.tv_sec && now.tv_nsec > st.st_ctim.tv_nsec));
	}
}

static void test_what_cannot_be_read(void)
{
	_cleanup_close_ int path = open("/proc/self/exe", O_PATH);
	struct sha256 digest, before;
	uint64_t moved;

	memset(&digest, 7, sizeof(digest));
	before = digest;
	CU_ASSERT_EQUAL(digest_file(path, &moved, &digest), -EBADF);
	CU_ASSERT_EQUAL(digest_file(-1, &moved, &digest), -EBADF);
	CU_ASSERT_EQUAL(memcmp(&digest, &before, sizeof(digest)), 0);
}

static const struct unit_test tests[] = {
	{"all bytes, from the start", test_all_bytes_from_the_start},
	{"large files", test_large_files},
	{"a later change shows", test_a_later_change_shows},
	{"what cannot be read", test_what_cannot_be_read},
};
UNIT_SUITE("fw/digest", tests)
