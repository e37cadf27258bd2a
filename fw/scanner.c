// SPDX-License-Identifier: GPL-2.0-or-later
#include "scanner.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

struct scanner {
	struct probe *probe;
	void (*done)(void *cookie);
	void *cookie;
	struct loop_source *source;
	int wake;
	bool running;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t news;
	bool wanted, stop;

	uint64_t began_ns, count; /* atomic */
};

static struct timespec from_now(uint64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	ns += t.tv_nsec;
	t.tv_sec += ns / 1000000000ull;
	t.tv_nsec = ns % 1000000000ull;
	return t;
}

/* Sleeps, unless it is told to stop. With the lock. */
static void rest(struct scanner *s, uint64_t ns)
{
	struct timespec until = from_now(ns);

	while (!s->stop && pthread_cond_timedwait(&s->news, &s->lock, &until) != ETIMEDOUT)
		;
}

/* With the lock, which others are not to wait for meanwhile. Returns when it is to be done again,
 * ns; 0: not before something is wanted. */
static uint64_t tend_watch(struct scanner *s)
{
	uint64_t ns;

	pthread_mutex_unlock(&s->lock);
	ns = probe_watch_tend(s->probe);
	pthread_mutex_lock(&s->lock);
	return ns;
}

/* With the lock. */
static void wait_for_work(struct scanner *s)
{
	uint64_t ns = tend_watch(s);
	struct timespec until = from_now(ns);

	if (s->wanted || s->stop)
		return;
	if (ns)
		pthread_cond_timedwait(&s->news, &s->lock, &until);
	else
		pthread_cond_wait(&s->news, &s->lock);
}

/* With the lock. */
static void scan(struct scanner *s)
{
	uint64_t one = 1, began, took;
	int r;

	s->wanted = false;
	pthread_mutex_unlock(&s->lock);
	probe_watch_tend(s->probe); /* what it finds is to be known to be all */
	began = clock_boot_ns();
	r = probe_scan_files(s->probe, 0);
	took = clock_boot_ns() - began;
	pthread_mutex_lock(&s->lock);
	if (!r)
		__atomic_store_n(&s->began_ns, began, __ATOMIC_RELEASE);
	__atomic_fetch_add(&s->count, 1, __ATOMIC_RELAXED);
	if (write(s->wake, &one, sizeof(one)) < 0)
		r = -errno; /* it is readable already */
	rest(s, SCANNER_REST * took);
}

static void *scan_thread(void *arg)
{
	struct scanner *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop)
		if (s->wanted)
			scan(s);
		else
			wait_for_work(s);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void on_done(void *cookie, uint32_t events)
{
	struct scanner *s = cookie;
	uint64_t n;

	(void)events;
	if (read(s->wake, &n, sizeof(n)) == sizeof(n))
		s->done(s->cookie);
}

struct scanner *scanner_new(struct loop *loop, struct probe *probe, void (*done)(void *cookie),
			    void *cookie)
{
	struct scanner *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->probe = probe;
	s->done = done;
	s->cookie = cookie;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake >= 0)
		s->source = loop_add_fd(loop, s->wake, EPOLLIN, on_done, s);
	s->running = s->source && !pthread_create(&s->thread, NULL, scan_thread, s);
	if (!s->running) {
		scanner_free(s);
		errno = EAGAIN;
		return NULL;
	}
	return s;
}

void scanner_free(struct scanner *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		pthread_join(s->thread, NULL);
	loop_remove_fd(s->source);
	if (s->wake >= 0)
		close(s->wake);
	pthread_cond_destroy(&s->news);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

uint64_t scanner_began_ns(const struct scanner *s)
{
	return __atomic_load_n(&s->began_ns, __ATOMIC_ACQUIRE);
}

uint64_t scanner_count(const struct scanner *s)
{
	return __atomic_load_n(&s->count, __ATOMIC_RELAXED);
}

void scanner_request(struct scanner *s)
{
	pthread_mutex_lock(&s->lock);
	s->wanted = true;
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
}
