// SPDX-License-Identifier: GPL-2.0-or-later
#include "pause.h"

static void look_at_gap(struct pause *p, bool apart)
{
	p->far = apart ? p->far + 1 : 0;
	p->near = apart ? 0 : p->near + 1;
	if (p->far == PAUSE_CALM_BURSTS)
		p->calm = true;
	if (p->near == PAUSE_BUSY_BURSTS)
		p->calm = false;
}

bool pause_is_calm(const struct pause *p)
{
	return p->calm;
}

bool pause_is_due(struct pause *p, uint32_t packets, uint64_t began_ns, uint64_t ended_ns)
{
	bool apart = began_ns - p->ended_ns > PAUSE_APART_NS;

	if (!packets)
		return false;
	p->ended_ns = ended_ns;
	look_at_gap(p, apart);
	if (packets >= PAUSE_BURST || apart)
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
