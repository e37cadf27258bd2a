// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "common/decimal.h"
#include "common/memstream.h"
#include "print.h"
#include "screen.h"
#include "top_page.h"

#define INTERVAL_MS 1000
#define FRAMES_MAX  1000000
#define ROWS	    24
#define COLUMNS	    80

/* The reply, taken over from the daemon; NULL: *status says why, and err. */
static json_t *sample(const struct cmdline *line, int *status, char err[CLIENT_ERROR_LEN])
{
	struct client_reply reply;
	struct print_room room;
	json_t *json = NULL;

	*status = ask_quietly(line, WIRE_TOP, json_object(), &reply, err);
	if (*status != STATUS_DONE)
		return NULL;
	if (reply.status == WIRE_OK) {
		json = json_incref(reply.json);
	} else {
		*status = STATUS_REFUSED;
		snprintf(err, CLIENT_ERROR_LEN, "refused: %s",
			 print_field(reply.json, "error", &room));
	}
	client_reply_free(&reply);
	return json;
}

static void put_page(const json_t *before, const json_t *after, unsigned int rows,
		     unsigned int columns, void (*put)(const char *text))
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	top_page(out, before, after, rows, columns, "\n");
	if (memstream_end(out, &text))
		put(text);
}

static void put_lines(const char *text)
{
	puts(text);
}

/* Each page for itself: to be read later, or by a program. */
static int print_frames(const struct cmdline *line, uint64_t frames)
{
	char err[CLIENT_ERROR_LEN];
	int status = STATUS_DONE;
	json_t *before = line->json ? NULL : sample(line, &status, err), *after;

	for (uint64_t i = 0; status == STATUS_DONE && i < frames; i++) {
		if (!line->json || i > 0)
			screen_wait(INTERVAL_MS);
		after = sample(line, &status, err);
		if (after && line->json)
			print_json(after);
		else if (after)
			put_page(before, after, ROWS, COLUMNS, put_lines);
		json_decref(before);
		before = after;
		fflush(stdout);
	}
	json_decref(before);
	if (status != STATUS_DONE)
		print_error("%s", err);
	return status;
}

static int show_live(const struct cmdline *line)
{
	char err[CLIENT_ERROR_LEN];
	unsigned int rows, columns;
	int status;
	json_t *before = sample(line, &status, err), *after = json_incref(before);

	if (status == STATUS_DONE)
		screen_open();
	while (after) {
		screen_size(&rows, &columns);
		put_page(before, after, rows, columns, screen_show);
		json_decref(before);
		before = after;
		after = screen_wait(INTERVAL_MS) ? sample(line, &status, err) : NULL;
		if (!after)
			screen_close();
	}
	json_decref(before);
	if (status != STATUS_DONE)
		print_error("%s", err);
	return status;
}

int top_main(const struct cmdline *line)
{
	uint64_t frames = 1;

	if (line->frames &&
	    (decimal_parse(line->frames, strlen(line->frames), FRAMES_MAX, &frames) || !frames)) {
		print_error("--frames %s: expected a number 1..%d", cmdline_show(line->frames),
			    FRAMES_MAX);
		return STATUS_USAGE;
	}
	if (line->frames || line->json || !screen_is_there())
		return print_frames(line, frames);
	return show_live(line);
}
