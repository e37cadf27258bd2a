/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "ask.h"
#include "commands.h"
#include "print.h"

static void show_counters(const json_t *counters)
{
	struct print_table *table = print_table_new("lr");
	struct print_room room;
	const char *name;
	json_t *value;

	print_table_add(table, (const char *const[]){"counter", "count"});
	json_object_foreach((json_t *)counters, name, value)
		print_table_add(table,
				(const char *const[]){name, print_field(counters, name, &room)});
	print_table_end(table);
}

static void show(const json_t *reply)
{
	static const char *const keys[] = {"stage",  "count",  "mean_ns",
					   "p50_ns", "p99_ns", "max_ns"};

	print_rows(json_object_get(reply, "stages"), "lrrrrr", keys);
	putchar('\n');
	show_counters(json_object_get(reply, "counters"));
}

int stats_main(const struct cmdline *line)
{
	return ask_daemon(line, WIRE_STATS, json_object(), show);
}
