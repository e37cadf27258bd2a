/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fw/clock.h"
#include "expect.h"
#include "fw/report_set.h"
#include "unit.h"

static struct set *made(const struct set_item *items, size_t n)
{
	struct set *s = NULL;

	CU_ASSERT_EQUAL_FATAL(set_new("web", items, n, &s), 0);
	return s;
}

/* Each change as path, first byte of the old digest, of the new: "/a 01>02 ". */
static const char *changes(const struct set *old, const struct set *new)
{
	json_t *reply = report_set_changes(old, new), *item;
	static char text[256];
	size_t i;

	*text = '\0';
	json_array_foreach(json_object_get(reply, "changed"), i, item) {
		const char *from = json_string_value(json_object_get(item, "old"));
		const char *to = json_string_value(json_object_get(item, "new"));

		sprintf(text + strlen(text), "%s %.2s>%.2s ",
			json_string_value(json_object_get(item, "path")), from ? from : "-",
			to ? to : "-");
	}
	json_array_foreach(json_object_get(reply, "expected"), i, item)
		sprintf(text + strlen(text), "%s +%.2s ",
			json_string_value(json_object_get(item, "path")),
			json_string_value(json_object_get(item, "sha256")));
	json_decref(reply);
	return text;
}

static void tells_what_changed(void)
{
	const struct set_item before[] = {
		{"", "", "/a", {{1}}, 0}, {"", "", "/b", {{2}}, 0}, {"p", "", "/c", {{3}}, 0}};
	const struct set_item after[] = {{"", "", "/a", {{1}}, 0},  {"", "", "/b", {{4}}, 0},
					 {"p", "", "/d", {{5}}, 0}, {"", "", "/b", {{2}}, 9},
					 {"p", "", "/c", {{3}}, 9}, {"p", "", "/e", {{6}}, 9}};
	struct set *a = made(before, 3), *b = made(after, 6);

	expect_text("new", changes(NULL, a), "/a ->01 /b ->02 /c ->03 ");
	expect_text("same", changes(a, a), "");
	expect_text("changed", changes(a, b), "/b 02>04 /c 03>- /d ->05 /e +06 ");
	set_unref(a);
	set_unref(b);
}

static void tells_the_time_left(void)
{
	static const enum verdict accept[CHAIN_COUNT];
	const struct set_item items[] = {{"p", "/r", "/r/a", {{1}}, 0},
					 {"", "", "/a", {{2}}, 10 * SECOND + 1}};
	struct ruleset *rs = ruleset_new(accept, accept, accept), *next = NULL;
	struct set *s = made(items, 2);
	_cleanup_free_ char *text = NULL;
	json_t *reply, *files;

	CU_ASSERT_EQUAL_FATAL(ruleset_put_set(rs, s, &next), 0);
	reply = report_sets(next, NULL, 8 * SECOND);
	files = json_object_get(json_array_get(json_object_get(reply, "sets"), 0), "files");
	for (size_t i = 0; i < 2; i++)
		json_object_del(json_array_get(files, i), "sha256");
	text = json_dumps(reply, JSON_COMPACT);
	expect_text("set", text,
		    "{\"sets\":[{\"set\":\"web\",\"rules\":0,\"patches\":0,\"files\":["
		    "{\"path\":\"/r/a\",\"package\":\"p\",\"root\":\"/r\",\"valid_s\":null},"
		    "{\"path\":\"/a\",\"package\":null,\"root\":null,\"valid_s\":3}]}]}");
	json_decref(reply);
	reply = report_sets(next, "we", 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(reply, "sets")), 0);
	json_decref(reply);
	set_unref(s);
	ruleset_unref(rs);
	ruleset_unref(next);
}

static const struct unit_test tests[] = {
	{"each file that changed is told, with both digests", tells_what_changed},
	{"a set is told with the time its old digests have left", tells_the_time_left},
};
UNIT_SUITE("fw/report_set", tests)
