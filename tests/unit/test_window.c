/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fw/window.h"
#include "unit.h"

#define SIZE (2 * WINDOW_SIZE + 5)

static int make_file(void)
{
	char path[] = "/tmp/window.XXXXXX";
	int fd = mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	unlink(path);
	CU_ASSERT_EQUAL(ftruncate(fd, SIZE), 0);
	CU_ASSERT_EQUAL(pwrite(fd, "x", 1, SIZE - 1), 1);
	return fd;
}

struct seen {
	size_t calls, bytes;
	unsigned char last;
	int answer;   /* of the second call */
	int truncate; /* the file, before the bytes are looked at; -1: not */
};

static int see(void *cookie, const unsigned char *bytes, size_t n)
{
	struct seen *s = cookie;

	if (s->truncate >= 0)
		CU_ASSERT_EQUAL(ftruncate(s->truncate, 0), 0);
	s->calls++;
	s->bytes += n;
	s->last = *(const volatile unsigned char *)(bytes + n - 1);
	return s->calls == 2 ? s->answer : 0;
}

static void test_all_parts_in_order(void)
{
	_cleanup_close_ int fd = make_file();
	struct seen s = {.truncate = -1};

	CU_ASSERT_EQUAL(window_each(fd, SIZE, see, &s), 0);
	CU_ASSERT_EQUAL(s.calls, 3);
	CU_ASSERT_EQUAL(s.bytes, SIZE);
	CU_ASSERT_EQUAL(s.last, 'x');
}

static void test_stops_when_told(void)
{
	_cleanup_close_ int fd = make_file();
	struct seen s = {.truncate = -1, .answer = -ECANCELED};

	CU_ASSERT_EQUAL(window_each(fd, SIZE, see, &s), -ECANCELED);
	CU_ASSERT_EQUAL(s.calls, 2);
}

/* Twice: the first time must not have spoilt anything for the second. */
static void test_file_that_shrinks_meanwhile(void)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int fd = make_file();
		struct seen s = {.truncate = fd};

		CU_ASSERT_EQUAL(window_each(fd, SIZE, see, &s), -EIO);
		CU_ASSERT_EQUAL(s.calls, 1);
	}
}

static void test_no_file(void)
{
	struct seen s = {.truncate = -1};

	CU_ASSERT_EQUAL(window_each(-1, SIZE, see, &s), -EBADF);
	CU_ASSERT_EQUAL(s.calls, 0);
}

static const struct unit_test tests[] = {
	{"all parts, in order", test_all_parts_in_order},
	{"stops when it is told to", test_stops_when_told},
	{"a file that shrinks meanwhile", test_file_that_shrinks_meanwhile},
	{"no file", test_no_file},
};
UNIT_SUITE("fw/window", tests)
