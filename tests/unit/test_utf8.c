/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/utf8.h"
#include "expect.h"
#include "unit.h"

static void printable(void)
{
	static const char *const rows[] = {
		"",
		" ~",
		"plain text",
		"\xc2\xa0",	    /* U+00A0, the first past C1 */
		"\xdf\xbf",	    /* U+07FF */
		"\xe0\xa0\x80",	    /* U+0800 */
		"\xed\x9f\xbf",	    /* U+D7FF, the last before the surrogates */
		"\xee\x80\x80",	    /* U+E000 */
		"\xf0\x90\x80\x80", /* U+10000 */
		"\xf4\x8f\xbf\xbf", /* U+10FFFF */
		"a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(utf8_is_printable(rows[i]), "row %zu", i);
}

static void not_printable(void)
{
	static const char *const rows[] = {
		"\t",
		"\n",
		"a\x1b[0m",
		"\x1f",
		"\x7f",
		"\xc2\x80", /* C1 */
		"\xc2\x9f", /* C1 */
		"\x80",	    /* a continuation alone */
		"\xbf",
		"\xc3", /* cut short */
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xc3z",
		"\xe2\x82z",
		"\xc0\x80", /* overlong */
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80", /* surrogates */
		"\xed\xbf\xbf",
		"\xf4\x90\x80\x80", /* past U+10FFFF */
		"\xf8\x88\x80\x80\x80",
		"\xff",
		"fine until \xfe",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(!utf8_is_printable(rows[i]), "row %zu", i);
}

static void made_printable(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", ""},
		{"a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z",
		 "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z"},
		{"a\nb\x1b[0m\x7f", "a?b?[0m?"},
		{"a\xc2\x9e\xc3\xbc", "a??\xc3\xbc"},
		{"\xc3\xbc\xe2\x82", "\xc3\xbc??"},
		{"\xf0\x9f\x98z", "???z"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];

		strcpy(text, rows[i].text);
		utf8_make_printable(text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].expected);
	}
}

static const struct unit_test tests[] = {
	{"UTF-8 text is printable", printable},
	{"control characters and broken UTF-8 are not", not_printable},
	{"of what is not, '?' are made", made_printable},
};
UNIT_SUITE("common/utf8", tests)
