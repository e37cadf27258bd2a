// SPDX-License-Identifier: GPL-2.0-or-later
#include "witness.h"

#include <errno.h>
#include <string.h>

#include "log.h"

static int fail(const char *what, int r)
{
	log_line("app-fw: %s: %s", what, strerror(-r));
	return r;
}

int witness_open(struct daemon *d)
{
	const struct options *o = &d->options;
	int r;

	d->event_log = event_log_new(EVENT_LOG_EVENTS, EVENT_LOG_BYTES);
	if (!d->event_log)
		return fail("events", -ENOMEM);
	if (!o->events)
		return 0;
	r = event_output_open(d->event_log, o->events, o->events_size, o->events_keep,
			      &d->event_output);
	return r ? fail(o->events, r) : 0;
}

int witness_start(struct daemon *d)
{
	int r = events_new(d->probe, d->processes, d->objects, d->event_log,
			   !event_output_has_lines(d->options.events), &d->events);

	if (r)
		return fail("events", r);
	d->tally = tally_new(d->processes, d->objects);
	return d->tally ? 0 : fail("counts of programs", -ENOMEM);
}

void witness_stop(struct daemon *d)
{
	events_free(d->events);
	tally_free(d->tally);
	if (!d->event_log)
		return;
	event_log_close(d->event_log);
	if (event_output_close(d->event_output))
		event_log_free(d->event_log);
}
