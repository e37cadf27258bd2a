/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "common/chain.h"
#include "common/cleanup.h"
#include "print.h"

static void show_object(const json_t *object)
{
	struct print_room digest, path;

	printf("             ");
	print_text(STYLE_PLAIN, print_field(object, "sha256", &digest));
	printf("  ");
	print_text(STYLE_PLAIN, print_field(object, "path", &path));
	putchar('\n');
}

static void show_holder(const json_t *holder)
{
	struct print_room pid, exe;
	const json_t *object;
	size_t i;

	printf("holder     pid ");
	print_text(STYLE_PLAIN, print_field(holder, "pid", &pid));
	printf(", ");
	print_text(STYLE_PLAIN, print_field(holder, "exe", &exe));
	printf("%s\n", json_is_true(json_object_get(holder, "complete"))
			       ? ""
			       : ", not all of its objects are known");
	print_script(holder);
	json_array_foreach(json_object_get(holder, "objects"), i, object)
		show_object(object);
}

static void show_step(const json_t *step)
{
	enum style style =
		json_is_true(json_object_get(step, "matches")) ? STYLE_HEADING : STYLE_PLAIN;
	const bool patch = json_object_get(step, "patch") != NULL;
	struct print_room index, rule, why;

	printf(patch ? "patch      " : "rule       ");
	print_text(style, print_field(step, patch ? "patch" : "index", &index));
	print_text(style, ": ");
	print_text(style, print_field(step, "rule", &rule));
	printf("\n           ");
	print_text(style, print_field(step, "why", &why));
	putchar('\n');
}

static bool passes(const char *verdict)
{
	enum verdict v;

	return verdict && !verdict_parse(verdict, &v) && verdict_passes(v);
}

/* The rules let it pass; what it carries may still be what a signature stops. */
static void show_inspected(const json_t *inspected)
{
	const char *stops = "none of them stops what it finds";
	struct print_room signatures, patches, stopping, depth;
	const json_int_t n = json_integer_value(json_object_get(inspected, "signatures")) +
			     json_integer_value(json_object_get(inspected, "patches"));
	char text[256], some[64];

	if (!json_is_object(inspected))
		return;
	if (!n) {
		print_pair("inspected", STYLE_PLAIN, "no: no signature looks at such packets");
		return;
	}
	if (json_integer_value(json_object_get(inspected, "stopping"))) {
		snprintf(some, sizeof(some), "%.20s of them stop what they find",
			 print_field(inspected, "stopping", &stopping));
		stops = some;
	}
	snprintf(text, sizeof(text), "by %.20s signatures and %.20s patches, %.20s bytes deep: %s",
		 print_field(inspected, "signatures", &signatures),
		 print_field(inspected, "patches", &patches),
		 json_integer_value(json_object_get(inspected, "depth"))
			 ? print_field(inspected, "depth", &depth)
			 : "all",
		 stops);
	print_pair("inspected", STYLE_HEADING, text);
}

static void show(const json_t *reply)
{
	const char *verdict = json_string_value(json_object_get(reply, "verdict"));
	const json_t *item;
	struct print_room room;
	size_t i;

	print_pair("chain", STYLE_PLAIN, print_field(reply, "chain", &room));
	print_pair("packet", STYLE_PLAIN, print_field(reply, "packet", &room));
	print_pair("socket", STYLE_PLAIN, print_field(reply, "socket", &room));
	print_pair("origin", STYLE_PLAIN, print_field(reply, "origin", &room));
	json_array_foreach(json_object_get(reply, "holders"), i, item)
		show_holder(item);
	json_array_foreach(json_object_get(reply, "steps"), i, item)
		show_step(item);
	print_pair("verdict", passes(verdict) ? STYLE_GOOD : STYLE_BAD,
		   print_field(reply, "verdict", &room));
	print_pair("because", STYLE_PLAIN, print_field(reply, "why", &room));
	show_inspected(json_object_get(reply, "inspected"));
}

static bool has_chain(const struct cmdline *line)
{
	for (int i = 0; i < line->n_words; i++)
		if (strcmp(line->words[i], "-c") == 0 || strcmp(line->words[i], "--chain") == 0)
			return true;
	return false;
}

/* The packet is described in the words of a rule; the verdict that makes it one means nothing. */
int explain_main(const struct cmdline *line)
{
	static char verdict[] = "-v", accept[] = "ACCEPT", chain[] = "-c", output[] = "OUTPUT";
	_cleanup_free_ char **words = calloc((size_t)line->n_words + 4, sizeof(*words));
	int n = line->n_words;

	if (!words) {
		print_error("out of memory");
		return STATUS_REFUSED;
	}
	memcpy(words, line->words, (size_t)n * sizeof(*words));
	words[n++] = verdict;
	words[n++] = accept;
	if (!has_chain(line)) {
		words[n++] = chain;
		words[n++] = output;
	}
	return ask_with_rule(line, WIRE_EXPLAIN,
			     json_pack("{s:I}", "pid", (json_int_t)line->number), n, words, show);
}
