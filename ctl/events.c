// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "commands.h"
#include "event_line.h"
#include "print.h"

#define POLL_NS	      200000000
#define VERDICT_WIDTH 12 /* "would REJECT" */

static void show_event(const json_t *event)
{
	struct event_columns c;

	event_columns(event, &c);
	print_text(STYLE_PLAIN, c.time);
	printf("  ");
	print_text(c.style, c.verdict);
	printf("%*s", (int)(VERDICT_WIDTH + 2 - strlen(c.verdict)), "");
	print_text(STYLE_PLAIN, c.rest);
	putchar('\n');
}

/* Who follows and was slow has missed some: as a line among the others. */
static void show_missed(const struct cmdline *line, json_int_t missed)
{
	if (missed <= 0)
		return;
	if (line->json)
		printf("{\"event\":\"missed\",\"missed\":%" JSON_INTEGER_FORMAT "}\n", missed);
	else
		printf("missed %" JSON_INTEGER_FORMAT " events\n", missed);
}

static void show(const struct cmdline *line, const json_t *reply)
{
	const json_t *event;
	size_t i;

	show_missed(line, json_integer_value(json_object_get(reply, "missed")));
	json_array_foreach(json_object_get(reply, "events"), i, event) {
		if (line->json)
			print_json(event);
		else
			show_event(event);
	}
}

/* One question: what came after event *last, which is moved on. */
static int show_next(const struct cmdline *line, json_int_t *last)
{
	struct client_reply reply;
	struct print_room room;
	int status = ask_for_reply(line, WIRE_EVENTS, json_pack("{s:I}", "after", *last), &reply);

	if (status != STATUS_DONE)
		return status;
	if (reply.status == WIRE_OK) {
		*last = json_integer_value(json_object_get(reply.json, "last"));
		show(line, reply.json);
	} else {
		print_error("refused: %s", print_field(reply.json, "error", &room));
		status = STATUS_REFUSED;
	}
	client_reply_free(&reply);
	return status;
}

/* The daemon keeps the events, not us: it is asked only when what it said has been taken. */
int events_main(const struct cmdline *line)
{
	static const struct timespec pause = {.tv_nsec = POLL_NS};
	json_int_t last = 0;
	int status = show_next(line, &last);

	while (status == STATUS_DONE && line->follow) {
		if (fflush(stdout))
			break; /* nobody reads any more: print_finish() says so */
		nanosleep(&pause, NULL);
		status = show_next(line, &last);
	}
	return status;
}
