// SPDX-License-Identifier: GPL-2.0-or-later
#include "data_threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pin.h"

struct data_thread {
	struct loop *loop;
	struct mailbox *mailbox;
	pthread_t thread;
};

struct data_threads {
	pthread_mutex_t lock;
	size_t n, n_running; /* with the first */
	struct data_thread threads[];
};

static int add_thread(struct data_threads *all)
{
	struct data_thread *t = &all->threads[all->n];

	t->loop = loop_new();
	t->mailbox = t->loop ? mailbox_new(t->loop) : NULL;
	if (!t->mailbox) {
		int e = errno;

		loop_free(t->loop);
		return -e;
	}
	loop_share(t->loop, &all->lock);
	all->n++;
	return 0;
}

struct data_threads *data_threads_new(struct loop *loop, struct mailbox *mailbox, size_t n)
{
	struct data_threads *t = calloc(1, sizeof(*t) + n * sizeof(t->threads[0]));
	int r = 0;

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->threads[t->n++] = (struct data_thread){.loop = loop, .mailbox = mailbox};
	/* Alone, it has nobody to wait for. */
	if (n > 1)
		loop_share(loop, &t->lock);
	while (!r && t->n < n)
		r = add_thread(t);
	if (!r)
		return t;
	data_threads_free(t);
	errno = -r;
	return NULL;
}

struct loop *data_threads_loop(struct data_threads *t, size_t i)
{
	return t->threads[i].loop;
}

static void *run(void *cookie)
{
	struct data_thread *t = cookie;

	loop_serve(t->loop, "packets");
	return NULL;
}

static int pin_all(const struct data_threads *t)
{
	struct pin p;
	int r = pin_open(&p);

	for (size_t i = 0; !r && i < t->n_running; i++)
		r = pin_next(&p, i ? t->threads[i].thread : pthread_self());
	return r;
}

int data_threads_start(struct data_threads *t, bool pinned)
{
	char name[16];
	int r;

	for (t->n_running = 1; t->n_running < t->n; t->n_running++) {
		struct data_thread *next = &t->threads[t->n_running];

		r = pthread_create(&next->thread, NULL, run, next);
		if (r)
			return -r;
		snprintf(name, sizeof(name), "queues-%zu", t->n_running);
		pthread_setname_np(next->thread, name);
	}
	return pinned ? pin_all(t) : 0;
}

struct each {
	void (*fn)(void *cookie, struct loop *loop);
	void *cookie;
	struct loop *loop;
};

static void call(void *cookie)
{
	struct each *e = cookie;

	e->fn(e->cookie, e->loop);
}

void data_threads_each(struct data_threads *t, void (*fn)(void *cookie, struct loop *loop),
		       void *cookie)
{
	for (size_t i = 0; i < t->n; i++) {
		struct each e = {fn, cookie, t->threads[i].loop};

		if (i < t->n_running)
			mailbox_call(t->threads[i].mailbox, call, &e);
		else
			call(&e);
	}
}

static void stop(void *cookie)
{
	struct data_thread *t = cookie;

	loop_stop(t->loop);
}

void data_threads_stop(struct data_threads *t)
{
	while (t->n_running > 1) {
		struct data_thread *last = &t->threads[--t->n_running];

		mailbox_call(last->mailbox, stop, last);
		pthread_join(last->thread, NULL);
	}
	t->n_running = 0;
	for (size_t i = 0; i < t->n; i++)
		loop_share(t->threads[i].loop, NULL);
}

void data_threads_free(struct data_threads *t)
{
	if (!t)
		return;
	while (t->n > 1) {
		struct data_thread *last = &t->threads[--t->n];

		mailbox_free(last->mailbox);
		loop_free(last->loop);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}
