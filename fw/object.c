// SPDX-License-Identifier: GPL-2.0-or-later
#include "object.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "common/cleanup.h"
#include "digest.h"
#include "log.h"

#define QUEUE_MAX	  4096 /* of each class */
#define OBJECTS_MAX	  65536
#define STUCK_MAX	  2 /* threads that one object may hold up */
#define LOG_PER_SECOND	  5
#define CHECK_NS	  20000000ull
#define LIMIT_NS	  30000000000ull /* for one file in one stage, and */
#define LIMIT_NS_PER_BYTE 100		 /* for its bytes: 10 MB/s */

/* Opening is a stage of its own, so that a file is held before its process is gone, whatever else
 * is being hashed. */
enum stage_of {
	OPENING,
	HASHING,
	STAGES,
};

/* What another program or machine serves leaves room for what lies on this machine's own disks. */
enum class_of {
	LOCAL,
	REMOTE,
	CLASSES,
};

static const size_t open_max[CLASSES] = {[LOCAL] = 256, [REMOTE] = 64};
static const size_t busy_max[CLASSES] = {
	[LOCAL] = OBJECT_WORKERS, [REMOTE] = OBJECT_REMOTE_WORKERS};

static const size_t threads_of[STAGES] = {[OPENING] = 1, [HASHING] = 2};

/* At one file for so long, a thread is replaced. To open one takes microseconds, to hash a large
 * one a second. */
static const uint64_t replace_ns[STAGES] = {[OPENING] = 20000000, [HASHING] = 200000000};

/* Owned by the queue that it is in, or by the thread that is at it. */
struct object_job {
	struct object_key key;
	struct place place;
	int fd;
	int error;
	char *path;
	struct sha256 digest;
	struct verity verity; /* size 0: the file has none */
	bool recalled;	      /* by its verity digest: it was not hashed */
	uint64_t ticks;
	uint64_t moved_ns;     /* when it last got on: atomic */
	struct object *object; /* the loop's */
	bool stalled;	       /* the loop's: it has been given up */
	struct object_job *next, *given_up;
};

struct list {
	struct object_job *first, **last;
};

struct worker {
	struct pool *pool;
	enum stage_of stage;
	struct object_job *job; /* NULL: waits for one */
	uint64_t since_ns;	/* at it since */
	bool used, replaced;
};

/* What the threads share with the loop. */
struct pool {
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work, ended;
	struct list todo[STAGES][CLASSES], done;
	size_t n_todo[CLASSES];	    /* to be opened */
	size_t n_open[CLASSES];	    /* open: they wait to be hashed, or are */
	size_t n_busy[CLASSES];	    /* threads that are at one */
	uint64_t moved_ns[CLASSES]; /* when a thread was last done with one */
	size_t n_alive;		    /* threads */
	size_t n_asking;	    /* of them, in a call of `by` */
	struct worker workers[OBJECT_WORKERS];
	struct identify by;
	measure_fn *measure;
	struct verities *verities;
	bool stop, abandoned;
	int wake; /* eventfd: there is something in done */
};

struct objects {
	struct object *table; /* the loop's own: no thread looks at it */
	struct stats *stats;
	void (*settled)(void *cookie);
	void *cookie;
	struct loop_source *source;
	struct loop_timer *check;
	struct pool *pool;
	size_t n_jobs;
	uint64_t log_second;
	unsigned int logged;
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_push(struct list *l, struct object_job *job)
{
	job->next = NULL;
	*l->last = job;
	l->last = &job->next;
}

static struct object_job *list_pop(struct list *l)
{
	struct object_job *job = l->first;

	if (job) {
		l->first = job->next;
		if (!l->first)
			l->last = &l->first;
	}
	return job;
}

static void job_free(struct object_job *job)
{
	if (!job)
		return;
	if (job->fd >= 0)
		close(job->fd);
	free(job->place.path);
	free(job->path);
	free(job);
}

static void list_free(struct list *l)
{
	struct object_job *job;

	while ((job = list_pop(l)))
		job_free(job);
}

static enum class_of class_of(const struct object_job *job)
{
	return job->key.flags & OBJECT_REMOTE ? REMOTE : LOCAL;
}

static void pool_free(struct pool *pool)
{
	for (int i = 0; i < STAGES * CLASSES; i++)
		list_free(&pool->todo[i / CLASSES][i % CLASSES]);
	list_free(&pool->done);
	if (pool->wake >= 0)
		close(pool->wake);
	verities_free(pool->verities);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->ended);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* --- The threads */

/* Asks `by`, unless whoever made the pool has left with all that `by` stands on. */
static int ask(void *cookie, int fd, struct object_key *out)
{
	struct pool *pool = cookie;
	bool stop;
	int r;

	pthread_mutex_lock(&pool->lock);
	stop = pool->stop;
	pool->n_asking += !stop;
	pthread_mutex_unlock(&pool->lock);
	if (stop)
		return -ECANCELED;
	r = pool->by.fn(pool->by.cookie, fd, out);
	pthread_mutex_lock(&pool->lock);
	pool->n_asking--;
	pthread_mutex_unlock(&pool->lock);
	return r;
}

static void open_file(struct pool *pool, struct object_job *job)
{
	const struct identify by = {ask, pool};
	char path[PATH_MAX] = "";
	int fd = place_open(&job->place, &job->key, &by, path);

	job->error = fd < 0 ? fd : 0;
	if (fd < 0)
		return;
	job->fd = fd;
	job->path = strdup(path);
	if (!job->path)
		job->error = -ENOMEM;
}

/* Measured before it is read: from then on it cannot change. */
static int digest_of(struct pool *pool, struct object_job *job, struct sha256 *out)
{
	bool near = !(job->key.flags & OBJECT_REMOTE);
	bool sealed = near && !pool->measure(job->fd, &job->verity);
	int r;

	job->recalled = sealed && verities_find(pool->verities, &job->verity, out);
	if (job->recalled)
		return 0;
	r = digest_file(job->fd, near, &job->moved_ns, out);
	if (!r && sealed)
		verities_add(pool->verities, &job->verity, out);
	return r;
}

/* Checked again: the name of what was written to in an overlay leads to another file since. */
static void hash_file(struct pool *pool, struct object_job *job)
{
	const struct identify by = {ask, pool};
	uint64_t start = clock_ticks();
	struct sha256 digest;

	job->error = digest_of(pool, job, &digest);
	job->error = job->error ? job->error : place_check(job->fd, &job->key, &by);
	if (!job->error)
		job->digest = digest;
	job->ticks = clock_ticks() - start;
	close(job->fd);
	job->fd = -1;
}

static void (*const run_stage[STAGES])(struct pool *pool, struct object_job *job) = {
	[OPENING] = open_file,
	[HASHING] = hash_file,
};

static struct object_job *take_of(struct pool *pool, enum stage_of stage, enum class_of class)
{
	struct object_job *job;

	if (pool->n_busy[class] == busy_max[class] ||
	    (stage == OPENING && pool->n_open[class] == open_max[class]))
		return NULL;
	job = list_pop(&pool->todo[stage][class]);
	if (!job)
		return NULL;
	pool->n_busy[class]++;
	if (stage == OPENING) {
		pool->n_todo[class]--;
		pool->n_open[class]++;
	}
	return job;
}

static struct object_job *take(struct pool *pool, enum stage_of stage)
{
	struct object_job *job = take_of(pool, stage, LOCAL);

	return job ? job : take_of(pool, stage, REMOTE);
}

/* NULL: no more. */
static struct object_job *next_job(struct worker *w)
{
	struct pool *pool = w->pool;

	while (!pool->stop && !w->replaced) {
		w->job = take(pool, w->stage);
		if (w->job) {
			w->since_ns = clock_monotonic_ns();
			__atomic_store_n(&w->job->moved_ns, w->since_ns, __ATOMIC_RELAXED);
			return w->job;
		}
		pthread_cond_wait(&pool->work, &pool->lock);
	}
	return NULL;
}

static void hand_on(struct pool *pool, enum stage_of stage, struct object_job *job)
{
	enum class_of class = class_of(job);
	uint64_t one = 1;
	bool done = false;

	pool->moved_ns[class] = clock_monotonic_ns();
	pool->n_busy[class]--;
	if (stage == OPENING && !job->error) {
		list_push(&pool->todo[HASHING][class], job);
	} else {
		pool->n_open[class]--;
		list_push(&pool->done, job);
		done = true;
	}
	pthread_cond_broadcast(&pool->work);
	if (done && write(pool->wake, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is readable already */
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct pool *pool = w->pool;
	struct object_job *job;
	bool last;

	pthread_mutex_lock(&pool->lock);
	while ((job = next_job(w))) {
		pthread_mutex_unlock(&pool->lock);
		run_stage[w->stage](pool, job);
		pthread_mutex_lock(&pool->lock);
		w->job = NULL;
		hand_on(pool, w->stage, job);
	}
	w->used = false;
	last = !--pool->n_alive && pool->abandoned;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	if (last)
		pool_free(pool);
	return NULL;
}

/* Under the lock, or before there are others. */
static int start_worker(struct pool *pool, enum stage_of stage)
{
	struct worker *w = pool->workers;
	pthread_t thread;
	int r;

	while (w < pool->workers + OBJECT_WORKERS && w->used)
		w++;
	if (w == pool->workers + OBJECT_WORKERS)
		return -EAGAIN;
	*w = (struct worker){.pool = pool, .stage = stage, .used = true};
	r = pthread_create(&thread, NULL, work, w);
	if (r) {
		w->used = false;
		return -r;
	}
	pthread_detach(thread);
	pool->n_alive++;
	return 0;
}

/* Ends the threads. What one that is stuck may touch is left to it. Whether `by` is asked no more.
 */
static bool pool_stop(struct pool *pool)
{
	struct timespec until;
	bool ended, silent;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += OBJECT_STALL_NS / 1000000000ull;
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	while (pool->n_alive &&
	       pthread_cond_timedwait(&pool->ended, &pool->lock, &until) != ETIMEDOUT)
		;
	ended = !pool->n_alive;
	silent = !pool->n_asking;
	pool->abandoned = !ended;
	pthread_mutex_unlock(&pool->lock);
	if (ended)
		pool_free(pool);
	return silent;
}

static struct pool *pool_new(const struct identify *by, measure_fn *measure)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int r = 0;

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->ended, NULL);
	for (int i = 0; i < STAGES * CLASSES; i++)
		list_init(&pool->todo[i / CLASSES][i % CLASSES]);
	list_init(&pool->done);
	pool->by = *by;
	pool->measure = measure;
	pool->verities = verities_new();
	pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!pool->verities || pool->wake < 0)
		r = -errno;
	pthread_mutex_lock(&pool->lock);
	for (int s = 0; s < STAGES; s++)
		for (size_t i = 0; !r && i < threads_of[s]; i++)
			r = start_worker(pool, s);
	pthread_mutex_unlock(&pool->lock);
	if (!r)
		return pool;
	pool_stop(pool);
	errno = -r;
	return NULL;
}

/* --- The loop's side */

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
	enum class_of class;
	struct object_job *job;
	bool room;

	if (!obj->n_places)
		return false;
	job = calloc(1, sizeof(*job));
	if (!job)
		return false;
	job->key = obj->key;
	class = class_of(job);
	job->fd = -1;
	job->object = obj;
	job->moved_ns = clock_monotonic_ns();
	pthread_mutex_lock(&o->pool->lock);
	room = o->pool->n_todo[class] < QUEUE_MAX;
	if (room) {
		job->place = obj->places[--obj->n_places];
		list_push(&o->pool->todo[OPENING][class], job);
		o->pool->n_todo[class]++;
		pthread_cond_broadcast(&o->pool->work);
	}
	pthread_mutex_unlock(&o->pool->lock);
	if (!room) {
		free(job);
		return false;
	}
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
	struct object_job *job, *next;
	uint64_t n;

	(void)events;
	if (read(o->pool->wake, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&o->pool->lock);
	job = o->pool->done.first;
	list_init(&o->pool->done);
	pthread_mutex_unlock(&o->pool->lock);
	for (; job; job = next) {
		next = job->next;
		settle(o, job);
		job_free(job);
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

static bool is_long_ago(uint64_t then, uint64_t now)
{
	return now > then && now - then > OBJECT_STALL_NS;
}

static bool stands_still(const struct worker *w, uint64_t now)
{
	return is_long_ago(__atomic_load_n(&w->job->moved_ns, __ATOMIC_RELAXED), now) ||
	       now - w->since_ns > LIMIT_NS + w->job->key.size * LIMIT_NS_PER_BYTE;
}

/* Adds the job to the list of those that are to be given up. */
static void give_up(struct object_job *job, struct object_job **given_up)
{
	if (job->stalled)
		return;
	job->given_up = *given_up;
	*given_up = job;
}

/* Those that wait stand still while all do that they wait for. */
static void check_waiting(struct pool *pool, enum class_of class, uint64_t now,
			  struct object_job **given_up)
{
	if (!is_long_ago(pool->moved_ns[class], now))
		return;
	for (int s = 0; s < STAGES; s++)
		for (struct object_job *job = pool->todo[s][class].first; job; job = job->next)
			if (is_long_ago(job->moved_ns, now))
				give_up(job, given_up);
}

static void check_worker(struct objects *o, struct worker *w, uint64_t now,
			 struct object_job **given_up)
{
	if (!w->used || !w->job)
		return;
	if (!w->replaced && now - w->since_ns > replace_ns[w->stage])
		w->replaced = !start_worker(o->pool, w->stage);
	if (stands_still(w, now))
		give_up(w->job, given_up);
}

static void on_check(void *cookie)
{
	struct objects *o = cookie;
	uint64_t now = clock_monotonic_ns();
	struct object_job *given_up = NULL, *job;

	pthread_mutex_lock(&o->pool->lock);
	for (size_t i = 0; i < OBJECT_WORKERS; i++)
		check_worker(o, &o->pool->workers[i], now, &given_up);
	for (int c = 0; c < CLASSES; c++)
		check_waiting(o->pool, c, now, &given_up);
	pthread_mutex_unlock(&o->pool->lock);
	/* Jobs are freed on this thread alone, by on_done. */
	for (job = given_up; job; job = job->given_up)
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
	o->pool = pool_new(by, measure);
	if (o->pool)
		o->source = loop_add_fd(loop, o->pool->wake, EPOLLIN, on_done, o);
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
		silent = pool_stop(o->pool);
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

/* One more place for an object that is not found yet; if there is no more room, those do. */
static void add_place(struct objects *o, struct object *obj, struct place *place)
{
	if (!obj->job || obj->n_places == OBJECT_PLACES) {
		free(place->path);
		return;
	}
	obj->places[obj->n_places++] = *place;
	if (obj->job->stalled)
		go_round(o, obj);
}

struct object *objects_add(struct objects *o, const struct object_key *key, struct place *place,
			   bool ahead)
{
	struct object *obj = objects_find(o, key);

	if (obj) {
		obj->wanted |= !ahead;
		add_place(o, obj, place);
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
