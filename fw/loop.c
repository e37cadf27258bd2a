// SPDX-License-Identifier: GPL-2.0-or-later
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "deadlines.h"
#include "log.h"
#include "pause.h"
#include "slice.h"

#define NS_PER_S   1000000000ull
#define NS_PER_MS  1000000ull
#define EVENTS_MAX 64
#define FAR_NS	   (100 * NS_PER_MS) /* a deadline that is worth a call of its own */
#define IN_EPOLL   0 /* of the descriptors that are polled, the first is the epoll set's */

struct loop_source {
	struct loop *loop;
	int fd;
	uint32_t events; /* 0: nobody waits for it */
	size_t place;	 /* among what is polled, or IN_EPOLL */
	loop_fd_fn fn;
	void *cookie;
	LIST_ENTRY(loop_source) link;
};

struct loop_timer {
	struct deadline due; /* CLOCK_MONOTONIC, ns. The first: timer_of() */
	struct loop *loop;
	loop_timer_fn fn;
	void *cookie;
	LIST_ENTRY(loop_timer) link;
};

struct loop {
	int epoll;
	bool stop;
	pthread_mutex_t *lock; /* NULL: no other loop's callbacks matter */
	bool waits;	       /* without the lock: whoever arms a timer has to wake us for it */
	LIST_HEAD(, loop_source) sources;
	LIST_HEAD(, loop_timer) timers;
	size_t n_timers;

	struct deadlines armed; /* has room for all timers */
	int alarm_fd;		/* a timerfd, for deadlines that many turns pass before */
	uint64_t alarm;		/* when it wakes us; 0: it does not */
	uint64_t pass;		/* the timers due at this time are being called */

	struct pause pause;
	uint32_t worked;   /* what its busy sources have done in this turn, and */
	uint64_t began_ns; /* since when */

	/* The epoll set, and the busy sources: who[] is of polled[]. */
	struct pollfd *polled;
	struct loop_source **who;
	size_t n_polled;

	/* What the last look into the epoll set brought; a source that is removed is wiped from it.
	 */
	struct epoll_event events[EVENTS_MAX];
	int n_events;
};

static void on_alarm(void *cookie, uint32_t events)
{
	struct loop *l = cookie;
	uint64_t times;

	(void)events;
	if (read(l->alarm_fd, &times, sizeof(times)) == sizeof(times))
		l->alarm = 0;
}

/* s: NULL for the epoll set. Returns its place in polled[]; 0: that is the first, or there is no
 * memory for it. */
static size_t add_polled(struct loop *l, struct loop_source *s, struct pollfd what)
{
	size_t n = l->n_polled;
	struct pollfd *polled = reallocarray(l->polled, n + 1, sizeof(*polled));
	struct loop_source **who;

	if (!polled)
		return 0;
	l->polled = polled;
	who = reallocarray(l->who, n + 1, sizeof(struct loop_source *));
	if (!who)
		return 0;
	l->who = who;
	polled[n] = what;
	who[n] = s;
	l->n_polled++;
	return n;
}

/* The last one comes into its place. */
static void remove_polled(struct loop *l, size_t place)
{
	size_t last = --l->n_polled;

	l->polled[place] = l->polled[last];
	l->who[place] = l->who[last];
	l->who[place]->place = place;
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	LIST_INIT(&l->sources);
	LIST_INIT(&l->timers);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->epoll >= 0 && l->alarm_fd >= 0) {
		add_polled(l, NULL, (struct pollfd){.fd = l->epoll, .events = POLLIN});
		if (l->n_polled && loop_add_fd(l, l->alarm_fd, EPOLLIN, on_alarm, l))
			return l;
	}
	loop_free(l);
	return NULL;
}

void loop_share(struct loop *l, pthread_mutex_t *lock)
{
	l->lock = lock;
}

void loop_unlock(struct loop *l)
{
	if (l->lock)
		pthread_mutex_unlock(l->lock);
}

void loop_lock(struct loop *l)
{
	if (l->lock)
		pthread_mutex_lock(l->lock);
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	while (!LIST_EMPTY(&l->sources))
		loop_remove_fd(LIST_FIRST(&l->sources));
	while (!LIST_EMPTY(&l->timers))
		loop_remove_timer(LIST_FIRST(&l->timers));
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->alarm_fd >= 0)
		close(l->alarm_fd);
	free(l->polled);
	free(l->who);
	deadlines_free(&l->armed);
	free(l);
}

static struct loop_source *add_source(struct loop *l, int fd, loop_fd_fn fn, void *cookie)
{
	struct loop_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct loop_source){.loop = l, .fd = fd, .fn = fn, .cookie = cookie};
	LIST_INSERT_HEAD(&l->sources, s, link);
	return s;
}

struct loop_source *loop_add_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn,
				void *cookie)
{
	struct loop_source *s = add_source(l, fd, fn, cookie);
	int err = s ? loop_set_events(s, events) : 0;

	if (!err)
		return s;
	loop_remove_fd(s);
	errno = -err;
	return NULL;
}

struct loop_source *loop_add_busy_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn,
				     void *cookie)
{
	struct loop_source *s = add_source(l, fd, fn, cookie);

	if (!s)
		return NULL;
	s->place = add_polled(l, s, (struct pollfd){.fd = ~fd});
	if (s->place) {
		loop_set_events(s, events);
		return s;
	}
	loop_remove_fd(s);
	errno = ENOMEM;
	return NULL;
}

static int set_in_epoll(struct loop_source *s, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = s};
	int op = !events ? EPOLL_CTL_DEL : s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	return epoll_ctl(s->loop->epoll, op, s->fd, &ev) ? -errno : 0;
}

/* Without events it is not waited for at all: EPOLLERR and EPOLLHUP are reported unasked, and a
 * source that does not listen would be called for them again and again. */
int loop_set_events(struct loop_source *s, uint32_t events)
{
	int err;

	if (events == s->events)
		return 0;
	if (s->place == IN_EPOLL) {
		err = set_in_epoll(s, events);
		if (err)
			return err;
	} else {
		s->loop->polled[s->place].fd = events ? s->fd : ~s->fd;
		s->loop->polled[s->place].events = (short)events;
	}
	s->events = events;
	return 0;
}

void loop_remove_fd(struct loop_source *s)
{
	struct loop *l;

	if (!s)
		return;
	l = s->loop;
	loop_set_events(s, 0);
	if (s->place != IN_EPOLL)
		remove_polled(l, s->place);
	for (int i = 0; i < l->n_events; i++)
		if (l->events[i].data.ptr == s)
			l->events[i].data.ptr = NULL;
	LIST_REMOVE(s, link);
	free(s);
}

struct loop_timer *loop_add_timer(struct loop *l, loop_timer_fn fn, void *cookie)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (deadlines_reserve(&l->armed, l->n_timers + 1)) {
		free(t);
		return NULL;
	}
	l->n_timers++;
	*t = (struct loop_timer){.loop = l, .fn = fn, .cookie = cookie};
	LIST_INSERT_HEAD(&l->timers, t, link);
	return t;
}

static void set_alarm(struct loop *l, uint64_t deadline)
{
	const struct itimerspec when = {.it_value = {.tv_sec = (time_t)(deadline / NS_PER_S),
						     .tv_nsec = (long)(deadline % NS_PER_S)}};

	if (!timerfd_settime(l->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL))
		l->alarm = deadline;
}

/* A timer that arms itself again from its own callback must not be due in the same pass. */
void loop_arm(struct loop_timer *t, uint64_t after_ns)
{
	struct loop *l = t->loop;
	uint64_t from = clock_monotonic_ns();

	if (from <= l->pass)
		from = l->pass + 1;
	deadlines_set(&l->armed, &t->due,
		      after_ns > UINT64_MAX - from ? UINT64_MAX : from + after_ns);
	if (l->waits && deadlines_first(&l->armed) == &t->due)
		set_alarm(l, t->due.at);
}

void loop_disarm(struct loop_timer *t)
{
	deadlines_unset(&t->loop->armed, &t->due);
}

void loop_remove_timer(struct loop_timer *t)
{
	if (!t)
		return;
	loop_disarm(t);
	t->loop->n_timers--;
	LIST_REMOVE(t, link);
	free(t);
}

/*
 * Waits for events, at most *after_ns; NULL: for ever. A busy source is polled, as the kernel then
 * knows of us only while we wait: the epoll set would be told of each packet, also of those that
 * come while we are at work.
 */
static int wait_events(struct loop *l, const uint64_t *after_ns)
{
	struct timespec ts = {0, 0};

	if (after_ns) {
		ts.tv_sec = (time_t)(*after_ns / NS_PER_S);
		ts.tv_nsec = (long)(*after_ns % NS_PER_S);
	}
	return ppoll(l->polled, l->n_polled, after_ns ? &ts : NULL, NULL);
}

/* The first one that needs a look at the clock. NULL: none is due before the alarm has woken us. */
static struct deadline *next_due(const struct loop *l)
{
	struct deadline *first = deadlines_first(&l->armed);

	return first && l->alarm && first->at >= l->alarm ? NULL : first;
}

/* A timeout costs the kernel a timer each time that we go to sleep: only what is near has one. */
static int wait_next(struct loop *l)
{
	const struct deadline *due = next_due(l);
	uint64_t now, after = 0;
	int n, err;

	if (due) {
		now = clock_monotonic_ns();
		if (due->at > now)
			after = due->at - now;
		if (after > FAR_NS)
			set_alarm(l, due->at);
	}
	l->waits = true;
	loop_unlock(l);
	n = wait_events(l, due ? &after : NULL);
	err = n < 0 && errno != EINTR ? -errno : 0;
	loop_lock(l);
	l->waits = false;
	for (size_t i = 0; n < 0 && i < l->n_polled; i++)
		l->polled[i].revents = 0;
	return err;
}

static void call(struct loop_source *s, uint32_t events)
{
	events &= s->events | EPOLLERR | EPOLLHUP;
	if (s->events && events)
		s->fn(s->cookie, events);
}

/* One that another's callback removes makes room for the last, which may be called next time then.
 */
static void call_busy(struct loop *l)
{
	for (size_t i = 1; i < l->n_polled && !l->stop; i++)
		call(l->who[i], (unsigned short)l->polled[i].revents);
}

static void call_others(struct loop *l)
{
	int n = l->polled[0].revents ? epoll_wait(l->epoll, l->events, EVENTS_MAX, 0) : 0;

	l->n_events = n < 0 ? 0 : n;
	for (int i = 0; i < l->n_events && !l->stop; i++) {
		struct loop_source *s = l->events[i].data.ptr;

		if (s) /* not removed by a callback before it */
			call(s, l->events[i].events);
	}
	l->n_events = 0;
}

static struct loop_timer *timer_of(struct deadline *due)
{
	_Static_assert(offsetof(struct loop_timer, due) == 0, "as it is found");
	return (struct loop_timer *)due;
}

static void call_timers(struct loop *l)
{
	struct deadline *due = next_due(l);

	if (!due)
		return;
	l->pass = clock_monotonic_ns();
	for (; due && due->at <= l->pass && !l->stop; due = deadlines_first(&l->armed)) {
		struct loop_timer *t = timer_of(due);

		loop_disarm(t);
		t->fn(t->cookie);
	}
}

void loop_worked(struct loop *l, uint32_t packets, uint64_t began_ns)
{
	if (!l->worked)
		l->began_ns = began_ns;
	l->worked += packets;
}

static void give_way(struct loop *l, uint64_t since_ns)
{
	loop_unlock(l);
	sched_yield();
	loop_lock(l);
	pause_took(&l->pause, clock_boot_ns() - since_ns);
}

/* After what its busy sources have done. */
static void end_turn(struct loop *l)
{
	uint64_t ended_ns = clock_boot_ns();
	bool calm = pause_is_calm(&l->pause);

	if (pause_is_due(&l->pause, l->worked, l->began_ns, ended_ns))
		give_way(l, ended_ns);
	if (pause_is_calm(&l->pause) != calm)
		slice_set(!calm); /* brief, where it is */
	l->worked = 0;
}

int loop_run(struct loop *l)
{
	int err = 0;

	/* Else the kernel adds up to 50 us to every deadline. */
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	loop_lock(l);
	while (!l->stop && !err) {
		err = wait_next(l);
		call_busy(l);
		if (l->worked)
			end_turn(l);
		call_others(l);
		call_timers(l);
	}
	l->stop = false;
	loop_unlock(l);
	return err;
}

void loop_serve(struct loop *l, const char *what)
{
	static pthread_mutex_t last_words = PTHREAD_MUTEX_INITIALIZER;
	int err = loop_run(l);

	if (!err)
		return;
	pthread_mutex_lock(&last_words); /* for good: the first thread ends them all */
	log_line("app-fw: waiting for %s: %s", what, strerror(-err));
	log_stop();
	_exit(EXIT_FAILURE);
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
