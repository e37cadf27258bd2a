/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "print.h"

static void show_rule(struct print_table *table, const json_t *rule, const char *number,
		      const char *what)
{
	struct print_room packets, bytes, index, text;
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, "%s: %s", print_field(rule, number, &index),
		     print_field(rule, what, &text)) < 0)
		line = NULL;
	print_table_add(table, (const char *const[]){print_field(rule, "packets", &packets),
						     print_field(rule, "bytes", &bytes),
						     line ? line : "?"});
}

static void show_chain(const json_t *chain)
{
	const json_t *rules = json_object_get(chain, "rules");
	struct print_room name, policy;
	struct print_table *table;
	const json_t *rule;
	size_t i;

	print_text(STYLE_HEADING, "Chain ");
	print_text(STYLE_HEADING, print_field(chain, "chain", &name));
	printf(" (policy ");
	print_text(STYLE_PLAIN, print_field(chain, "policy", &policy));
	printf(")\n");
	if (json_array_size(rules) == 0)
		return;
	table = print_table_new("rrl");
	print_table_add(table, (const char *const[]){"packets", "bytes", "rule"});
	json_array_foreach(rules, i, rule)
		show_rule(table, rule, "index", "rule");
	print_table_end(table);
}

static void show_patches(const json_t *patches)
{
	struct print_table *table;
	const json_t *patch;
	size_t i;

	if (json_array_size(patches) == 0)
		return;
	print_text(STYLE_HEADING, "Patches");
	printf(" (before the rules of each chain)\n");
	table = print_table_new("rrl");
	print_table_add(table, (const char *const[]){"packets", "bytes", "patch"});
	json_array_foreach(patches, i, patch)
		show_rule(table, patch, "id", "patch");
	print_table_end(table);
	putchar('\n');
}

static void show(const json_t *reply)
{
	const json_t *chain;
	size_t i;

	show_patches(json_object_get(reply, "patches"));
	json_array_foreach(json_object_get(reply, "chains"), i, chain) {
		if (i > 0)
			putchar('\n');
		show_chain(chain);
	}
}

int list_main(const struct cmdline *line)
{
	json_t *request = line->chain ? json_pack("{s:s}", "chain", line->chain) : json_object();

	return ask_daemon(line, WIRE_LIST, request, show);
}
