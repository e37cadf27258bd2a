// SPDX-License-Identifier: GPL-2.0-or-later
#include "event_line.h"

#include <stdio.h>
#include <string.h>

#define ENDPOINT_LEN 64

static const char *text_of(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

/* Address and port; "[::1]:80". */
static void endpoint(const json_t *flow, const char *address, const char *port,
		     char out[ENDPOINT_LEN])
{
	const char *text = text_of(flow, address, "?");
	const json_t *number = json_object_get(flow, port);
	bool brackets = strchr(text, ':') && json_is_integer(number);
	int n = snprintf(out, ENDPOINT_LEN, "%s%.46s%s", brackets ? "[" : "", text,
			 brackets ? "]" : "");

	if (json_is_integer(number))
		snprintf(out + n, ENDPOINT_LEN - (size_t)n, ":%" JSON_INTEGER_FORMAT,
			 json_integer_value(number));
}

/* "rule 3", "patch 7", or what else decided. */
static void reason(const json_t *event, char out[32])
{
	const json_t *index = json_object_get(json_object_get(event, "rule"), "index");
	const json_t *patch = json_object_get(json_object_get(event, "patch"), "id");

	const json_t *sid = json_object_get(json_object_get(event, "signature"), "sid");

	if (json_is_integer(sid))
		snprintf(out, 32, "sid %" JSON_INTEGER_FORMAT, json_integer_value(sid));
	else if (json_is_integer(index))
		snprintf(out, 32, "rule %" JSON_INTEGER_FORMAT, json_integer_value(index));
	else if (json_is_integer(patch))
		snprintf(out, 32, "patch %" JSON_INTEGER_FORMAT, json_integer_value(patch));
	else
		snprintf(out, 32, "%s", text_of(event, "reason", "?"));
}

/* The holder by which a rule matched, else the first. */
static const json_t *main_holder(const json_t *holders)
{
	const json_t *holder;
	size_t i;

	json_array_foreach(holders, i, holder)
		if (json_is_object(json_object_get(holder, "matched")))
			return holder;
	return json_array_get(holders, 0);
}

/* "4711 curl /usr/bin/curl", and how many more there are. */
static void who(const json_t *event, char out[400])
{
	const json_t *holders = json_object_get(event, "holders");
	const json_t *holder = main_holder(holders);
	json_int_t all = json_integer_value(json_object_get(event, "n_holders"));
	struct print_room pid;
	int n;

	if (!holder) {
		snprintf(out, 400, "%s", text_of(event, "origin", "?"));
		return;
	}
	n = snprintf(out, 400, "%s %.20s %.300s", print_field(holder, "pid", &pid),
		     text_of(holder, "comm", "-"), text_of(holder, "exe", "-"));
	if (all > 1)
		snprintf(out + n, 400 - (size_t)n, " (of %" JSON_INTEGER_FORMAT ")", all);
}

static void verdict_columns(const json_t *event, struct event_columns *out)
{
	const json_t *flow = json_object_get(event, "flow");
	const char *verdict = text_of(event, "verdict", "?");
	bool enforced = json_is_true(json_object_get(event, "enforced"));
	char from[ENDPOINT_LEN], to[ENDPOINT_LEN], by[32], by_whom[400];

	endpoint(flow, "source", "source_port", from);
	endpoint(flow, "destination", "destination_port", to);
	reason(event, by);
	who(event, by_whom);
	out->style = !enforced ? STYLE_HEADING : strcmp(verdict, "MARK") ? STYLE_BAD : STYLE_GOOD;
	snprintf(out->verdict, sizeof(out->verdict), "%s%s", enforced ? "" : "would ", verdict);
	snprintf(out->rest, sizeof(out->rest), "%-7.7s  %-8s  %-6.8s  %s -> %s  %s",
		 text_of(event, "chain", "?"), by, text_of(flow, "protocol", "?"), from, to,
		 by_whom);
}

void event_columns(const json_t *event, struct event_columns *out)
{
	const json_t *left_out = json_object_get(event, "left_out");

	snprintf(out->time, sizeof(out->time), "%.23s", text_of(event, "time", "?"));
	if (!json_is_integer(left_out)) {
		verdict_columns(event, out);
		return;
	}
	out->style = STYLE_HEADING;
	snprintf(out->verdict, sizeof(out->verdict), "left out");
	snprintf(out->rest, sizeof(out->rest), "%" JSON_INTEGER_FORMAT " events",
		 json_integer_value(left_out));
}
