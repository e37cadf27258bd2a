// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_events.h"

#include <errno.h>
#include <string.h>

#include "command.h"
#include "common/cleanup.h"

/* Puts all events past *seq into the list, and the last one's number into *seq. 0 or -ENOMEM. */
static int list_events(struct event_log *log, uint64_t *seq, uint64_t *missed, json_t *list)
{
	const bool follows = *seq > 0 && *seq < event_log_next(log);
	struct event_text t;
	int r;

	*missed = 0;
	while ((r = event_log_get(log, *seq, &t)) > 0) {
		json_t *event = json_loads(t.json, 0, NULL);

		if (follows && t.seq > *seq + 1)
			*missed += t.seq - *seq - 1;
		*seq = t.seq;
		event_text_free(&t);
		if (json_array_append_new(list, event))
			return -ENOMEM;
	}
	return r;
}

enum wire_status command_events(struct daemon *d, const json_t *request, json_t **reply)
{
	const json_t *after = json_object_get(request, "after");
	uint64_t last = 0, missed;
	json_t *list;

	if (after && (!json_is_integer(after) || json_integer_value(after) < 0))
		return command_refuse(reply, "after: expected the number of an event");
	if (after)
		last = (uint64_t)json_integer_value(after);
	if (last >= event_log_next(d->event_log))
		last = 0; /* of a daemon before this one */
	list = json_array();
	if (!list || list_events(d->event_log, &last, &missed, list)) {
		json_decref(list);
		return command_refuse(reply, "%s", strerror(ENOMEM));
	}
	*reply = json_pack("{s:I, s:I, s:o}", "last", (json_int_t)last, "missed",
			   (json_int_t)missed, "events", list);
	return WIRE_OK;
}

struct asked {
	struct daemon *d;
	size_t n;
	uint64_t now_ns;
	struct tally_row *rows;
};

static void ask_top(void *cookie)
{
	struct asked *a = cookie;

	a->now_ns = clock_monotonic_ns();
	a->n = tally_copy(a->d->tally, a->rows);
}

/* The data thread only copies; the text is made here. */
enum wire_status command_top(struct daemon *d, const json_t *request, json_t **reply)
{
	_cleanup_free_ struct tally_row *rows = calloc(BINARIES_MAX, sizeof(*rows));
	struct asked a = {.d = d, .rows = rows};
	json_t *list = json_array();

	(void)request;
	if (!rows || !list) {
		json_decref(list);
		return command_refuse(reply, "%s", strerror(ENOMEM));
	}
	mailbox_call(d->mailbox, ask_top, &a);
	for (size_t i = 0; i < a.n; i++)
		json_array_append_new(list, tally_json(&rows[i]));
	*reply = json_pack("{s:I, s:f, s:s, s:I, s:o}", "time_ns", (json_int_t)a.now_ns, "uptime_s",
			   (clock_boot_ns() - d->started_ns) / 1e9, "mode", mode_name(d->mode),
			   "left_out", (json_int_t)events_left_out(d->events), "programs", list);
	return WIRE_OK;
}
