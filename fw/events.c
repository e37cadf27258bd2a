// SPDX-License-Identifier: GPL-2.0-or-later
#include "events.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "common/cleanup.h"
#include "event_gate.h"
#include "event_ring.h"
#include "facts.h"
#include "log.h"

#define TELL_NS 1000000000ull /* so long what was left out is counted before it is told */

struct events {
	const struct probe *probe;
	struct processes *processes;
	struct objects *objects;
	struct event_ring *ring;
	struct event_log *log;
	bool lines;
	int wake;
	pthread_t thread;
	bool running;
	/* The data thread's. */
	struct event_gate stopped, marked;
	/* Both threads', atomic. */
	uint64_t left_out;
	bool owed, stop; /* owed: the other thread has been woken for what was left out */
	/* The other thread's. */
	uint64_t told;	    /* of left_out */
	uint64_t due_ns;    /* when the rest of it is to be told; 0: nothing is owed */
	struct event count; /* that tells of it */
};

static void wake(const struct events *e)
{
	uint64_t one = 1;

	while (write(e->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void leave_out(struct events *e)
{
	__atomic_add_fetch(&e->left_out, 1, __ATOMIC_RELAXED);
	if (!__atomic_load_n(&e->owed, __ATOMIC_RELAXED) &&
	    !__atomic_exchange_n(&e->owed, true, __ATOMIC_ACQ_REL))
		wake(e);
}

/* Its own facts, as they are now. */
static void read_facts(const struct events *e, struct event_holder *h)
{
	char cgroups[FACTS_CGROUPS_MAX];
	struct facts facts;

	if (!h->whole && !facts_read(e->probe, h->pid, h->start_ns, cgroups, &facts))
		event_take_facts(h, &facts);
}

static void complete(const struct events *e, struct event *event)
{
	for (size_t i = 0; i < event->n; i++)
		read_facts(e, &event->holders[i]);
}

/* In their order: who waits, all after it wait for. */
static void put_settled(struct events *e, bool all)
{
	struct event *event;
	bool put = false;

	while ((event = event_ring_kept(e->ring)) && (event_settle(e->objects, event) || all)) {
		event_ring_put(e->ring);
		put = true;
	}
	if (put)
		wake(e);
}

void events_settle(struct events *e)
{
	put_settled(e, false);
}

void events_tell(struct events *e, const struct event_about *about)
{
	struct event_gate *gate =
		verdict_passes(about->verdict) && !about->signature ? &e->marked : &e->stopped;
	struct event *event = NULL;

	if (event_gate_admits(gate, clock_monotonic_ns()))
		event = event_ring_room(e->ring);
	if (!event) {
		leave_out(e);
		return;
	}
	event_make(e->processes, e->objects, about, clock_real_ns(), event);
	/* Whoever is to be killed now, or sent one packet and left, would be gone when the other
	 * thread asks. */
	if (!event_settle(e->objects, event) || (about->verdict == VERDICT_KILL && about->enforced))
		complete(e, event);
	event_ring_keep(e->ring);
	put_settled(e, false);
}

uint64_t events_left_out(const struct events *e)
{
	return __atomic_load_n(&e->left_out, __ATOMIC_RELAXED);
}

static void publish(struct events *e, const struct event *event)
{
	json_t *json = event_json(event);
	_cleanup_free_ char *text =
		json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	char line[EVENT_LINE_MAX];

	json_decref(json);
	event_line(event, line);
	if (!text || !event_log_add(e->log, text, line))
		leave_out(e);
	if (e->lines)
		log_line("%s", line);
}

static void publish_all(struct events *e)
{
	struct event *event;

	while ((event = event_ring_first(e->ring))) {
		complete(e, event);
		event->seq = event_log_next(e->log);
		publish(e, event);
		event_ring_drop(e->ring);
	}
}

/* Before the count is read: who is left out later wakes us again. */
static void publish_left_out(struct events *e)
{
	uint64_t all;

	__atomic_store_n(&e->owed, false, __ATOMIC_RELEASE);
	all = events_left_out(e);
	e->due_ns = 0;
	if (all == e->told)
		return;
	e->count.kind = EVENT_LEFT_OUT;
	e->count.seq = event_log_next(e->log);
	e->count.time_ns = clock_real_ns();
	e->count.left_out = all - e->told;
	e->told = all;
	publish(e, &e->count);
}

static int wait_ms(struct events *e, uint64_t now_ns)
{
	if (!__atomic_load_n(&e->owed, __ATOMIC_ACQUIRE))
		return -1;
	if (!e->due_ns)
		e->due_ns = now_ns + TELL_NS;
	return now_ns < e->due_ns ? (int)((e->due_ns - now_ns) / 1000000 + 1) : 0;
}

static void *run(void *arg)
{
	struct events *e = arg;
	struct pollfd p = {.fd = e->wake, .events = POLLIN};
	bool stop = false;
	uint64_t n;

	while (!stop) {
		stop = __atomic_load_n(&e->stop, __ATOMIC_ACQUIRE);
		if (!stop && poll(&p, 1, wait_ms(e, clock_monotonic_ns())) > 0 &&
		    read(e->wake, &n, sizeof(n)) < 0)
			continue;
		publish_all(e);
		if (stop || (e->due_ns && clock_monotonic_ns() >= e->due_ns))
			publish_left_out(e);
	}
	return NULL;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	if (e->running) {
		put_settled(e, true);
		__atomic_store_n(&e->stop, true, __ATOMIC_RELEASE);
		wake(e);
		pthread_join(e->thread, NULL);
	}
	event_ring_free(e->ring);
	if (e->wake >= 0)
		close(e->wake);
	free(e);
}

int events_new(const struct probe *probe, struct processes *processes, struct objects *objects,
	       struct event_log *log, bool lines, struct events **out)
{
	struct events *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->probe = probe;
	e->processes = processes;
	e->objects = objects;
	e->log = log;
	e->lines = lines;
	e->stopped.most = EVENTS_STOPPED;
	e->marked.most = EVENTS_MARKED;
	e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->ring = event_ring_new(EVENTS_RING);
	r = e->wake < 0 || !e->ring ? -errno : -pthread_create(&e->thread, NULL, run, e);
	if (r) {
		events_free(e);
		return r;
	}
	e->running = true;
	*out = e;
	return 0;
}
