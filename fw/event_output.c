// SPDX-License-Identifier: GPL-2.0-or-later
#include "event_output.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "common/cleanup.h"
#include "event.h"
#include "event_file.h"
#include "log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define AGAIN_NS       200000000

struct event_output {
	struct event_log *log;
	const char *where;
	int (*write)(struct event_output *o, const struct event_text *t);
	struct event_file *file;
	uint64_t last; /* number of the last event that was written, or left out */
	int error;     /* of the last try, which has been logged */
	pthread_t thread;
};

static int write_file(struct event_output *o, const struct event_text *t)
{
	return event_file_write(o->file, t->json);
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			text += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Not by stdio: exit(3) would wait for a stream that stands still. */
static int write_stdout(struct event_output *o, const struct event_text *t)
{
	int r = write_all(STDOUT_FILENO, t->json, strlen(t->json));

	(void)o;
	return r ? r : write_all(STDOUT_FILENO, "\n", 1);
}

static int write_journal(struct event_output *o, const struct event_text *t)
{
	(void)o;
	return sd_journal_send("MESSAGE=%s", t->line, "PRIORITY=%d", LOG_NOTICE,
			       "SYSLOG_IDENTIFIER=app-fw", "APP_FW_EVENT=%s", t->json, NULL);
}

/* Once for each kind of trouble, and when it is over. */
static void tell(struct event_output *o, int r)
{
	if (r != o->error)
		log_line("app-fw: events: %s: %s", o->where, r ? strerror(-r) : "written again");
	o->error = r;
}

/* What the log has lost since the last that was written. */
static int write_missed(struct event_output *o, uint64_t n)
{
	json_t *json = event_left_out_json(o->last + n, clock_real_ns(), n);
	struct event_text t = {.json = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII)};
	int r = -ENOMEM;

	json_decref(json);
	if (asprintf(&t.line, "app-fw: %ju events left out", (uintmax_t)n) < 0)
		t.line = NULL;
	if (t.json && t.line)
		r = o->write(o, &t);
	event_text_free(&t);
	return r;
}

/* 1: one was written; 0: there is none; else -errno. */
static int write_next(struct event_output *o)
{
	struct event_text t;
	int r = event_log_get(o->log, o->last, &t);

	if (r <= 0)
		return r;
	r = 0;
	if (t.seq > o->last + 1) {
		r = write_missed(o, t.seq - o->last - 1);
		if (!r)
			o->last = t.seq - 1;
	}
	r = r ? r : o->write(o, &t);
	if (!r)
		o->last = t.seq;
	event_text_free(&t);
	return r ? r : 1;
}

static void *run(void *arg)
{
	static const struct timespec pause = {.tv_nsec = AGAIN_NS};
	struct event_output *o = arg;

	while (event_log_wait(o->log, o->last)) {
		int r = write_next(o);

		tell(o, r < 0 ? r : 0);
		if (r >= 0)
			continue;
		if (event_log_is_closed(o->log))
			break;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int prepare(struct event_output *o, uint64_t limit, unsigned int keep)
{
	if (strcmp(o->where, EVENT_OUTPUT_STDOUT) == 0) {
		o->write = write_stdout;
		return 0;
	}
	if (strcmp(o->where, EVENT_OUTPUT_JOURNAL) == 0) {
		o->write = write_journal;
		return access(JOURNAL_SOCKET, W_OK) ? -errno : 0;
	}
	o->write = write_file;
	return event_file_open(o->where, limit, keep, &o->file);
}

static void output_free(struct event_output *o)
{
	event_file_close(o->file);
	free(o);
}

int event_output_open(struct event_log *log, const char *where, uint64_t limit, unsigned int keep,
		      struct event_output **out)
{
	struct event_output *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->log = log;
	o->where = where;
	r = prepare(o, limit, keep);
	r = r ? r : -pthread_create(&o->thread, NULL, run, o);
	if (r)
		output_free(o);
	else
		*out = o;
	return r;
}

bool event_output_has_lines(const char *where)
{
	return where && strcmp(where, EVENT_OUTPUT_JOURNAL) == 0;
}

bool event_output_close(struct event_output *o)
{
	struct timespec until;

	if (!o)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	if (pthread_timedjoin_np(o->thread, NULL, &until)) {
		pthread_detach(o->thread);
		return false;
	}
	output_free(o);
	return true;
}
