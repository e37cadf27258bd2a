/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "print.h"

/* What is there of some objects only: a line each below the table. */
static void show_remarks(const json_t *objects, const char *key, const char *label,
			 enum style style)
{
	struct print_room room;
	const json_t *object;
	size_t i;

	json_array_foreach(objects, i, object) {
		const char *remark = json_string_value(json_object_get(object, key));

		if (!remark)
			continue;
		print_text(style, print_field(object, "path", &room));
		print_text(style, ": ");
		print_text(style, label);
		print_text(style, remark);
		putchar('\n');
	}
}

static void show(const json_t *reply)
{
	static const char *const keys[] = {"sha256", "device", "inode", "since", "path"};
	static const char *const anonymous[] = {"start", "end"};
	const json_t *objects = json_object_get(reply, "objects");
	bool complete = json_is_true(json_object_get(reply, "complete"));
	struct print_room room;

	print_pair("pid", STYLE_PLAIN, print_field(reply, "pid", &room));
	print_pair("exe", STYLE_PLAIN, print_field(reply, "exe", &room));
	print_pair("complete", complete ? STYLE_GOOD : STYLE_BAD,
		   print_field(reply, "complete", &room));
	print_pair("aggregate", STYLE_PLAIN, print_field(reply, "aggregate", &room));
	print_script(reply);
	print_rows(objects, "lrrll", keys);
	if (json_array_size(json_object_get(reply, "anonymous"))) {
		puts("anonymous executable memory");
		print_rows(json_object_get(reply, "anonymous"), "ll", anonymous);
	}
	show_remarks(objects, "verity", "fs-verity ", STYLE_PLAIN);
	show_remarks(objects, "error", "", STYLE_BAD);
}

int objects_main(const struct cmdline *line)
{
	return ask_daemon(line, WIRE_OBJECTS, json_pack("{s:I}", "pid", (json_int_t)line->number),
			  show);
}
