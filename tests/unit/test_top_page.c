/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/top_page.c"

#include "expect.h"
#include "unit.h"

#define HEX "abcdef01abcdef01abcdef01abcdef01abcdef01abcdef01abcdef01abcdef01"

static json_t *program(const char *exe, json_int_t inode, json_int_t accepted, json_int_t dropped)
{
	return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:I, s:{s:{s:I, s:I}, s:{s:I, s:I}}, "
			 "s:{s:I, s:I}}",
			 "kind", exe ? "program" : "unknown", "exe", exe, "sha256", HEX, "device",
			 "8:1", "inode", inode, "flows", (json_int_t)2, "verdicts", "ACCEPT",
			 "packets", accepted, "bytes", 100 * accepted, "DROP", "packets", dropped,
			 "bytes", 100 * dropped, "would", "packets", (json_int_t)0, "bytes",
			 (json_int_t)0);
}

static json_t *reply(json_int_t second, json_t *programs)
{
	return json_pack("{s:I, s:f, s:s, s:o}", "time_ns", second * 1000000000, "uptime_s",
			 12.0 + (double)second, "mode", "enforce", "programs", programs);
}

/* Takes over both. */
static char *page(json_t *before, json_t *after, unsigned int rows, unsigned int columns)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	top_page(out, before, after, rows, columns, "\n");
	fclose(out);
	json_decref(before);
	json_decref(after);
	return text;
}

static void rates_and_counts(void)
{
	json_t *before = json_pack("[o, o]", program("/usr/bin/curl", 1, 100, 10),
				   program("/usr/sbin/nginx", 2, 1000, 0));
	json_t *after = json_pack("[o, o, o]", program("/usr/bin/curl", 1, 110, 12),
				  program("/usr/sbin/nginx", 2, 3000, 0), program(NULL, 3, 4, 0));
	char *text = page(reply(1, before), reply(3, after), 24, 80);

	expect_text("page", text,
		    "app-fw  enforce  up 15 s  3 programs\n"
		    "ACCEPT 1007  DROP 1  REJECT 0  MARK 0  KILL 0  would 0 /s\n"
		    " PKT/S BYTE/S  FLOWS PASSED   STOP  WOULD  SHA256    PROGRAM\n"
		    "  1000   100k      2   3000      0      0  abcdef01  /usr/sbin/nginx\n"
		    "     6    600      2    110     12      0  abcdef01  /usr/bin/curl\n"
		    "     2    200      2      4      0      0  abcdef01  unknown");
	free(text);
}

/* What was forgotten and began anew has no negative rate. */
static void began_anew(void)
{
	char *text = page(reply(1, json_pack("[o]", program("/a", 1, 100, 0))),
			  reply(2, json_pack("[o]", program("/a", 1, 7, 0))), 24, 80);

	expect(strstr(text, "\n     7    700 ") != NULL, "%s", text);
	free(text);
}

static void expect_fits(const char *text, unsigned int rows, unsigned int columns)
{
	unsigned int lines = 1, n = 0;

	for (; *text; text++) {
		n = *text == '\n' ? 0 : n + begins_character(*text);
		lines += *text == '\n';
		expect(n <= columns, "line %u has more than %u columns", lines, columns);
	}
	expect(lines <= rows, "%u lines, there are %u", lines, rows);
}

static void fits_any_terminal(void)
{
	static const unsigned int sizes[][2] = {{24, 80}, {5, 40}, {4, 20},
						{1, 1},	  {3, 2},  {200, 9}};
	char path[300];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		json_t *programs = json_array();
		char *text;

		for (int n = 0; n < 100; n++) {
			snprintf(path, sizeof(path), "/a/%0200d/\xc3\xbc\xe2\x82\xac/\033[2J%d", n,
				 n);
			json_array_append_new(programs, program(path, n, 1000000007ll * n, n));
		}
		text = page(reply(1, json_array()), reply(2, programs), sizes[i][0], sizes[i][1]);
		expect_fits(text, sizes[i][0], sizes[i][1]);
		expect(!strchr(text, '\033'), "an escape got through");
		if (sizes[i][1] == 80)
			expect(strstr(text, "/\\x1b[2J99\n") != NULL, "the end is cut: %s", text);
		free(text);
	}
}

static void numbers(void)
{
	static const struct {
		double n;
		const char *text;
	} table[] = {{0, "0"},	       {0.4, "0"},	 {-3, "0"},
		     {99999, "99999"}, {100000, "100k"}, {9999499, "9999k"},
		     {9999600, "10M"}, {1e9, "1000M"},	 {123456789012., "123G"},
		     {1e30, "9999E"}};
	char text[TOP_NUMBER_LEN];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		top_number(table[i].n, text);
		expect_text("number", text, table[i].text);
	}
}

/* A daemon that says other things than ours does not end us. */
static void strange_replies(void)
{
	static const char *const texts[] = {
		"{}",
		"{\"programs\":{}}",
		"{\"programs\":[1,null,{}],\"mode\":7,\"time_ns\":\"x\"}",
		"{\"programs\":[{\"verdicts\":[],\"exe\":5,\"sha256\":\"a\",\"flows\":-1}]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *json = json_loads(texts[i], 0, NULL);
		char *text = page(json_incref(json), json, 24, 80);

		expect_fits(text, 24, 80);
		free(text);
	}
}

static const struct unit_test tests[] = {
	{"rates between two replies, and counts; the busiest first", rates_and_counts},
	{"a program that began anew", began_anew},
	{"a page fits, and cannot steer the terminal", fits_any_terminal},
	{"numbers of five characters", numbers},
	{"strange replies", strange_replies},
};
UNIT_SUITE("ctl/top_page", tests)
