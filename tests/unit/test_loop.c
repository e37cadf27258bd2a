/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "fw/loop.h"
#include "unit.h"

#define MS 1000000ull

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* What a callback sees, and what it shall do. */
struct probe {
	struct loop *loop;
	struct loop_source *self, *other;
	struct loop_timer *timer, *other_timer;
	int calls, stop_after;
	uint32_t events;
	char *log; /* `name` is appended */
	char name;
};

static void note(struct probe *p)
{
	p->calls++;
	if (p->log)
		p->log[strlen(p->log)] = p->name;
	if (p->calls == p->stop_after)
		loop_stop(p->loop);
}

static void on_fd(void *cookie, uint32_t events)
{
	struct probe *p = cookie;

	p->events = events;
	note(p);
}

static void on_fd_remove_both(void *cookie, uint32_t events)
{
	struct probe *p = cookie;

	on_fd(cookie, events);
	loop_remove_fd(p->other);
	loop_remove_fd(p->self);
}

static void on_fd_silence_other(void *cookie, uint32_t events)
{
	struct probe *p = cookie;

	on_fd(cookie, events);
	CU_ASSERT_EQUAL(loop_set_events(p->other, 0), 0);
	loop_remove_fd(p->self);
}

static void on_timer(void *cookie)
{
	note(cookie);
}

static void on_timer_stop(void *cookie)
{
	struct probe *p = cookie;

	note(p);
	loop_stop(p->loop);
}

static void on_timer_again(void *cookie)
{
	struct probe *p = cookie;

	loop_arm(p->timer, 0);
	note(p);
}

static void on_timer_remove_both(void *cookie)
{
	struct probe *p = cookie;

	note(p);
	loop_remove_timer(p->other_timer);
	loop_remove_timer(p->timer);
}

static int ready_fd(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

typedef struct loop_source *add_fn(struct loop *l, int fd, uint32_t events, loop_fd_fn fn,
				   void *cookie);

static void is_called(add_fn *add)
{
	struct loop *l = loop_new();
	struct probe p = {.loop = l, .stop_after = 3};
	int fd = ready_fd();

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_PTR_NOT_NULL(add(l, fd, EPOLLIN, on_fd, &p));
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(p.calls, 3); /* level-triggered: nobody reads it */
	CU_ASSERT_EQUAL(p.events, EPOLLIN);
	loop_free(l);
	close(fd);
}

static void sources_are_called(void)
{
	is_called(loop_add_fd);
	is_called(loop_add_busy_fd);
}

static void can_be_changed(add_fn *add)
{
	struct loop *l = loop_new();
	struct probe p = {.loop = l, .stop_after = 1};
	int fd = ready_fd();
	struct loop_source *s;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	s = add(l, fd, EPOLLIN, on_fd, &p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(loop_set_events(s, EPOLLOUT), 0);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(p.events, EPOLLOUT);
	loop_free(l);
	close(fd);
}

static void events_can_be_changed(void)
{
	can_be_changed(loop_add_fd);
	can_be_changed(loop_add_busy_fd);
}

static void bad_descriptors_are_refused(void)
{
	struct loop *l = loop_new();
	struct probe p = {.loop = l};

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	errno = 0;
	CU_ASSERT_PTR_NULL(loop_add_fd(l, -1, EPOLLIN, on_fd, &p));
	CU_ASSERT_EQUAL(errno, EBADF);
	loop_free(l);
}

/* Both are ready in the same wait; whichever is called first removes the other and itself. */
static void stay_silent(add_fn *add_a, add_fn *add_b)
{
	struct loop *l = loop_new();
	struct probe a = {.loop = l}, b = {.loop = l}, end = {.loop = l};
	int fd_a = ready_fd(), fd_b = ready_fd();

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	a.self = b.other = add_a(l, fd_a, EPOLLIN, on_fd_remove_both, &a);
	b.self = a.other = add_b(l, fd_b, EPOLLIN, on_fd_remove_both, &b);
	end.timer = loop_add_timer(l, on_timer_stop, &end);
	CU_ASSERT_PTR_NOT_NULL_FATAL(end.timer);
	loop_arm(end.timer, MS);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(a.calls + b.calls, 1);
	loop_free(l);
	close(fd_a);
	close(fd_b);
}

static void sources_removed_in_callbacks_stay_silent(void)
{
	stay_silent(loop_add_fd, loop_add_fd);
	stay_silent(loop_add_fd, loop_add_busy_fd);
	stay_silent(loop_add_busy_fd, loop_add_fd);
	stay_silent(loop_add_busy_fd, loop_add_busy_fd);
}

/* The other end of pair[0] is closed, which is reported whatever is asked of it. b is called first.
 */
static void are_not_called(add_fn *add_b, add_fn *add_a)
{
	struct loop *l = loop_new();
	struct probe a = {.loop = l}, b = {.loop = l}, end = {.loop = l};
	int pair[2];

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	pair[1] = ready_fd();
	b.self = a.other = add_b(l, pair[1], EPOLLIN, on_fd_silence_other, &b);
	a.self = b.other = add_a(l, pair[0], EPOLLIN, on_fd_silence_other, &a);
	end.timer = loop_add_timer(l, on_timer_stop, &end);
	CU_ASSERT_PTR_NOT_NULL_FATAL(end.timer);
	loop_arm(end.timer, 5 * MS);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(b.calls, 1);
	CU_ASSERT_EQUAL(a.calls, 0);
	loop_free(l);
	close(pair[0]);
	close(pair[1]);
}

static void sources_without_events_are_not_called(void)
{
	are_not_called(loop_add_fd, loop_add_fd);
	are_not_called(loop_add_busy_fd, loop_add_fd);
	are_not_called(loop_add_busy_fd, loop_add_busy_fd);
}

/* The last takes the place of the one that is removed. */
static void busy_sources_outlive_each_other(void)
{
	struct loop *l = loop_new();
	struct probe p[3] = {{.loop = l}, {.loop = l}, {.loop = l, .stop_after = 2}};
	int fd = ready_fd();

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	for (int i = 0; i < 3; i++)
		p[i].self = loop_add_busy_fd(l, fd, EPOLLIN, on_fd, &p[i]);
	loop_remove_fd(p[0].self);
	CU_ASSERT_EQUAL(loop_set_events(p[1].self, 0), 0);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT(p[0].calls == 0 && p[1].calls == 0 && p[2].calls == 2);
	loop_remove_fd(p[2].self);
	CU_ASSERT_EQUAL(loop_set_events(p[1].self, EPOLLIN), 0);
	p[1].stop_after = 1;
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT(p[1].calls == 1 && p[2].calls == 2);
	loop_free(l);
	close(fd);
}

/* Longer than a machine stands still between two calls, as a rule. */
#define STEP (10 * MS)

static void timers_fire_in_order(void)
{
	static const uint64_t after[] = {5, 1, 4, 2, 8, 3, 7, 6, 0};
	struct probe p[9], end = {0};
	struct loop *l = loop_new();
	char log[16] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	for (int i = 0; i < 9; i++) {
		p[i] = (struct probe){.loop = l, .log = log, .name = (char)('0' + after[i])};
		p[i].timer = loop_add_timer(l, on_timer, &p[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p[i].timer);
		loop_arm(p[i].timer, after[i] * STEP);
	}
	end = (struct probe){.loop = l};
	end.timer = loop_add_timer(l, on_timer_stop, &end);
	CU_ASSERT_PTR_NOT_NULL_FATAL(end.timer);
	loop_arm(end.timer, 12 * STEP);
	loop_disarm(p[2].timer); /* 4 */
	loop_disarm(p[2].timer);
	loop_arm(p[1].timer, 9 * STEP); /* 1 */
	loop_remove_timer(p[6].timer);	/* 7 */
	CU_ASSERT_EQUAL(loop_run(l), 0);
	expect_text("order", log, "0235681");
	loop_free(l);
}

static void timers_are_not_early(void)
{
	static const uint64_t after[] = {0, 1, 50000, 999999, 1000001, 3 * MS};
	struct loop *l = loop_new();
	struct probe p = {.loop = l};

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	p.timer = loop_add_timer(l, on_timer_stop, &p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p.timer);
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		uint64_t start = now_ns();

		loop_arm(p.timer, after[i]);
		CU_ASSERT_EQUAL(loop_run(l), 0);
		CU_ASSERT(now_ns() - start >= after[i]);
	}
	CU_ASSERT_EQUAL(p.calls, 6);
	loop_free(l);
}

static void on_timer_arm_other(void *cookie)
{
	struct probe *p = cookie;

	note(p);
	loop_arm(p->other_timer, 0);
}

/* Returns whether all came in their order. */
static bool run_far_and_near_timers(void)
{
	struct loop *l = loop_new();
	char log[8] = "";
	struct probe far = {.loop = l, .log = log, .name = 'f', .stop_after = 1};
	struct probe near = {.loop = l, .log = log, .name = 'n'};
	struct probe last = {.loop = l, .log = log, .name = 'l'};
	uint64_t start = now_ns();

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	far.timer = loop_add_timer(l, on_timer, &far);
	near.timer = loop_add_timer(l, on_timer_arm_other, &near);
	near.other_timer = last.timer = loop_add_timer(l, on_timer, &last);
	CU_ASSERT_FATAL(far.timer && near.timer && last.timer);
	loop_arm(near.timer, 110 * MS);
	loop_disarm(near.timer);
	loop_arm(far.timer, 150 * MS);
	loop_arm(near.timer, 130 * MS);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT(now_ns() - start >= 150 * MS);
	loop_free(l);
	return !strcmp(log, "nlf");
}

/* What is far has an alarm of its own, which near ones come before, and which nobody waits for who
 * was disarmed. A machine may stand still for so long that the far one is due as well, but not each
 * time. */
static void far_and_near_timers_fire(void)
{
	bool in_order = false;

	for (int tries = 0; tries < 5 && !in_order; tries++)
		in_order = run_far_and_near_timers();
	CU_ASSERT(in_order);
}

/* Or no descriptor would ever be looked at again. */
static void timers_that_rearm_themselves_let_others_in(void)
{
	struct loop *l = loop_new();
	struct probe t = {.loop = l}, p = {.loop = l, .stop_after = 3};
	int fd = ready_fd();

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	t.timer = loop_add_timer(l, on_timer_again, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.timer);
	CU_ASSERT_PTR_NOT_NULL(loop_add_fd(l, fd, EPOLLIN, on_fd, &p));
	loop_arm(t.timer, 0);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(p.calls, 3);
	CU_ASSERT(t.calls >= 2);
	loop_free(l);
	close(fd);
}

static void timers_removed_in_callbacks_stay_silent(void)
{
	struct loop *l = loop_new();
	struct probe a = {.loop = l}, b = {.loop = l}, end = {.loop = l};

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	a.timer = b.other_timer = loop_add_timer(l, on_timer_remove_both, &a);
	b.timer = a.other_timer = loop_add_timer(l, on_timer_remove_both, &b);
	end.timer = loop_add_timer(l, on_timer_stop, &end);
	CU_ASSERT_FATAL(a.timer && b.timer && end.timer);
	loop_arm(a.timer, 0);
	loop_arm(b.timer, 0);
	loop_arm(end.timer, MS);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(a.calls, 1);
	CU_ASSERT_EQUAL(b.calls, 0);
	loop_free(l);
}

static void stop_holds_once(void)
{
	struct loop *l = loop_new();
	struct probe p = {.loop = l};

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	p.timer = loop_add_timer(l, on_timer_stop, &p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p.timer);
	loop_arm(p.timer, 0);
	loop_stop(l);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(p.calls, 0);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	CU_ASSERT_EQUAL(p.calls, 1);
	loop_free(l);
}

static void waiting_costs_nothing(void)
{
	struct loop *l = loop_new();
	struct probe p = {.loop = l};
	struct timespec before, after;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	p.timer = loop_add_timer(l, on_timer_stop, &p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p.timer);
	loop_arm(p.timer, 50 * MS);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	CU_ASSERT_EQUAL(loop_run(l), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	CU_ASSERT((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec <
		  10000000);
	loop_free(l);
}

/* Two loops, each on a thread of its own, that share a lock. */
struct sharer {
	struct loop *loop;
	struct loop_timer *timer;
	struct sharer *other;
	int calls, *inside;
	bool alone;
};

static void *run_loop(void *cookie)
{
	struct sharer *s = cookie;

	CU_ASSERT_EQUAL(loop_run(s->loop), 0);
	return NULL;
}

static void share(struct sharer s[2], pthread_mutex_t *lock, loop_timer_fn fn)
{
	for (int i = 0; i < 2; i++) {
		s[i] = (struct sharer){.loop = loop_new(), .other = &s[!i], .alone = true};
		CU_ASSERT_PTR_NOT_NULL_FATAL(s[i].loop);
		loop_share(s[i].loop, lock);
		s[i].timer = loop_add_timer(s[i].loop, fn, &s[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s[i].timer);
	}
}

static void run_both(struct sharer s[2])
{
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run_loop, &s[1]), 0);
	run_loop(&s[0]);
	pthread_join(thread, NULL);
	loop_free(s[0].loop);
	loop_free(s[1].loop);
}

#define TURNS 5000

static void on_turn(void *cookie)
{
	struct sharer *s = cookie;

	s->alone &= ++*s->inside == 1;
	for (int i = 0; i < 100; i++)
		__asm__ volatile("" ::: "memory");
	s->alone &= *s->inside == 1;
	--*s->inside;
	loop_unlock(s->loop);
	loop_lock(s->loop);
	s->alone &= ++*s->inside == 1;
	--*s->inside;
	if (++s->calls == TURNS)
		loop_stop(s->loop);
	else
		loop_arm(s->timer, 0);
}

static void loops_that_share_a_lock_call_one_at_a_time(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sharer s[2];
	int inside = 0;

	share(s, &lock, on_turn);
	for (int i = 0; i < 2; i++) {
		s[i].inside = &inside;
		loop_arm(s[i].timer, 0);
	}
	run_both(s);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(s[i].calls, TURNS);
		CU_ASSERT_TRUE(s[i].alone);
	}
	CU_ASSERT_EQUAL(pthread_mutex_destroy(&lock), 0); /* EBUSY: it is locked */
}

static void on_ball(void *cookie)
{
	struct sharer *s = cookie;

	loop_arm(s->other->timer, 0);
	if (++s->calls == 100)
		loop_stop(s->loop);
}

static void on_give_up(void *cookie)
{
	loop_stop(cookie);
}

/* Each sleeps until the other's callback has armed its timer, at first with a far deadline, then
 * with none. */
static void timers_armed_by_another_thread_wake_the_loop(void)
{
	for (int far = 1; far >= 0; far--) {
		pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
		struct sharer s[2];

		share(s, &lock, on_ball);
		for (int i = 0; far && i < 2; i++)
			loop_arm(loop_add_timer(s[i].loop, on_give_up, s[i].loop), 5000 * MS);
		loop_arm(s[0].timer, 0);
		run_both(s);
		CU_ASSERT_EQUAL(pthread_mutex_destroy(&lock), 0);
		CU_ASSERT_EQUAL_FATAL(s[0].calls, 100);
		CU_ASSERT_EQUAL_FATAL(s[1].calls, 100);
	}
}

static void nothing_can_be_removed(void)
{
	loop_remove_fd(NULL);
	loop_remove_timer(NULL);
	loop_free(NULL);
}

static const struct unit_test tests[] = {
	{"sources are called", sources_are_called},
	{"events can be changed", events_can_be_changed},
	{"bad descriptors are refused", bad_descriptors_are_refused},
	{"sources removed in callbacks stay silent", sources_removed_in_callbacks_stay_silent},
	{"sources without events are not called", sources_without_events_are_not_called},
	{"busy sources outlive each other", busy_sources_outlive_each_other},
	{"timers fire in order", timers_fire_in_order},
	{"timers are not early", timers_are_not_early},
	{"far and near timers fire", far_and_near_timers_fire},
	{"timers that rearm themselves let others in", timers_that_rearm_themselves_let_others_in},
	{"timers removed in callbacks stay silent", timers_removed_in_callbacks_stay_silent},
	{"stop holds once", stop_holds_once},
	{"waiting costs nothing", waiting_costs_nothing},
	{"loops that share a lock call one at a time", loops_that_share_a_lock_call_one_at_a_time},
	{"timers armed by another thread wake the loop",
	 timers_armed_by_another_thread_wake_the_loop},
	{"nothing can be removed", nothing_can_be_removed},
};
UNIT_SUITE("fw/loop", tests)
