/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any requests, one a line: a letter for the command ('a' the first), then its JSON. Each gets a
 * reply; one that is refused changes nothing; what has come about can be saved and restored.
 */
#include "fw/command.h"

#include <stdlib.h>
#include <string.h>

#include "bare_daemon.h"
#include "common/cleanup.h"
#include "fuzz.h"
#include "fw/store.h"
#include "reply.h"

#define REQUESTS_MAX 64

static void ask(struct daemon *d, enum wire_command command, const json_t *request)
{
	const struct ruleset *rules = d->rules;
	uint64_t epoch = rules->epoch;
	enum mode mode = d->mode;
	json_t *reply = NULL;
	enum wire_status status = command_handle(d, command, request, &reply);

	reply_expect(status, reply);
	json_decref(reply);
	if (status == WIRE_REFUSED)
		fuzz_expect(d->rules == rules && d->mode == mode, "what is refused to do nothing");
	fuzz_expect(d->rules == rules || d->rules->epoch > epoch, "a later epoch for other rules");
}

static void ask_line(struct daemon *d, const char *line, size_t n)
{
	json_t *request;

	if (n == 0)
		return;
	request = json_loadb(line + 1, n - 1, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(request))
		ask(d, (enum wire_command)(line[0] - 'a'), request);
	json_decref(request);
}

/* Not by WIRE_RESTORE alone: while rules wait to be confirmed that is no change like others. */
static void expect_restorable(struct daemon *d)
{
	_cleanup_free_ char *before = store_format(d->rules);
	_cleanup_free_ char *after = NULL;
	json_t *request, *reply = NULL;
	enum wire_status status;

	fuzz_expect(before, "a text");
	bare_daemon_reset(d);
	request = json_pack("{s:s}", "text", before);
	fuzz_expect(request, "UTF-8: %s", before);
	status = command_handle(d, WIRE_RESTORE, request, &reply);
	fuzz_expect(status == WIRE_OK, "what was saved to be taken: %s",
		    json_string_value(json_object_get(reply, "error")));
	json_decref(request);
	json_decref(reply);
	after = store_format(d->rules);
	fuzz_expect(after && strcmp(before, after) == 0, "'%s', not '%s'", before, after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct daemon *d = bare_daemon();

	for (int i = 0; i < REQUESTS_MAX && at < end; i++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		ask_line(d, at, (size_t)(stop - at));
		at = newline ? newline + 1 : end;
	}
	expect_restorable(d);
	return 0;
}
