/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop: file descriptors and deadlines, callback plus cookie. Knows none of its users. */
#ifndef FW_LOOP_H
#define FW_LOOP_H

#include <pthread.h>
#include <stdint.h>

struct loop;
struct loop_source;
struct loop_timer;

typedef void (*loop_fd_fn)(void *cookie, uint32_t epoll_events);
typedef void (*loop_timer_fn)(void *cookie);

struct loop *loop_new(void);	/* NULL with errno */
void loop_free(struct loop *l); /* with every source and timer still in it; NULL is fine */

/*
 * Calls fn whenever fd has one of `events` (epoll_ctl(2)); level-triggered. The loop does not own
 * fd; remove the source before fd is closed. A source may be removed from inside any callback, its
 * own included. NULL with errno.
 */
struct loop_source *loop_add_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn,
				void *cookie);
/*
 * The same of one that has something to tell again and again: ppoll(2) looks at it each time, and
 * whoever has news of it does not stop at us unless we wait. Its descriptor is taken to be one.
 */
struct loop_source *loop_add_busy_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn,
				     void *cookie);
/* 0 or -errno. No events: fn is not called at all, not even for EPOLLERR or EPOLLHUP. */
int loop_set_events(struct loop_source *s, uint32_t events);
void loop_remove_fd(struct loop_source *s); /* NULL is fine */

/*
 * A one-shot timer, created disarmed. Arming an armed timer moves it. Nanosecond deadlines relative
 * to now.
 */
struct loop_timer *loop_add_timer(struct loop *l, loop_timer_fn fn, void *cookie);
void loop_arm(struct loop_timer *t, uint64_t after_ns);
void loop_disarm(struct loop_timer *t);
void loop_remove_timer(struct loop_timer *t); /* NULL is fine */

/*
 * Loops that share a lock, each on a thread of its own, call back one at a time: each has the lock
 * whenever it is not waiting. From within a callback of any of them, timers of all of them may be
 * armed; everything else of a loop is for its own thread. The lock outlives the loop. Before
 * loop_run.
 */
void loop_share(struct loop *l, pthread_mutex_t *lock);

/*
 * Around a call into the kernel, from within a callback: meanwhile the others' callbacks may run.
 * Nothing is done in a loop that shares no lock.
 */
void loop_unlock(struct loop *l);
void loop_lock(struct loop *l);

/* From within a callback of a busy source: so many packets are done, since began_ns
 * (CLOCK_BOOTTIME). After all of them the thread may let others run: pause.h. */
void loop_worked(struct loop *l, uint32_t packets, uint64_t began_ns);

/* Runs until loop_stop. Returns 0, or -errno when waiting itself fails. */
int loop_run(struct loop *l);

/*
 * The same for a thread of the daemon. If waiting fails, so that what it waits for would never be
 * done while the rest looks well, the process ends at once with EXIT_FAILURE, and says so on a line
 * that begins with what it waited for.
 */
void loop_serve(struct loop *l, const char *what);
void loop_stop(struct loop *l);

#endif
