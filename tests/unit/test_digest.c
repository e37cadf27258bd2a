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
	_cleanup_close_ int fd = make_file("abc"), path = open("/proc/self/exe", O_PATH);
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
	{"a later change shows", test_a_later_change_shows},
	{"what cannot be read", test_what_cannot_be_read},
};
UNIT_SUITE("fw/digest", tests)
