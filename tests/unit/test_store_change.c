/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "fw/store_change.h"
#include "unit.h"

/* The check value of the CRC catalogue. */
static void the_checksum_is_that_of_gzip(void)
{
	CU_ASSERT_EQUAL(store_change_crc("123456789", 9), 0xcbf43926);
	CU_ASSERT_EQUAL(store_change_crc("", 0), 0);
}

/* The line of these words, with the checksum that they should have. */
static void make_line(char *out, size_t room, const char *number, const char *words)
{
	char covered[STORE_CHANGE_MAX];
	int n = snprintf(covered, sizeof(covered), "%s %s", number, words);

	snprintf(out, room, "change %s %08x %s", number, store_change_crc(covered, (size_t)n),
		 words);
}

static void lines_come_back(void)
{
	static const char *const words[] = {
		"-I 0 -c OUTPUT -v DROP --dport 25 --note \"a \\\"b\\\"\"",
		"-I 100000 -c INPUT -v ACCEPT -! -d 2001:db8::/32",
		"-D 7 -c FORWARD",
	};
	char line[STORE_CHANGE_MAX], again[STORE_CHANGE_MAX];
	struct store_change c;
	const char *why;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		make_line(line, sizeof(line), "12", words[i]);
		CU_ASSERT_EQUAL_FATAL(store_change_parse(line, 12, &c, &why), 0);
		CU_ASSERT_EQUAL(store_change_format(&c, 12, again), strlen(line));
		CU_ASSERT_STRING_EQUAL(again, line);
	}
	CU_ASSERT_EQUAL(c.kind, STORE_DELETE);
	CU_ASSERT_EQUAL(c.index, 7);
	CU_ASSERT_EQUAL(c.rule.chain, CHAIN_FORWARD);
}

static void what_is_whole_and_wrong_is_told_from_what_is_not_whole(void)
{
	static const char *const wrong[] = {"",
					    "-A -c OUTPUT -v DROP",
					    "-I 1",
					    "-I x -c OUTPUT -v DROP",
					    "-I -1 -c OUTPUT -v DROP",
					    "-I 1 -c OUTPUT -v DRO",
					    "-D 1 -c OUTPU",
					    "-D 1 OUTPUT",
					    "-D  -c OUTPUT"};
	static const char *const cut[] = {"",
					  "change",
					  "change ",
					  "change 1",
					  "change 1 ",
					  "change 1 0123456",
					  "change 1 01234567",
					  "change 1 01234567 -D 1 -c OUTPUT",
					  "change 1 0123456G -D 1 -c OUTPUT",
					  "Change 1 01234567 -D 1 -c OUTPUT"};
	struct store_change c = {.index = 5};
	char line[STORE_CHANGE_MAX];
	const char *why;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		make_line(line, sizeof(line), "1", wrong[i]);
		expect(store_change_parse(line, 1, &c, &why) == -EINVAL, "'%s'", line);
	}
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++)
		expect(store_change_parse(cut[i], 1, &c, &why) == -EBADMSG, "'%s'", cut[i]);
	make_line(line, sizeof(line), "2", "-D 1 -c OUTPUT");
	CU_ASSERT_EQUAL(store_change_parse(line, 1, &c, &why), -EINVAL);
	CU_ASSERT_EQUAL(store_change_parse(line, 3, &c, &why), -EINVAL);
	CU_ASSERT_EQUAL(c.index, 5);
}

static const struct unit_test tests[] = {
	{"the checksum is that of gzip", the_checksum_is_that_of_gzip},
	{"lines come back", lines_come_back},
	{"what is whole and wrong is told from what is not whole",
	 what_is_whole_and_wrong_is_told_from_what_is_not_whole},
};
UNIT_SUITE("fw/store_change", tests)
