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

/* A set that says nothing: for a process of which nothing can be known. */
static int empty_set(struct process *p, struct objset **out)
{
	process_forget_mappings(p);
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
	r = known ? 0 : process_refresh(ps, p, h, final);
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
