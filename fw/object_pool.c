// SPDX-License-Identifier: GPL-2.0-or-later
#include "object_pool.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "digest.h"
#include "object.h"
#include "standstill.h"

#define QUEUE_MAX	  4096		 /* of each class */
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

struct list {
	struct object_job *first, **last;
};

struct worker {
	struct object_pool *pool;
	enum stage_of stage;
	struct object_job *job; /* NULL: waits for one */
	uint64_t since_ns;	/* at it since */
	bool used, replaced;
};

/* What the threads share with the loop. */
struct object_pool {
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work, ended;
	struct list waiting[STAGES][CLASSES], done;
	size_t n_waiting[CLASSES];  /* to be opened */
	size_t n_open[CLASSES];	    /* open: they wait to be hashed, or are */
	size_t n_busy[CLASSES];	    /* threads that are at one */
	uint64_t moved_ns[CLASSES]; /* when a thread was last done with one */
	size_t n_alive;		    /* threads */
	size_t n_asking;	    /* of them, in a call of `by` */
	struct worker workers[OBJECT_WORKERS];
	struct standstill standstill;
	struct identify by;
	measure_fn *measure;
	struct verities *verities;
	bool stop, abandoned;
	int wake; /* eventfd: there is something in done */
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

void object_job_free(struct object_job *job)
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
		object_job_free(job);
}

static enum class_of class_of(const struct object_job *job)
{
	return job->key.flags & OBJECT_REMOTE ? REMOTE : LOCAL;
}

static void pool_free(struct object_pool *pool)
{
	for (int i = 0; i < STAGES * CLASSES; i++)
		list_free(&pool->waiting[i / CLASSES][i % CLASSES]);
	list_free(&pool->done);
	if (pool->wake >= 0)
		close(pool->wake);
	verities_free(pool->verities);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->ended);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* Asks `by`, unless whoever made the pool has left with all that `by` stands on. */
static int ask(void *cookie, int fd, struct object_key *out)
{
	struct object_pool *pool = cookie;
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

static void open_file(struct object_pool *pool, struct object_job *job)
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
static int digest_of(struct object_pool *pool, struct object_job *job, struct sha256 *out)
{
	bool remote = job->key.flags & OBJECT_REMOTE;
	bool sealed = !remote && !pool->measure(job->fd, &job->verity);
	int r;

	job->recalled = sealed && verities_find(pool->verities, &job->verity, out);
	if (job->recalled)
		return 0;
	r = digest_file(job->fd, &job->moved_ns, out);
	if (!r && sealed)
		verities_add(pool->verities, &job->verity, out);
	return r;
}

/* Checked again: the name of what was written to in an overlay leads to another file since. */
static void hash_file(struct object_pool *pool, struct object_job *job)
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

static void (*const run_stage[STAGES])(struct object_pool *pool, struct object_job *job) = {
	[OPENING] = open_file,
	[HASHING] = hash_file,
};

static struct object_job *take_of(struct object_pool *pool, enum stage_of stage,
				  enum class_of class)
{
	struct object_job *job;

	if (pool->n_busy[class] == busy_max[class] ||
	    (stage == OPENING && pool->n_open[class] == open_max[class]))
		return NULL;
	job = list_pop(&pool->waiting[stage][class]);
	if (!job)
		return NULL;
	pool->n_busy[class]++;
	if (stage == OPENING) {
		pool->n_waiting[class]--;
		pool->n_open[class]++;
	}
	return job;
}

static struct object_job *take(struct object_pool *pool, enum stage_of stage)
{
	struct object_job *job = take_of(pool, stage, LOCAL);

	return job ? job : take_of(pool, stage, REMOTE);
}

/* NULL: no more. */
static struct object_job *next_job(struct worker *w)
{
	struct object_pool *pool = w->pool;

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

static void hand_on(struct object_pool *pool, enum stage_of stage, struct object_job *job)
{
	enum class_of class = class_of(job);
	uint64_t one = 1;
	bool done = false;

	pool->moved_ns[class] = clock_monotonic_ns();
	pool->n_busy[class]--;
	if (stage == OPENING && !job->error) {
		list_push(&pool->waiting[HASHING][class], job);
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
	struct object_pool *pool = w->pool;
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
static int start_worker(struct object_pool *pool, enum stage_of stage)
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

/* What a thread that is stuck may touch is left to it. */
bool object_pool_stop(struct object_pool *pool)
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

struct object_pool *object_pool_new(const struct identify *by, measure_fn *measure)
{
	struct object_pool *pool = calloc(1, sizeof(*pool));
	int r = 0;

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->ended, NULL);
	for (int i = 0; i < STAGES * CLASSES; i++)
		list_init(&pool->waiting[i / CLASSES][i % CLASSES]);
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
	object_pool_stop(pool);
	errno = -r;
	return NULL;
}

int object_pool_fd(const struct object_pool *pool)
{
	return pool->wake;
}

bool object_pool_push(struct object_pool *pool, struct object_job *job)
{
	const enum class_of class = class_of(job);
	bool room;

	job->fd = -1;
	job->moved_ns = clock_monotonic_ns();
	pthread_mutex_lock(&pool->lock);
	room = pool->n_waiting[class] < QUEUE_MAX;
	if (room) {
		list_push(&pool->waiting[OPENING][class], job);
		pool->n_waiting[class]++;
		pthread_cond_broadcast(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	return room;
}

struct object_job *object_pool_done(struct object_pool *pool)
{
	struct object_job *job;
	uint64_t n;

	if (read(pool->wake, &n, sizeof(n)) < 0)
		return NULL;
	pthread_mutex_lock(&pool->lock);
	job = pool->done.first;
	list_init(&pool->done);
	pthread_mutex_unlock(&pool->lock);
	return job;
}

/* What a thread has done since the clock was read is not long ago. */
static uint64_t since(const struct object_pool *pool, uint64_t then, uint64_t now)
{
	return standstill_waited(&pool->standstill, then, now);
}

static bool is_long_ago(const struct object_pool *pool, uint64_t then, uint64_t now)
{
	return since(pool, then, now) > OBJECT_STALL_NS;
}

static bool stands_still(const struct object_pool *pool, const struct worker *w, uint64_t now)
{
	return is_long_ago(pool, __atomic_load_n(&w->job->moved_ns, __ATOMIC_RELAXED), now) ||
	       since(pool, w->since_ns, now) > LIMIT_NS + w->job->key.size * LIMIT_NS_PER_BYTE;
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
static void check_waiting(struct object_pool *pool, enum class_of class, uint64_t now,
			  struct object_job **given_up)
{
	if (!is_long_ago(pool, pool->moved_ns[class], now))
		return;
	for (int s = 0; s < STAGES; s++)
		for (struct object_job *job = pool->waiting[s][class].first; job; job = job->next)
			if (is_long_ago(pool, job->moved_ns, now))
				give_up(job, given_up);
}

static void check_worker(struct object_pool *pool, struct worker *w, uint64_t now,
			 struct object_job **given_up)
{
	if (!w->used || !w->job)
		return;
	if (!w->replaced && since(pool, w->since_ns, now) > replace_ns[w->stage])
		w->replaced = !start_worker(pool, w->stage);
	if (stands_still(pool, w, now))
		give_up(w->job, given_up);
}

struct object_job *object_pool_check(struct object_pool *pool)
{
	const uint64_t now = clock_monotonic_ns();
	struct object_job *given_up = NULL;

	pthread_mutex_lock(&pool->lock);
	standstill_look(&pool->standstill, now);
	for (size_t i = 0; i < OBJECT_WORKERS; i++)
		check_worker(pool, &pool->workers[i], now, &given_up);
	for (int c = 0; c < CLASSES; c++)
		check_waiting(pool, c, now, &given_up);
	pthread_mutex_unlock(&pool->lock);
	return given_up;
}
