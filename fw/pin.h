/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that are each kept on a processor: sched_setaffinity(2), pthread_setattr_default_np(3).
 */
#ifndef FW_PIN_H
#define FW_PIN_H

#include <pthread.h>
#include <sched.h>

struct pin {
	cpu_set_t all; /* where the process may run, and */
	int last;      /* where the thread before was put */
};

/*
 * From here on a thread that is started without attributes may run on all processors that the
 * calling one may use now, whoever starts it: otherwise it would have those of who starts it. 0 or
 * -errno: -EINVAL where the kernel knows more than CPU_SETSIZE processors.
 */
int pin_open(struct pin *p);

/* Keeps the thread on the next of these processors, after the last on the first. 0 or -errno. */
int pin_next(struct pin *p, pthread_t thread);

#endif
