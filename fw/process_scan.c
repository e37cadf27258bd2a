// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a process has mapped: as it was written down while it sent, as it is read of who lives, or
 * as the probes have it on record of who is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "process_private.h"

#define PAGE	   4096 /* of x86: what exec_pages counts */
#define SCAN_TRIES 2

static int key_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_key));
}

static size_t unique_keys(struct object_key *keys, size_t n)
{
	size_t kept = 0;

	qsort(keys, n, sizeof(*keys), key_cmp);
	for (size_t i = 0; i < n; i++)
		if (!i || key_cmp(&keys[i], &keys[i - 1]))
			keys[kept++] = keys[i];
	return kept;
}

/* Sees to it that every mapped file is an object. */
static bool learn_mappings(struct processes *ps, const struct vma_rec *v, size_t n)
{
	bool complete = true;

	for (; n; n--, v++) {
		struct place place = {.pid = v->pid, .start = v->start, .end = v->end};
		const struct object *obj;

		if (!(v->flags & VMA_OBJECT))
			continue;
		obj = objects_find(ps->objects, &v->object);
		if ((!obj || obj->state != OBJECT_READY) &&
		    !objects_add(ps->objects, &v->object, &place, false))
			complete = false;
	}
	return complete;
}

/* Since when an object is mapped: as it was known before, else now. */
static time_t since_of(const struct process *p, const struct object_key *key, time_t now)
{
	const struct object_key *k = NULL;

	if (p->keys)
		k = bsearch(key, p->keys, p->n_keys, sizeof(*key), key_cmp);
	return k ? p->since[k - p->keys] : now;
}

/* What was of another program of the same process is no more. */
static void forget_program(struct process *p)
{
	p->n_keys = 0;
	p->anonymous = false;
	p->program = (struct object_key){0};
}

void process_forget_mappings(struct process *p)
{
	free(p->keys);
	p->keys = NULL;
	forget_program(p);
	p->scan_complete = false;
	p->scan_stamp = 0;
}

static int keep_keys(struct process *p, const struct object_key *more, size_t n, bool retain)
{
	time_t now = time(NULL);
	size_t old = retain ? p->n_keys : 0;
	_cleanup_free_ struct object_key *keys = malloc((old + n + 1) * sizeof(*keys));
	_cleanup_free_ time_t *since = malloc((old + n + 1) * sizeof(*since));

	if (!keys || !since)
		return -ENOMEM;
	if (old)
		memcpy(keys, p->keys, old * sizeof(*keys));
	memcpy(keys + old, more, n * sizeof(*keys));
	n = unique_keys(keys, old + n);
	for (size_t i = 0; i < n; i++)
		since[i] = since_of(p, &keys[i], now);
	free(p->keys);
	free(p->since);
	p->keys = TAKE_PTR(keys);
	p->since = TAKE_PTR(since);
	p->n_keys = n;
	return 0;
}

static bool has_anonymous(const struct vma_rec *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].flags & VMA_ANONYMOUS)
			return true;
	return false;
}

static void take_program(struct process *p, const struct vma_rec *v, size_t n)
{
	p->program = (struct object_key){0};
	for (size_t i = 0; i < n; i++)
		if (v[i].flags & VMA_PROGRAM)
			p->program = v[i].object;
}

static int vmas_to_keys(const struct processes *ps, struct process *p, const struct vma_rec *v,
			size_t n)
{
	_cleanup_free_ struct object_key *keys = malloc((n + 1) * sizeof(*keys));
	size_t files = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (v[i].flags & VMA_OBJECT)
			keys[files++] = v[i].object;
	return keep_keys(p, keys, files, ps->retain);
}

/* What a process has mapped, since it executed what it runs at exec_ns. */
static int take_mappings(const struct processes *ps, struct process *p, uint64_t exec_ns,
			 const struct vma_rec *v, size_t n)
{
	if (p->scan_exec_ns != exec_ns)
		forget_program(p);
	p->anonymous = (ps->retain && p->anonymous) || has_anonymous(v, n);
	take_program(p, v, n);
	return vmas_to_keys(ps, p, v, n);
}

/* pages: as the packet was sent with, which may not be those that were read. */
static void scan_done(struct process *p, uint64_t stamp, uint64_t exec_ns, uint64_t pages,
		      bool complete)
{
	p->scan_stamp = stamp;
	p->scan_exec_ns = exec_ns;
	p->scan_pages = pages;
	p->scan_complete = complete;
}

/* How many of its objects the record has room for. */
static size_t n_recorded(const struct proc_rec *rec)
{
	return rec->n_objects < ABI_OBJECTS ? rec->n_objects : ABI_OBJECTS;
}

/*
 * The state that mattered has passed before it was read: whatever the process has mapped since its
 * exec may have been there, and be gone by now. *complete: unless not all of that is on record. Of
 * one that is older than the probes all is that it has mapped since they see it.
 */
static int add_past(struct process *p, const struct proc_rec *rec, bool *complete)
{
	bool elder = !rec->last_start.stamp;

	if (rec->n_objects > ABI_OBJECTS || (!elder && (rec->flags & PROC_OBJECTS_PARTIAL)))
		*complete = false;
	p->anonymous |= rec->flags & PROC_ANON_EXEC;
	return keep_keys(p, rec->obj, n_recorded(rec), true);
}

/*
 * Whether the mappings are not those of that many pages (0: not known). They are read one after the
 * other, and what is unmapped meanwhile stamps nothing. Nor is it enough that the kernel's count is
 * the same: munmap(2) lets readers in before it counts (mm/vma.c, vms_complete_munmap_vmas).
 */
static bool is_other(const struct vma_rec *v, size_t n, uint64_t pages)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].flags & VMA_COUNTED)
			sum += (v[i].end - v[i].start) / PAGE;
	return sum != v[0].exec_pages || sum != v[n - 1].exec_pages || (pages && pages != sum);
}

/* Whether some are of a program that is not on record yet. */
static bool are_ahead(const struct vma_rec *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].flags & VMA_AHEAD)
			return true;
	return false;
}

int process_scan(struct processes *ps, struct process *p, const struct proc_rec *before,
		 uint64_t stamp, uint64_t pages, bool final)
{
	struct proc_rec after;
	bool complete, past;
	int n;

	if (before->in_flight && !final)
		return -EAGAIN;
	n = probe_scan_mappings(ps->probe, p->id.tgid, ps->vmas, PROCESS_VMAS_MAX);
	ps->stats->counter[COUNT_SCAN_MAPS]++;
	complete = n > 0;
	if (n == -E2BIG) {
		ps->stats->counter[COUNT_MAPS_CUT]++;
		n = PROCESS_VMAS_MAX;
	}
	if (n <= 0) /* every process that runs has executable mappings */
		return n ? n : -ESRCH;
	if (are_ahead(ps->vmas, (size_t)n))
		return -ESRCH;
	complete &= learn_mappings(ps, ps->vmas, (size_t)n);
	if (probe_proc(ps->probe, p->id.tgid, &after) || after.start_ns != p->id.start_ns ||
	    (after.flags & PROC_EXITED) || after.last_start.stamp != before->last_start.stamp)
		return -ESRCH;
	if (after.map_stamp != before->map_stamp || after.in_flight) {
		if (!final)
			return -EAGAIN;
		complete = false;
	}
	past = stamp != before->map_stamp || is_other(ps->vmas, (size_t)n, pages);
	pages = pages ? pages : ps->vmas[0].exec_pages;
	n = take_mappings(ps, p, before->exec_ns, ps->vmas, (size_t)n);
	if (!n && past)
		n = add_past(p, &after, &complete);
	if (n)
		return n;
	scan_done(p, before->map_stamp, before->exec_ns, pages, complete);
	return 0;
}

/* What it had mapped as it sent, if the probes have written that down. */
static int take_snapshot(struct processes *ps, struct process *p, const struct note_holder *h)
{
	struct snapshot shot;
	bool complete;
	int r;

	if (!probe_snapshot(ps->probe, h, &shot) || shot.taken_ns <= ps->distrusted_ns ||
	    is_other(shot.mapping, shot.n, h->exec_pages))
		return -ENOENT;
	ps->stats->counter[COUNT_MAPS_TOLD]++;
	complete = learn_mappings(ps, shot.mapping, shot.n);
	r = take_mappings(ps, p, shot.exec_ns, shot.mapping, shot.n);
	if (r)
		return r;
	scan_done(p, h->map_stamp, shot.exec_ns, h->exec_pages, complete);
	return 0;
}

/* A process that is gone, or runs another program now: what the probes wrote down of it before. */
static int scan_past(struct processes *ps, struct process *p, const struct proc_rec *rec)
{
	bool complete = !(rec->flags & PROC_OBJECTS_PARTIAL);
	size_t n = n_recorded(rec);
	int r;

	if (p->scan_exec_ns != rec->exec_ns)
		forget_program(p);
	r = keep_keys(p, rec->obj, n, ps->retain);
	if (r)
		return r;
	p->anonymous = (ps->retain && p->anonymous) || rec->flags & PROC_ANON_EXEC;
	if (n && rec->last_start.stamp) /* an exec that the probes saw puts its program first */
		p->program = rec->obj[0];
	for (size_t i = 0; i < n; i++)
		if (!objects_find(ps->objects, &rec->obj[i]))
			complete = false;
	scan_done(p, rec->map_stamp, rec->exec_ns, 0, complete);
	return 0;
}

int process_refresh(struct processes *ps, struct process *p, const struct note_holder *h,
		    bool final)
{
	struct proc_rec rec;
	bool former;
	int r;

	if (p->n_keys && p->scan_stamp == h->map_stamp && p->scan_complete &&
	    (p->scan_pages == h->exec_pages || !p->scan_pages || !h->exec_pages))
		return 0;
	if (!take_snapshot(ps, p, h))
		return 0;
	/* It may end, or execute another program, as its mappings are read; or have the memory of
	 * one, for as long as the execve takes. */
	for (int tries = 0;; tries++) {
		if (probe_program(ps->probe, p->id.tgid, p->id.start_ns, h->map_stamp, &rec,
				  &former))
			return -ESRCH;
		if (former || (rec.flags & PROC_EXITED) || tries == SCAN_TRIES)
			return scan_past(ps, p, &rec);
		r = process_scan(ps, p, &rec, h->map_stamp, h->exec_pages, final);
		if (r != -ESRCH)
			return r;
	}
}
