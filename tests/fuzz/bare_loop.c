/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bare_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define PLACES 64 /* more than the control server asks for */

struct loop_source {
	int fd; /* -1: the place is free */
	uint32_t events;
	loop_fd_fn fn;
	void *cookie;
};

struct loop_timer {
	bool taken, armed;
	loop_timer_fn fn;
	void *cookie;
};

struct loop {
	struct loop_source sources[PLACES];
	struct loop_timer timers[PLACES];
};

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	for (size_t i = 0; l && i < PLACES; i++)
		l->sources[i].fd = -1;
	return l;
}

void loop_free(struct loop *l)
{
	free(l);
}

struct loop_source *loop_add_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn,
				void *cookie)
{
	for (size_t i = 0; i < PLACES; i++) {
		struct loop_source *s = &l->sources[i];

		if (s->fd >= 0)
			continue;
		*s = (struct loop_source){fd, events, fn, cookie};
		return s;
	}
	errno = ENOSPC;
	return NULL;
}

struct loop_source *loop_add_busy_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn,
				     void *cookie)
{
	return loop_add_fd(l, fd, events, fn, cookie);
}

int loop_set_events(struct loop_source *s, uint32_t events)
{
	s->events = events;
	return 0;
}

void loop_remove_fd(struct loop_source *s)
{
	if (s)
		s->fd = -1;
}

struct loop_timer *loop_add_timer(struct loop *l, loop_timer_fn fn, void *cookie)
{
	for (size_t i = 0; i < PLACES; i++) {
		struct loop_timer *t = &l->timers[i];

		if (t->taken)
			continue;
		*t = (struct loop_timer){.taken = true, .fn = fn, .cookie = cookie};
		return t;
	}
	return NULL;
}

void loop_arm(struct loop_timer *t, uint64_t after_ns)
{
	(void)after_ns;
	t->armed = true;
}

void loop_disarm(struct loop_timer *t)
{
	t->armed = false;
}

void loop_remove_timer(struct loop_timer *t)
{
	if (t)
		t->taken = t->armed = false;
}

/* There is one thread. */
void loop_share(struct loop *l, pthread_mutex_t *lock)
{
	(void)l, (void)lock;
}

void loop_unlock(struct loop *l)
{
	(void)l;
}

void loop_lock(struct loop *l)
{
	(void)l;
}

/* EPOLLIN and POLLIN are one number, and so are the others: epoll_ctl(2). */
static bool is_due(const struct loop_source *s)
{
	struct pollfd p = {.fd = s->fd, .events = (short)s->events};

	return s->fd >= 0 && s->events && poll(&p, 1, 0) > 0;
}

bool bare_loop_turn(struct loop *l)
{
	bool any = false;

	for (size_t i = 0; i < PLACES; i++) {
		struct loop_source *s = &l->sources[i];

		if (!is_due(s))
			continue;
		any = true;
		s->fn(s->cookie, s->events);
	}
	return any;
}

void bare_loop_expire(struct loop *l)
{
	for (size_t i = 0; i < PLACES; i++) {
		struct loop_timer *t = &l->timers[i];

		if (!t->armed)
			continue;
		t->armed = false;
		t->fn(t->cookie);
	}
}
