// SPDX-License-Identifier: GPL-2.0-or-later
#include "mailbox.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct letter {
	void (*fn)(void *cookie);
	void *cookie;
	bool done;
	struct letter *next;
};

struct mailbox {
	struct loop_source *source;
	int wake;
	pthread_mutex_t lock; /* guards letters and their done */
	pthread_cond_t answered;
	struct letter *letters; /* newest first: callers wait, so order does not matter */
};

static void on_wake(void *cookie, uint32_t events)
{
	struct mailbox *m = cookie;
	struct letter *l;
	uint64_t n;

	(void)events;
	if (read(m->wake, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&m->lock);
	while ((l = m->letters)) {
		m->letters = l->next;
		pthread_mutex_unlock(&m->lock);
		l->fn(l->cookie);
		pthread_mutex_lock(&m->lock);
		l->done = true;
		pthread_cond_broadcast(&m->answered);
	}
	pthread_mutex_unlock(&m->lock);
}

struct mailbox *mailbox_new(struct loop *loop)
{
	struct mailbox *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->answered, NULL);
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->wake >= 0)
		m->source = loop_add_fd(loop, m->wake, EPOLLIN, on_wake, m);
	if (!m->source) {
		mailbox_free(m);
		return NULL;
	}
	return m;
}

void mailbox_free(struct mailbox *m)
{
	if (!m)
		return;
	loop_remove_fd(m->source);
	if (m->wake >= 0)
		close(m->wake);
	pthread_cond_destroy(&m->answered);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void mailbox_call(struct mailbox *m, void (*fn)(void *cookie), void *cookie)
{
	struct letter l = {.fn = fn, .cookie = cookie};
	uint64_t one = 1;

	pthread_mutex_lock(&m->lock);
	l.next = m->letters;
	m->letters = &l;
	while (write(m->wake, &one, sizeof(one)) < 0)
		; /* only when 2^64 letters wait */
	while (!l.done)
		pthread_cond_wait(&m->answered, &m->lock);
	pthread_mutex_unlock(&m->lock);
}
