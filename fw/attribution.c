// SPDX-License-Identifier: GPL-2.0-or-later
#include "attribution.h"

#include <stdlib.h>
#include <string.h>

void attribution_clear(struct attribution *a)
{
	free(a->many);
	a->many = NULL;
	a->n = 0;
}

void attribution_set(struct attribution *a, enum origin origin)
{
	attribution_clear(a);
	a->origin = origin;
}

void attribution_set_holders(struct attribution *a, const struct note_holder *h, uint32_t n)
{
	attribution_set(a, ORIGIN_KNOWN);
	a->n = n < ABI_HOLDERS ? n : ABI_HOLDERS;
	memcpy(a->few, h, a->n * sizeof(*h));
}

bool attribution_has(const struct attribution *a, uint32_t tgid)
{
	for (size_t i = 0; i < a->n; i++)
		if (attribution_holder(a, i)->tgid == tgid)
			return true;
	return false;
}

bool attribution_add(struct attribution *a, const struct note_holder *h)
{
	if (attribution_has(a, h->tgid))
		return true;
	if (a->n == HOLDERS_MAX)
		return false;
	if (a->n == ABI_SIGHTINGS && !a->many) {
		a->many = calloc(HOLDERS_MAX, sizeof(*a->many));
		if (!a->many)
			return false;
		memcpy(a->many, a->few, sizeof(a->few));
	}
	(a->many ? a->many : a->few)[a->n++] = *h;
	return true;
}

void attribution_set_seen(struct attribution *a, const struct answer *answer)
{
	a->n_seen = answer->n_holders < ABI_HOLDERS ? answer->n_holders : ABI_HOLDERS;
	memcpy(a->seen, answer->holder, a->n_seen * sizeof(a->seen[0]));
}

bool attribution_saw(const struct attribution *a, uint32_t tgid)
{
	for (size_t i = 0; i < a->n_seen; i++)
		if (a->seen[i].tgid == tgid)
			return true;
	return false;
}

/*
 * What was seen when the packet was sent is not undone by what is found later: a holder may have
 * gone meanwhile.
 */
void attribution_add_seen(struct attribution *a)
{
	if (a->origin == ORIGIN_KERNEL)
		return;
	for (size_t i = 0; i < a->n_seen; i++)
		attribution_add(a, &a->seen[i]);
}

void attribution_merge(struct attribution *all, const struct attribution *one)
{
	if (one->origin == ORIGIN_UNKNOWN || all->origin == ORIGIN_KERNEL)
		all->origin = one->origin;
	for (size_t i = 0; i < one->n; i++)
		if (!attribution_add(all, attribution_holder(one, i)))
			all->origin = ORIGIN_UNKNOWN;
}

struct note_holder note_holder_of(uint32_t tgid, const struct proc_rec *proc)
{
	return (struct note_holder){.tgid = tgid,
				    .in_flight = proc->in_flight,
				    .start_ns = proc->start_ns,
				    .map_stamp = proc->map_stamp};
}
