// SPDX-License-Identifier: GPL-2.0-or-later
#include "pause.h"

bool pause_is_due(struct pause *p, uint32_t packets, uint64_t now_ns)
{
	uint64_t since_ns = now_ns - p->burst_ns;

	if (!packets)
		return false;
	p->burst_ns = now_ns;
	if (packets >= PAUSE_BURST || since_ns > PAUSE_APART_NS)
		return false;
	if (!p->skip)
		return true;
	p->skip--;
	return false;
}

void pause_took(struct pause *p, uint64_t ns)
{
	if (ns <= PAUSE_LONG_NS) {
		p->last -= (p->last + 3) / 4;
		return;
	}
	p->last = p->last ? p->last * 2 : PAUSE_SKIP_MIN;
	if (p->last > PAUSE_SKIP_MAX)
		p->last = PAUSE_SKIP_MAX;
	p->skip = p->last;
}
