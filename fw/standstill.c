// SPDX-License-Identifier: GPL-2.0-or-later
#include "standstill.h"

void standstill_look(struct standstill *s, uint64_t now_ns)
{
	if (now_ns - s->last_ns > STANDSTILL_NS)
		s->end_ns = now_ns;
	s->last_ns = now_ns;
}

uint64_t standstill_waited(const struct standstill *s, uint64_t then_ns, uint64_t now_ns)
{
	uint64_t from = then_ns > s->end_ns ? then_ns : s->end_ns;

	return now_ns > from ? now_ns - from : 0;
}
