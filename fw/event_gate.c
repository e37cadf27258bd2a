// SPDX-License-Identifier: GPL-2.0-or-later
#include "event_gate.h"

#include "clock.h"

bool event_gate_admits(struct event_gate *g, uint64_t now_ns)
{
	uint64_t second = now_ns / SECOND;

	if (second != g->second) {
		g->second = second;
		g->taken = 0;
	}
	if (g->taken >= g->most)
		return false;
	g->taken++;
	return true;
}
