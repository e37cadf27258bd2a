// SPDX-License-Identifier: GPL-2.0-or-later
#include "pin.h"

#include <errno.h>

int pin_open(struct pin *p)
{
	pthread_attr_t attr;
	int r;

	p->last = -1;
	if (sched_getaffinity(0, sizeof(p->all), &p->all))
		return -errno;
	r = pthread_attr_init(&attr);
	if (r)
		return -r;
	r = pthread_attr_setaffinity_np(&attr, sizeof(p->all), &p->all);
	r = r ? r : pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
	return -r;
}

int pin_next(struct pin *p, pthread_t thread)
{
	cpu_set_t one;

	/* There is one: whoever runs has a processor. */
	do
		p->last = (p->last + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(p->last, &p->all));
	CPU_ZERO(&one);
	CPU_SET(p->last, &one);
	return -pthread_setaffinity_np(thread, sizeof(one), &one);
}
