// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "common/cleanup.h"
#include "process_private.h"

#define PAGE	   4096 /* of x86: what exec_pages counts */
#define SCAN_TRIES 2

struct processes *processes_new(struct probe *probe, struct objects *objects, struct stats *stats,
				bool retain)
{
	struct processes *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return NULL;
	ps->probe = probe;
	ps->objects = objects;
	ps->stats = stats;
	ps->retain = retain;
	ps->self = (uint32_t)getpid();
	ps->vmas = malloc(PROCESS_VMAS_MAX * sizeof(*ps->vmas));
	ps->sets = objset_pool_new();
	if (ps->vmas && ps->sets)
		return ps;
	free(ps->vmas);
	objset_pool_free(ps->sets);
	free(ps);
	return NULL;
}

static void forget_sets(struct process *p)
{
	for (int i = 0; i < PROCESS_SETS; i++) {
		objset_unref(p->sets[i].set);
		p->sets[i].set = NULL;
	}
}

static void process_free(struct processes *ps, struct process *p)
{
	HASH_DEL(ps->table, p);
	if (ps->last == p)
		ps->last = NULL;
	forget_sets(p);
	free(p->keys);
	free(p->since);
	free(p);
}

void processes_free(struct processes *ps)
{
	struct process *p, *next;

	if (!ps)
		return;
	HASH_ITER(hh, ps->table, p, next)
	process_free(ps, p);
	objset_pool_free(ps->sets);
	free(ps->vmas);
	free(ps);
}

/* NULL: it is not known. */
static struct process *find(const struct processes *ps, uint32_t tgid, uint64_t start_ns)
{
	struct identity id = {.tgid = tgid, .start_ns = start_ns};
	struct process *p = ps->last;

	if (p && p->id.tgid == tgid && p->id.start_ns == start_ns)
		return p;
	HASH_FIND(hh, ps->table, &id, sizeof(id), p);
	return p;
}

struct process *process_get(struct processes *ps, uint32_t tgid, uint64_t start_ns)
{
	struct process *p = find(ps, tgid, start_ns);

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->id.tgid = tgid;
		p->id.start_ns = start_ns;
		HASH_ADD(hh, ps->table, id, sizeof(p->id), p);
	}
	ps->last = p;
	return p;
}

void processes_distrust(struct processes *ps)
{
	struct process *p, *next;

	ps->distrusted_ns = clock_boot_ns();
	HASH_ITER(hh, ps->table, p, next)
	{
		forget_sets(p);
		p->scan_stamp = 0;
		p->scan_complete = false;
	}
}

/* Where the pages are not known, what was learned last. */
static const struct known_set *find_set(const struct process *p, const struct note_holder *h)
{
	const struct known_set *found = NULL;

	for (int i = 0; i < PROCESS_SETS; i++) {
		const struct known_set *k = &p->sets[i];

		if (k->set && k->stamp == h->map_stamp &&
		    (k->exec_pages == h->exec_pages || !h->exec_pages) &&
		    (!found || k->made_ns > found->made_ns))
			found = k;
	}
	return found;
}

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

/*
 * The state that mattered has passed before it was read: whatever the process has mapped since its
 * exec may have been there, and be gone by now.
 */
static int add_past(struct process *p, const struct proc_rec *rec)
{
	size_t n = rec->n_objects < ABI_OBJECTS ? rec->n_objects : ABI_OBJECTS;

	p->anonymous |= rec->flags & PROC_ANON_EXEC;
	return keep_keys(p, rec->obj, n, true);
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
		n = add_past(p, &after);
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
	size_t n = rec->n_objects < ABI_OBJECTS ? rec->n_objects : ABI_OBJECTS;
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

/* The digests of the last scan as a set, or -EAGAIN while some are on their way. */
static int build_set(struct processes *ps, const struct process *p, bool final, struct objset **out)
{
	_cleanup_free_ struct objset_item *items = calloc(p->n_keys + 1, sizeof(*items));
	const struct object *runs = p->program.ino ? objects_find(ps->objects, &p->program) : NULL;
	struct objset_parts parts = {
		.items = items, .complete = p->scan_complete, .anonymous = p->anonymous};
	struct objset_item program;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_keys; i++) {
		const struct object *obj = objects_find(ps->objects, &p->keys[i]);

		if (obj && obj->state == OBJECT_READY)
			items[parts.n++] = (struct objset_item){obj->digest, obj->path};
		else if (obj && obj->state == OBJECT_PENDING && !final)
			return -EAGAIN;
		else
			parts.complete = false;
	}
	if (runs && runs->state == OBJECT_READY) {
		program = (struct objset_item){runs->digest, runs->path};
		parts.program = &program;
	}
	*out = objset_pool_get(ps->sets, &parts);
	return *out ? 0 : -ENOMEM;
}

static struct known_set *slot_for(struct process *p)
{
	for (int i = 0; i < PROCESS_SETS; i++)
		if (p->sets[i].set && p->sets[i].stamp == p->scan_stamp &&
		    p->sets[i].exec_pages == p->scan_pages)
			return &p->sets[i];
	return &p->sets[p->next_set++ % PROCESS_SETS];
}

static const struct known_set *remember(struct process *p, struct objset *set)
{
	struct known_set *k = slot_for(p);

	objset_unref(k->set);
	*k = (struct known_set){p->scan_stamp, p->scan_pages, p->scan_exec_ns, clock_monotonic_ns(),
				set};
	return k;
}

/*
 * Reads anew what is not of now: what was not known then may be known, or a mapped file be written
 * to since. False: the process has changed or gone, and what was known of it stands.
 */
static bool read_anew(struct processes *ps, struct process *p, const struct known_set *k)
{
	struct proc_rec rec;

	/* The coarse clock may be behind made_ns by a tick. */
	if (clock_coarse_ns() < k->made_ns + OBJECT_RETRY_NS ||
	    probe_proc_started(ps->probe, p->id.tgid, p->id.start_ns, &rec) ||
	    (rec.flags & PROC_EXITED) || rec.map_stamp != k->stamp)
		return false;
	return !process_scan(ps, p, &rec, k->stamp, k->exec_pages, false);
}

/* Reads the mappings unless the last reading is of this state. */
static int refresh(struct processes *ps, struct process *p, const struct note_holder *h, bool final)
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

/* A set that says nothing: for a process of which nothing can be known. */
static int empty_set(struct process *p, struct objset **out)
{
	free(p->keys);
	p->keys = NULL;
	forget_program(p);
	p->scan_complete = false;
	p->scan_stamp = 0;
	*out = objset_new(NULL, 0, false);
	return *out ? 0 : -ENOMEM;
}

int processes_objects(struct processes *ps, const struct note_holder *h, bool final,
		      const struct objset **out)
{
	struct process *p = process_get(ps, h->tgid, h->start_ns);
	const struct known_set *known;
	struct objset *set = NULL;
	int r;

	if (!p)
		return -ENOMEM;
	known = find_set(p, h);
	if (known && !read_anew(ps, p, known)) {
		*out = known->set;
		return 0;
	}
	r = known ? 0 : refresh(ps, p, h, final);
	if (r == -EAGAIN)
		return r;
	r = r ? empty_set(p, &set) : build_set(ps, p, final, &set);
	if (r)
		return r;
	*out = remember(p, set)->set;
	return 0;
}

uint64_t processes_valid_until(struct processes *ps, const struct note_holder *h)
{
	struct process *p = process_get(ps, h->tgid, h->start_ns);
	const struct known_set *known = p ? find_set(p, h) : NULL;

	return known ? known->made_ns + OBJECT_RETRY_NS : 0;
}

/* The names of a hint, in the order of a path. False when they make none that fits. */
static bool hint_path(const struct hint *hint, char path[PATH_MAX])
{
	size_t end = PATH_MAX - 1, used = hint->n_names;

	if (used > sizeof(hint->names) || !used || hint->names[used - 1])
		return false;
	path[end] = 0;
	for (const char *name = hint->names; name < hint->names + used; name += strlen(name) + 1) {
		size_t n = strlen(name);

		if (n + 1 > end)
			return false;
		end -= n;
		memcpy(path + end, name, n);
		path[--end] = '/';
	}
	memmove(path, path + end, PATH_MAX - end);
	return true;
}

/* Hashes ahead what was executed or mapped: a program by its process's own link while it lives,
 * else by the names that the kernel has for it. */
void processes_hint(struct processes *ps, const struct hint *hint)
{
	const struct object *obj = objects_find(ps->objects, &hint->object);
	struct place place = {.pid = hint->tgid, .exe = hint->kind == HINT_EXEC};
	char path[PATH_MAX];

	if (hint->tgid == ps->self || (obj && obj->state != OBJECT_FAILED))
		return;
	if (hint_path(hint, path))
		place.path = strdup(path);
	objects_add(ps->objects, &hint->object, &place, true);
}

static void forget(void *cookie, uint32_t tgid, uint64_t start_ns)
{
	struct processes *ps = cookie;
	struct process *p = find(ps, tgid, start_ns);

	if (p)
		process_free(ps, p);
}

void processes_expire(struct processes *ps, uint64_t before_ns)
{
	probe_reap(ps->probe, before_ns, forget, ps);
}

/* Whether the program of the last scan is the one of that record. */
static bool has_program(const struct process *p, const struct proc_rec *rec)
{
	return p->program.ino && p->scan_stamp >= rec->last_start.stamp &&
	       p->scan_exec_ns == rec->exec_ns;
}

int processes_program(struct processes *ps, uint32_t pid, uint64_t start_ns, uint64_t stamp,
		      struct object_key *out)
{
	struct process *p = find(ps, pid, start_ns);
	struct proc_rec rec;
	bool former;

	/* Each exec gives a stamp of its own. */
	if (p && stamp && p->scan_complete && p->scan_stamp == stamp && p->program.ino) {
		*out = p->program;
		return 0;
	}
	if (!stamp || probe_program(ps->probe, pid, start_ns, stamp, &rec, &former))
		return -ESRCH;
	if (rec.last_start.stamp && rec.n_objects) {
		*out = rec.obj[0];
		return rec.obj[0].ino ? 0 : -ENOENT;
	}
	p = process_get(ps, pid, start_ns);
	if (!p)
		return -ENOMEM;
	if (!has_program(p, &rec) && !former && !(rec.flags & PROC_EXITED))
		process_scan(ps, p, &rec, rec.map_stamp, 0, false);
	if (!has_program(p, &rec))
		return -ENOENT;
	*out = p->program;
	return 0;
}

uint32_t processes_parent(const struct processes *ps, uint32_t pid, uint64_t start_ns)
{
	struct proc_rec rec;

	return probe_proc_started(ps->probe, pid, start_ns, &rec) ? 0 : rec.ppid;
}

const struct object *processes_object(struct processes *ps, uint32_t pid, uint64_t start_ns,
				      const struct sha256 *digest)
{
	const struct process *p = find(ps, pid, start_ns);

	for (size_t i = 0; p && i < p->n_keys; i++) {
		const struct object *obj = objects_find(ps->objects, &p->keys[i]);

		if (obj && obj->state == OBJECT_READY && sha256_cmp(&obj->digest, digest) == 0)
			return obj;
	}
	return NULL;
}

static void learn_one(void *cookie, uint32_t tgid, const struct proc_rec *rec)
{
	struct processes *ps = cookie;
	struct process *p = process_get(ps, tgid, rec->start_ns);

	if (p && !(rec->flags & PROC_EXITED))
		process_scan(ps, p, rec, rec->map_stamp, 0, false);
}

void processes_learn_all(struct processes *ps)
{
	probe_each_proc(ps->probe, learn_one, ps);
}

size_t processes_count(const struct processes *ps)
{
	return HASH_COUNT(ps->table);
}
