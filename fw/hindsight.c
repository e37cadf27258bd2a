// SPDX-License-Identifier: GPL-2.0-or-later
#include "hindsight.h"

#define BIRTHS_MAX 64
#define BIRTH_NS   200000ull /* from a process's start time to the end of fork(2), as a rule */

uint32_t hindsight_unexplained(const struct answer *a)
{
	uint32_t sum = a->matched + a->calls + a->leaving;

	if (a->marks & MARK_UNCLEAR)
		return UINT32_MAX;
	return a->references > sum ? a->references - sum : 0;
}

bool hindsight_nobody(const struct answer *a)
{
	return a->references <= 1 && !a->n_holders && !a->matched && !a->lost && !a->leaving;
}

bool hindsight_acceptor(struct probe *probe, uint64_t cookie, const struct question *q,
			struct note_holder *out)
{
	struct sock_rec rec;
	struct proc_rec proc;

	if (!q->noted || !q->nobody || probe_sock(probe, cookie, &rec) ||
	    rec.accepted_ns <= q->sent_ns || probe_proc(probe, rec.creator, &proc) ||
	    proc.start_ns > q->sent_ns)
		return false;
	*out = note_holder_of(rec.creator, &proc);
	return true;
}

/* Whether it was forked since the packet was sent, or was being forked then. */
static bool is_newborn(const struct question *q, uint64_t start_ns)
{
	return start_ns + BIRTH_NS > q->sent_ns;
}

/* A process that was being forked from one of those who were seen, as the packet was sent. */
static bool was_being_born(struct probe *probe, const struct question *q,
			   const struct attribution *a, const struct note_holder *h)
{
	struct proc_rec proc;

	return is_newborn(q, h->start_ns) && !probe_proc(probe, h->tgid, &proc) &&
	       attribution_saw(a, proc.ppid);
}

uint32_t hindsight_births(struct probe *probe, const struct question *q,
			  const struct attribution *a)
{
	struct proc_rec parent, child;
	uint32_t n = 0;

	for (size_t i = 0; i < a->n_seen; i++) {
		if (probe_proc(probe, a->seen[i].tgid, &parent))
			continue;
		for (uint32_t tgid = parent.last_child; tgid && n < BIRTHS_MAX;
		     tgid = child.elder) {
			if (probe_proc(probe, tgid, &child) || !is_newborn(q, child.start_ns))
				break;
			n += !attribution_saw(a, tgid);
		}
	}
	return n;
}

static bool is_gone(struct probe *probe, const struct note_holder *h)
{
	struct proc_rec proc;

	return probe_proc_started(probe, h->tgid, h->start_ns, &proc) || (proc.flags & PROC_EXITED);
}

bool hindsight_all_seen(struct probe *probe, const struct question *q, const struct attribution *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct note_holder *h = attribution_holder(a, i);

		if (!attribution_saw(a, h->tgid) && !was_being_born(probe, q, a, h))
			return false;
	}
	for (size_t i = 0; i < a->n_seen; i++)
		if (!attribution_has(a, a->seen[i].tgid) && !is_gone(probe, &a->seen[i]))
			return false;
	return a->n_seen && hindsight_births(probe, q, a) >= q->unexplained;
}

/* Of the program that the process ran as the packet was sent, its last mapping stamp. 0: what it
 * runs now, or it was its parent's then. */
static uint64_t stamp_when_sent(struct probe *probe, const struct question *q,
				const struct note_holder *h)
{
	struct proc_rec rec;
	uint64_t stamp = 0;

	if (probe_proc_started(probe, h->tgid, h->start_ns, &rec))
		return 0;
	while (rec.exec_ns > q->sent_ns && rec.last_start.stamp) {
		stamp = rec.last_start.stamp - 1;
		if (probe_former(probe, &rec))
			return is_newborn(q, h->start_ns) ? 0 : stamp;
	}
	return stamp;
}

void hindsight_programs(struct probe *probe, const struct question *q, struct attribution *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct note_holder *h = a->many ? &a->many[i] : &a->few[i];
		uint64_t stamp = stamp_when_sent(probe, q, h);

		if (!stamp || h->map_stamp <= stamp)
			continue;
		h->map_stamp = stamp;
		h->exec_pages = 0;
	}
}

bool hindsight_may_have_changed(const struct question *q, const struct proof *p)
{
	if (q->now)
		return false;
	if (q->noted)
		return p->changed_ns > q->changed_ns ||
		       hindsight_unexplained(&p->answer) < q->unexplained;
	return p->changed_ns && p->changed_ns + QUEUE_LAG_NS > q->since_ns;
}
