/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/event_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "unit.h"

static char folder[64], path[80];

static void begin(void)
{
	strcpy(folder, "/tmp/afw-unit.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/events", folder);
}

static void name(unsigned int number, char out[100])
{
	if (number)
		snprintf(out, 100, "%s.%u", path, number);
	else
		snprintf(out, 100, "%s", path);
}

static void end(void)
{
	char file[100];

	for (unsigned int i = 0; i < 9; i++) {
		name(i, file);
		unlink(file);
	}
	CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* What a file has, or "-" if there is none. */
static void expect_file(unsigned int number, const char *want)
{
	char file[100], got[200] = "-";
	FILE *f;

	name(number, file);
	f = fopen(file, "r");
	if (f) {
		got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
		fclose(f);
	}
	expect_text(file, got, want);
}

static void write_lines(struct event_file *f, const char *letters)
{
	char line[] = "123456x";

	for (; *letters; letters++) {
		line[6] = *letters;
		expect_int(line, event_file_write(f, line), 0);
	}
}

static void rotates(void)
{
	struct event_file *f;

	begin();
	CU_ASSERT_EQUAL_FATAL(event_file_open(path, 16, 2, &f), 0);
	write_lines(f, "ab");
	expect_file(0, "123456a\n123456b\n");
	write_lines(f, "c");
	expect_file(0, "123456c\n");
	expect_file(1, "123456a\n123456b\n");
	write_lines(f, "defgh");
	expect_file(0, "123456g\n123456h\n");
	expect_file(1, "123456e\n123456f\n");
	expect_file(2, "123456c\n123456d\n");
	expect_file(3, "-");
	event_file_close(f);
	CU_ASSERT_EQUAL_FATAL(event_file_open(path, 16, 2, &f), 0); /* goes on where it was */
	write_lines(f, "i");
	expect_file(0, "123456i\n");
	expect_file(1, "123456g\n123456h\n");
	event_file_close(f);
	end();
}

static void keeps_none(void)
{
	struct event_file *f;

	begin();
	CU_ASSERT_EQUAL_FATAL(event_file_open(path, 16, 0, &f), 0);
	write_lines(f, "abc");
	expect_file(0, "123456c\n");
	expect_file(1, "-");
	expect_int("longer than the limit", event_file_write(f, "12345678901234567890"), 0);
	expect_file(0, "12345678901234567890\n");
	event_file_close(f);
	end();
}

static void moved_away(void)
{
	struct event_file *f;
	char other[100];

	begin();
	name(7, other);
	CU_ASSERT_EQUAL_FATAL(event_file_open(path, 1000, 2, &f), 0);
	write_lines(f, "a");
	CU_ASSERT_EQUAL(rename(path, other), 0);
	write_lines(f, "b");
	expect_file(7, "123456a\n");
	expect_file(0, "123456b\n");
	unlink(path);
	write_lines(f, "c");
	expect_file(0, "123456c\n");
	event_file_close(f);
	end();
}

/* A full disk, as a limit of the process has it: no part of a line stays. */
static void whole_or_not_at_all(void)
{
	struct rlimit before, limit;
	struct event_file *f;

	begin();
	CU_ASSERT_EQUAL_FATAL(event_file_open(path, 1000, 2, &f), 0);
	write_lines(f, "a");
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 12;
	setrlimit(RLIMIT_FSIZE, &limit);
	CU_ASSERT_TRUE(event_file_write(f, "123456b") < 0);
	setrlimit(RLIMIT_FSIZE, &before);
	expect_file(0, "123456a\n");
	write_lines(f, "c");
	expect_file(0, "123456a\n123456c\n");
	event_file_close(f);
	end();
}

static void no_file(void)
{
	struct event_file *f = NULL;

	begin();
	CU_ASSERT_EQUAL(event_file_open("/nonexistent/x", 1000, 2, &f), -ENOENT);
	CU_ASSERT_EQUAL(event_file_open("/dev/null", 1000, 2, &f), -EINVAL);
	CU_ASSERT_TRUE(event_file_open(folder, 1000, 2, &f) < 0);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	CU_ASSERT_TRUE(event_file_open(path, 1000, 2, &f) < 0); /* and it does not wait */
	CU_ASSERT_PTR_NULL(f);
	end();
}

static const struct unit_test tests[] = {
	{"a file that is full becomes number 1, and the oldest goes", rotates},
	{"a file of which none is kept", keeps_none},
	{"a file that was moved away or removed is made anew", moved_away},
	{"a line is written whole or not at all", whole_or_not_at_all},
	{"what is no regular file is refused, and not waited for", no_file},
};
UNIT_SUITE("fw/event_file", tests)
