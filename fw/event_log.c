// SPDX-License-Identifier: GPL-2.0-or-later
#include "event_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *text; /* the JSON and its NUL, then the line and its NUL; one allocation */
	size_t size;
};

struct event_log {
	pthread_mutex_t lock; /* guards all */
	pthread_cond_t news;
	bool closed;
	uint64_t last; /* number of the newest event */
	size_t n, most;
	size_t bytes, most_bytes;
	struct entry entries[]; /* event `seq` is at seq % most */
};

struct event_log *event_log_new(size_t events, size_t bytes)
{
	struct event_log *l = calloc(1, sizeof(*l) + events * sizeof(l->entries[0]));

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->news, NULL);
	l->most = events;
	l->most_bytes = bytes;
	return l;
}

static void drop_oldest(struct event_log *l)
{
	struct entry *e = &l->entries[(l->last - l->n + 1) % l->most];

	free(e->text);
	e->text = NULL;
	l->bytes -= e->size;
	l->n--;
}

void event_log_free(struct event_log *l)
{
	if (!l)
		return;
	while (l->n)
		drop_oldest(l);
	pthread_cond_destroy(&l->news);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

uint64_t event_log_next(struct event_log *l)
{
	uint64_t next;

	pthread_mutex_lock(&l->lock);
	next = l->last + 1;
	pthread_mutex_unlock(&l->lock);
	return next;
}

bool event_log_add(struct event_log *l, const char *json, const char *line)
{
	size_t json_size = strlen(json) + 1, line_size = strlen(line) + 1;
	struct entry e = {.size = json_size + line_size};

	if (e.size > l->most_bytes)
		return false;
	e.text = malloc(e.size);
	if (!e.text)
		return false;
	memcpy(e.text, json, json_size);
	memcpy(e.text + json_size, line, line_size);
	pthread_mutex_lock(&l->lock);
	while (l->n == l->most || l->bytes + e.size > l->most_bytes)
		drop_oldest(l);
	l->last++;
	l->n++;
	l->bytes += e.size;
	l->entries[l->last % l->most] = e;
	pthread_cond_broadcast(&l->news);
	pthread_mutex_unlock(&l->lock);
	return true;
}

static uint64_t first_after(const struct event_log *l, uint64_t after)
{
	uint64_t oldest = l->last - l->n + 1;

	return after < oldest || after > l->last ? oldest : after + 1;
}

int event_log_get(struct event_log *l, uint64_t after, struct event_text *out)
{
	struct event_text t = {.json = NULL};
	int r = 0;

	pthread_mutex_lock(&l->lock);
	t.seq = first_after(l, after);
	if (l->n && t.seq <= l->last) {
		const struct entry *e = &l->entries[t.seq % l->most];

		t.json = strdup(e->text);
		t.line = strdup(e->text + strlen(e->text) + 1);
		r = t.json && t.line ? 1 : -ENOMEM;
	}
	pthread_mutex_unlock(&l->lock);
	if (r > 0)
		*out = t;
	else if (r < 0)
		event_text_free(&t);
	return r;
}

void event_text_free(struct event_text *t)
{
	free(t->json);
	free(t->line);
	t->json = t->line = NULL;
}

bool event_log_wait(struct event_log *l, uint64_t after)
{
	bool there;

	pthread_mutex_lock(&l->lock);
	while (l->last <= after && !l->closed)
		pthread_cond_wait(&l->news, &l->lock);
	there = l->last > after;
	pthread_mutex_unlock(&l->lock);
	return there;
}

void event_log_close(struct event_log *l)
{
	pthread_mutex_lock(&l->lock);
	l->closed = true;
	pthread_cond_broadcast(&l->news);
	pthread_mutex_unlock(&l->lock);
}

bool event_log_is_closed(struct event_log *l)
{
	bool closed;

	pthread_mutex_lock(&l->lock);
	closed = l->closed;
	pthread_mutex_unlock(&l->lock);
	return closed;
}
