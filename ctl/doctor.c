/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "print.h"

static void show_check(const json_t *check)
{
	static const enum style styles[] = {STYLE_GOOD, STYLE_HEADING, STYLE_BAD};
	const char *level = json_string_value(json_object_get(check, "level"));
	const char *advice = json_string_value(json_object_get(check, "advice"));
	enum style style = STYLE_PLAIN;
	struct print_room room;
	char label[16];

	for (int l = 0; level && l < DOCTOR_LEVELS; l++)
		if (strcmp(level, doctor_level_name(l)) == 0)
			style = styles[l];
	snprintf(label, sizeof(label), "%-6s", level ? level : "?");
	print_text(style, label);
	print_text(STYLE_PLAIN, print_field(check, "text", &room));
	putchar('\n');
	if (advice) {
		printf("       -> ");
		print_text(STYLE_PLAIN, advice);
		putchar('\n');
	}
}

int doctor_main(const struct cmdline *line)
{
	struct doctor_facts facts;
	json_t *report, *check;
	const char *result;
	size_t i;
	int status;

	doctor_facts_gather(line, &facts);
	report = doctor_check(&facts);
	if (report && line->json)
		print_json(report);
	else
		json_array_foreach(json_object_get(report, "checks"), i, check)
			show_check(check);
	result = json_string_value(json_object_get(report, "result"));
	status = !facts.status ? STATUS_NO_DAEMON : STATUS_REFUSED;
	if (facts.status && result && strcmp(result, doctor_level_name(DOCTOR_FAIL)) != 0)
		status = STATUS_DONE;
	if (!report)
		print_error("out of memory");
	json_decref(report);
	doctor_facts_free(&facts);
	return status;
}
