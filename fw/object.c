// SPDX-License-Identifier: GPL-2.0-or-later
#include "object.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "digest.h"

#define THREADS	    2
#define QUEUE_MAX   4096
#define OBJECTS_MAX 65536

struct list {
	struct object *first, **last;
};

struct objects {
	struct object *table; /* the loop's own: no thread looks at it */
	struct stats *stats;
	void (*settled)(void *cookie);
	void *cookie;
	struct loop_source *source;
	pthread_t threads[THREADS];
	size_t n_threads;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct list todo, done;
	size_t n_todo;
	bool stop;
	int wake; /* eventfd: there is something in done */
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_push(struct list *l, struct object *o)
{
	o->next = NULL;
	*l->last = o;
	l->last = &o->next;
}

static struct object *list_pop(struct list *l)
{
	struct object *o = l->first;

	if (o) {
		l->first = o->next;
		if (!l->first)
			l->last = &l->first;
	}
	return o;
}

/* A job's object belongs to the thread until it is in done: state stays PENDING meanwhile. */
static void *hash_thread(void *arg)
{
	struct objects *o = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&o->lock);
	for (;;) {
		struct object *job;
		uint64_t start;

		while (!o->stop && !o->todo.first)
			pthread_cond_wait(&o->work, &o->lock);
		if (o->stop)
			break;
		job = list_pop(&o->todo);
		o->n_todo--;
		pthread_mutex_unlock(&o->lock);
		start = clock_ticks();
		job->error = digest_file(job->fd, &job->key, &job->digest);
		job->ticks = clock_ticks() - start;
		pthread_mutex_lock(&o->lock);
		list_push(&o->done, job);
		if (write(o->wake, &one, sizeof(one)) < 0)
			continue; /* the counter is full: it is readable already */
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static void settle(struct objects *o, struct object *job)
{
	close(job->fd);
	job->fd = -1;
	job->state = job->error ? OBJECT_FAILED : OBJECT_READY;
	job->failed_ns = job->error ? clock_monotonic_ns() : 0;
	histogram_add(&o->stats->stage[STAGE_HASH], job->ticks, 1);
	o->stats->counter[job->error ? COUNT_HASH_FAILED : COUNT_HASHED]++;
}

static void on_done(void *cookie, uint32_t events)
{
	struct objects *o = cookie;
	struct object *job, *next;
	uint64_t n;

	(void)events;
	if (read(o->wake, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&o->lock);
	job = o->done.first;
	list_init(&o->done);
	pthread_mutex_unlock(&o->lock);
	for (; job; job = next) {
		next = job->next;
		settle(o, job);
	}
	o->settled(o->cookie);
}

static int start_threads(struct objects *o)
{
	for (; o->n_threads < THREADS; o->n_threads++) {
		int r = pthread_create(&o->threads[o->n_threads], NULL, hash_thread, o);

		if (r)
			return -r;
	}
	return 0;
}

struct objects *objects_new(struct loop *loop, struct stats *stats, void (*settled)(void *cookie),
			    void *cookie)
{
	struct objects *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->stats = stats;
	o->settled = settled;
	o->cookie = cookie;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->work, NULL);
	list_init(&o->todo);
	list_init(&o->done);
	o->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->wake >= 0)
		o->source = loop_add_fd(loop, o->wake, EPOLLIN, on_done, o);
	if (!o->source || start_threads(o)) {
		objects_free(o);
		return NULL;
	}
	return o;
}

static void object_free(struct object *obj)
{
	if (obj->fd >= 0)
		close(obj->fd);
	free(obj->path);
	free(obj);
}

void objects_free(struct objects *o)
{
	struct object *obj, *next;

	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->stop = true;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
	for (size_t i = 0; i < o->n_threads; i++)
		pthread_join(o->threads[i], NULL);
	loop_remove_fd(o->source);
	if (o->wake >= 0)
		close(o->wake);
	HASH_ITER(hh, o->table, obj, next)
	{
		HASH_DEL(o->table, obj);
		object_free(obj);
	}
	pthread_cond_destroy(&o->work);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

struct object *objects_find(struct objects *o, const struct object_key *key)
{
	struct object *obj;

	HASH_FIND(hh, o->table, key, sizeof(*key), obj);
	if (!obj || obj->state != OBJECT_FAILED ||
	    clock_monotonic_ns() - obj->failed_ns < OBJECT_RETRY_NS)
		return obj;
	HASH_DEL(o->table, obj);
	object_free(obj);
	return NULL;
}

static bool enqueue(struct objects *o, struct object *obj)
{
	bool room;

	pthread_mutex_lock(&o->lock);
	room = o->n_todo < QUEUE_MAX;
	if (room) {
		list_push(&o->todo, obj);
		o->n_todo++;
		pthread_cond_signal(&o->work);
	}
	pthread_mutex_unlock(&o->lock);
	return room;
}

/* Oldest first (uthash keeps the order of insertion); never one that a thread is working on. */
static void make_room(struct objects *o)
{
	struct object *obj, *next;

	if (HASH_COUNT(o->table) < OBJECTS_MAX)
		return;
	HASH_ITER(hh, o->table, obj, next)
	{
		if (obj->state == OBJECT_PENDING)
			continue;
		HASH_DEL(o->table, obj);
		object_free(obj);
		return;
	}
}

struct object *objects_add(struct objects *o, const struct object_key *key, int fd,
			   const char *path)
{
	struct object *obj = objects_find(o, key);

	if (obj) {
		close(fd);
		return obj;
	}
	make_room(o);
	obj = calloc(1, sizeof(*obj));
	if (!obj) {
		close(fd);
		return NULL;
	}
	obj->key = *key;
	obj->fd = fd;
	obj->path = strdup(path);
	if (!obj->path || !enqueue(o, obj)) {
		object_free(obj);
		return NULL;
	}
	HASH_ADD(hh, o->table, key, sizeof(obj->key), obj);
	return obj;
}

size_t objects_count(const struct objects *o)
{
	return HASH_COUNT(o->table);
}
