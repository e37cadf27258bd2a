/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/print.c"

#include "expect.h"
#include "unit.h"

static const struct {
	const char *text, *shown;
} texts[] = {
	{"", ""},
	{"/usr/bin/a b\\x1b", "/usr/bin/a b\\x1b"},
	{"/tmp/\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\xa5", "/tmp/\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\xa5"},
	{"a\033[2Jb", "a\\x1b[2Jb"},
	{"a\nb\tc\rd\177", "a\\x0ab\\x09c\\x0dd\\x7f"},
	{"\xc2\x9b", "\\xc2\\x9b"},
	{"\xe2\x80\xae"
	 "exe",
	 "\\xe2\\x80\\xae"
	 "exe"},
	{"\xff\xfe", "\\xff\\xfe"},
	{"\xc3", "\\xc3"},
	{"\xe2\x82", "\\xe2\\x82"},
	{"\xc0\xaf/", "\\xc0\\xaf/"},
};

static void nothing_steers_the_terminal(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *shown = print_harmless(texts[i].text);

		CU_ASSERT_PTR_NOT_NULL_FATAL(shown);
		expect_text("shown", shown, texts[i].shown);
		free(shown);
	}
}

static void a_field_of_any_kind_has_a_text(void)
{
	json_t *o = json_pack("{s:s,s:I,s:f,s:b,s:n,s:[]}", "s", "text", "i",
			      (json_int_t)-9007199254740993, "r", 1.5, "b", 1, "n", "a");
	struct print_room room;

	expect_text("string", print_field(o, "s", &room), "text");
	expect_text("integer", print_field(o, "i", &room), "-9007199254740993");
	expect_text("real", print_field(o, "r", &room), "1.5");
	expect_text("true", print_field(o, "b", &room), "yes");
	expect_text("null", print_field(o, "n", &room), "-");
	expect_text("array", print_field(o, "a", &room), "?");
	expect_text("missing", print_field(o, "x", &room), "?");
	expect_text("no object", print_field(json_object_get(o, "s"), "x", &room), "?");
	expect_text("nothing", print_field(NULL, "x", &room), "?");
	json_decref(o);
}

/* What a function prints; the text is static. */
static const char *printed(void (*fn)(const json_t *), const json_t *json)
{
	static char text[4096];
	FILE *was = stdout;

	memset(text, 0, sizeof(text));
	stdout = fmemopen(text, sizeof(text) - 1, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(stdout);
	fn(json);
	fclose(stdout);
	stdout = was;
	return text;
}

static void print_two_columns(const json_t *rows)
{
	print_rows(rows, "rl", (const char *const[]){"n", "name"});
}

static void columns_are_aligned(void)
{
	json_t *rows =
		json_loads("[{\"n\":1,\"name\":\"\xc3\xbc\"},{\"n\":1000,\"name\":\"a\\nb\"},"
			   "7,{\"name\":[]}]",
			   0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
	expect_text("table", printed(print_two_columns, rows),
		    "   n  name\n"
		    "   1  \xc3\xbc\n"
		    "1000  a\\x0ab\n"
		    "   ?  ?\n"
		    "   ?  ?\n");
	json_decref(rows);
	expect_text("nothing", printed(print_two_columns, NULL), "n  name\n");
}

static const struct unit_test tests[] = {
	{"nothing steers the terminal", nothing_steers_the_terminal},
	{"a field of any kind has a text", a_field_of_any_kind_has_a_text},
	{"columns are aligned", columns_are_aligned},
};
UNIT_SUITE("ctl/print", tests)
