// SPDX-License-Identifier: GPL-2.0-or-later
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "common/cleanup.h"
#include "log.h"

#define OBJECTS_MAX    65536
#define STUCK_MAX      2 /* threads that one object may hold up */
#define LOG_PER_SECOND 5
#define CHECK_NS       20000000ull

struct objects {
	struct object *table; /* the loop's own: no thread looks at it */
	struct stats *stats;
	void (*settled)(void *cookie);
	void *cookie;
	struct loop_source *source;
	struct loop_timer *check;
	struct object_pool *pool;
	size_t n_jobs;
	uint64_t log_second;
	unsigned int logged;
};

static void object_free(struct object *obj)
{
	for (size_t i = 0; i < obj->n_places; i++)
		free(obj->places[i].path);
	free(obj->path);
	free(obj);
}

static void forget(struct objects *o, struct object *obj)
{
	HASH_DEL(o->table, obj);
	object_free(obj);
}

/* Has the next place of the object looked at. False: there is none, or no room. */
static bool start_job(struct objects *o, struct object *obj)
{
	struct object_job *job;

	if (!obj->n_places)
		return false;
	job = calloc(1, sizeof(*job));
	if (!job)
		return false;
	job->key = obj->key;
	job->object = obj;
	job->place = obj->places[obj->n_places - 1];
	if (!object_pool_push(o->pool, job)) {
		free(job);
		return false;
	}
	obj->n_places--;
	obj->tried_pid = job->place.pid;
	obj->job = job;
	obj->state = OBJECT_PENDING;
	if (!o->n_jobs++)
		loop_arm(o->check, CHECK_NS);
	return true;
}

/* Whether a thread may still come back with it. */
static bool is_busy(const struct object *obj)
{
	return obj->job || obj->n_stuck;
}

static const char *error_text(int error)
{
	return error == -ETIMEDOUT ? "it was not read in time" : strerror(-error);
}

const char *object_error(const struct object *obj)
{
	return obj->state == OBJECT_FAILED ? error_text(obj->error) : "not hashed yet";
}

static void log_failure(struct objects *o, const struct object *obj, int error)
{
	uint64_t second = clock_monotonic_ns() / 1000000000ull;

	if (second != o->log_second)
		o->logged = 0;
	o->log_second = second;
	if (o->logged++ < LOG_PER_SECOND)
		log_line("app-fw: inode %llu of device %u:%u cannot be hashed: %s",
			 (unsigned long long)obj->key.ino, obj->key.dev >> 20,
			 obj->key.dev & 0xfffff, error_text(error));
}

static void failed(struct objects *o, struct object *obj, int error)
{
	if (!obj->wanted && !is_busy(obj)) {
		forget(o, obj);
		return;
	}
	obj->state = OBJECT_FAILED;
	obj->error = error;
	obj->failed_ns = clock_monotonic_ns();
	o->stats->counter[error == -ETIMEDOUT ? COUNT_HASH_STALLED : COUNT_HASH_FAILED]++;
	log_failure(o, obj, error);
}

static void settle(struct objects *o, struct object_job *job)
{
	struct object *obj = job->object;

	o->n_jobs--;
	if (obj->job == job)
		obj->job = NULL;
	else
		obj->n_stuck--;
	if (!job->error && job->recalled) {
		o->stats->counter[COUNT_VERITY_KNOWN]++;
	} else if (!job->error) {
		o->stats->counter[COUNT_HASHED]++;
		histogram_add(&o->stats->stage[STAGE_HASH], job->ticks, 1);
	}
	if (obj->state == OBJECT_READY || (job->error && obj->job))
		return; /* another place has it, or may have */
	if (job->error) {
		if (!start_job(o, obj))
			failed(o, obj, job->error);
		return;
	}
	obj->state = OBJECT_READY;
	obj->digest = job->digest;
	obj->verity = job->verity;
	obj->path = TAKE_PTR(job->path);
}

static void on_done(void *cookie, uint32_t events)
{
	struct objects *o = cookie;
	struct object_job *job = object_pool_done(o->pool), *next;

	(void)events;
	for (; job; job = next) {
		next = job->next;
		settle(o, job);
		object_job_free(job);
	}
	o->settled(o->cookie);
}

/* Looks at another place, if there is one, while a thread is stuck at this one. */
static bool go_round(struct objects *o, struct object *obj)
{
	if (obj->n_stuck == STUCK_MAX || !start_job(o, obj))
		return false;
	obj->n_stuck++;
	return true;
}

/* Its object has failed until its thread comes back. */
static void stall(struct objects *o, struct object_job *job)
{
	job->stalled = true;
	if (job->object->job == job && !go_round(o, job->object))
		failed(o, job->object, -ETIMEDOUT);
}

static void on_check(void *cookie)
{
	struct objects *o = cookie;
	struct object_job *given_up = object_pool_check(o->pool);

	/* Jobs are freed on this thread alone, by on_done. */
	for (struct object_job *job = given_up; job; job = job->given_up)
		stall(o, job);
	if (given_up)
		o->settled(o->cookie);
	if (o->n_jobs)
		loop_arm(o->check, CHECK_NS);
}

struct objects *objects_new(struct loop *loop, struct stats *stats, const struct identify *by,
			    measure_fn *measure, void (*settled)(void *cookie), void *cookie)
{
	struct objects *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->stats = stats;
	o->settled = settled;
	o->cookie = cookie;
	o->pool = object_pool_new(by, measure);
	if (o->pool)
		o->source = loop_add_fd(loop, object_pool_fd(o->pool), EPOLLIN, on_done, o);
	o->check = loop_add_timer(loop, on_check, o);
	if (!o->source || !o->check) {
		objects_free(o);
		return NULL;
	}
	return o;
}

bool objects_free(struct objects *o)
{
	struct object *obj, *next;
	bool silent = true;

	if (!o)
		return true;
	loop_remove_timer(o->check);
	loop_remove_fd(o->source);
	if (o->pool)
		silent = object_pool_stop(o->pool);
	HASH_ITER(hh, o->table, obj, next)
	forget(o, obj);
	free(o);
	return silent;
}

struct object *objects_find(struct objects *o, const struct object_key *key)
{
	struct object *obj;

	HASH_FIND(hh, o->table, key, sizeof(*key), obj);
	if (!obj || obj->state != OBJECT_FAILED || is_busy(obj) ||
	    clock_monotonic_ns() - obj->failed_ns < OBJECT_RETRY_NS)
		return obj;
	forget(o, obj);
	return NULL;
}

/* Oldest first (uthash keeps the order of insertion); never one that a thread is working on. */
static void make_room(struct objects *o)
{
	struct object *obj, *next;

	if (HASH_COUNT(o->table) < OBJECTS_MAX)
		return;
	HASH_ITER(hh, o->table, obj, next)
	{
		if (is_busy(obj))
			continue;
		forget(o, obj);
		return;
	}
}

/* It was not where it was looked for: that says nothing of where another process has it, or where
 * one has just mapped it. */
static bool is_elsewhere(const struct object *obj, const struct place *place, bool ahead)
{
	return obj->state == OBJECT_FAILED && !is_busy(obj) &&
	       (ahead || place->pid != obj->tried_pid);
}

/* One more place for an object that is not found yet; if there is no more room, those do. */
static void add_place(struct objects *o, struct object *obj, struct place *place, bool ahead)
{
	bool elsewhere = is_elsewhere(obj, place, ahead);

	if ((!obj->job && !elsewhere) || obj->n_places == OBJECT_PLACES) {
		free(place->path);
		return;
	}
	obj->places[obj->n_places++] = *place;
	if (elsewhere)
		start_job(o, obj); /* or with the next place, if there is no room */
	else if (obj->job->stalled)
		go_round(o, obj);
}

struct object *objects_add(struct objects *o, const struct object_key *key, struct place *place,
			   bool ahead)
{
	struct object *obj = objects_find(o, key);

	if (obj) {
		obj->wanted |= !ahead;
		add_place(o, obj, place, ahead);
		return obj;
	}
	make_room(o);
	obj = calloc(1, sizeof(*obj));
	if (!obj) {
		free(place->path);
		return NULL;
	}
	obj->key = *key;
	obj->wanted = !ahead;
	obj->places[obj->n_places++] = *place;
	if (!start_job(o, obj)) {
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
