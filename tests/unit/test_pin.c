/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/pin.h"

#include <stdbool.h>

#include "unit.h"

/* A thread that says where it may run once it is let go, and where one that it starts may. */
struct pinned {
	pthread_t thread;
	pthread_mutex_t *go;
	cpu_set_t own, child;
};

static void *say(void *cookie)
{
	cpu_set_t *may = cookie;

	sched_getaffinity(0, sizeof(*may), may);
	return NULL;
}

static void *wait_and_say(void *cookie)
{
	struct pinned *p = cookie;
	pthread_t child;

	pthread_mutex_lock(p->go);
	pthread_mutex_unlock(p->go);
	say(&p->own);
	if (!pthread_create(&child, NULL, say, &p->child))
		pthread_join(child, NULL);
	return NULL;
}

#define THREADS 3

static void run_pinned(struct pin *pin, struct pinned p[THREADS])
{
	pthread_mutex_t go = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&go);
	CU_ASSERT_EQUAL_FATAL(pin_open(pin), 0);
	for (int i = 0; i < THREADS; i++) {
		p[i].go = &go;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&p[i].thread, NULL, wait_and_say, &p[i]), 0);
		CU_ASSERT_EQUAL(pin_next(pin, p[i].thread), 0);
	}
	pthread_mutex_unlock(&go);
	for (int i = 0; i < THREADS; i++)
		pthread_join(p[i].thread, NULL);
}

/* The processor after `last` of those, after the last the first. */
static int after(int last, const cpu_set_t *all)
{
	do
		last = (last + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(last, all));
	return last;
}

static void in_turn_and_others_free(void)
{
	struct pinned p[THREADS] = {0};
	struct pin pin;
	cpu_set_t all;
	int cpu = -1;

	sched_getaffinity(0, sizeof(all), &all);
	run_pinned(&pin, p);
	for (int i = 0; i < THREADS; i++) {
		cpu = after(cpu, &all);
		CU_ASSERT_EQUAL(CPU_COUNT(&p[i].own), 1);
		CU_ASSERT_TRUE(CPU_ISSET(cpu, &p[i].own));
		CU_ASSERT_TRUE(CPU_EQUAL(&p[i].child, &all));
	}
}

static void of_those_that_may_be_used(void)
{
	struct pinned p[THREADS] = {0};
	cpu_set_t all, one;
	struct pin pin;
	int cpu;

	sched_getaffinity(0, sizeof(all), &all);
	cpu = after(after(-1, &all), &all);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CU_ASSERT_EQUAL_FATAL(sched_setaffinity(0, sizeof(one), &one), 0);
	run_pinned(&pin, p);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(all), &all), 0);
	CU_ASSERT_EQUAL(pin_open(&pin), 0);
	for (int i = 0; i < THREADS; i++) {
		CU_ASSERT_TRUE(CPU_EQUAL(&p[i].own, &one));
		CU_ASSERT_TRUE(CPU_EQUAL(&p[i].child, &one));
	}
}

static const struct unit_test tests[] = {
	{"in turn, and others are free", in_turn_and_others_free},
	{"of those that may be used", of_those_that_may_be_used},
};
UNIT_SUITE("fw/pin", tests)
