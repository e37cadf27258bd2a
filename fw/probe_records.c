// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"

int probe_proc(const struct probe *p, uint32_t tgid, struct proc_rec *out)
{
	return bpf_map_lookup_elem(p->procs, &tgid, out);
}

int probe_proc_started(const struct probe *p, uint32_t tgid, uint64_t start_ns,
		       struct proc_rec *out)
{
	int r = probe_proc(p, tgid, out);

	if (!r && out->start_ns == start_ns)
		return 0;
	return bpf_map_lookup_elem(p->ghosts, &start_ns, out);
}

int probe_former(const struct probe *p, struct proc_rec *rec)
{
	uint64_t start_ns = rec->start_ns, execve = rec->last_start.stamp;
	int r = bpf_map_lookup_elem(p->former, &execve, rec);

	if (r)
		return r;
	return rec->start_ns == start_ns && rec->last_start.stamp < execve ? 0 : -ESRCH;
}

int probe_program(const struct probe *p, uint32_t tgid, uint64_t start_ns, uint64_t stamp,
		  struct proc_rec *out, bool *former)
{
	int r = probe_proc_started(p, tgid, start_ns, out);

	*former = !r && stamp && stamp < out->last_start.stamp;
	while (!r && stamp && stamp < out->last_start.stamp)
		r = probe_former(p, out);
	return r;
}

int probe_sock(const struct probe *p, uint64_t cookie, struct sock_rec *out)
{
	const uint32_t at = abi_place_of(cookie);
	struct sock_place place;

	if (cookie && !bpf_map_lookup_elem(p->sock_places, &at, &place) && place.cookie == cookie) {
		*out = place.rec;
		return 0;
	}
	return bpf_map_lookup_elem(p->socks, &cookie, out);
}

uint64_t probe_open_socket(const struct probe *p, uint64_t cookie)
{
	uint64_t open;

	return bpf_map_lookup_elem(p->paths, &cookie, &open) ? cookie : open;
}

int probe_roster(const struct probe *p, uint64_t cookie, uint64_t changed_ns,
		 struct sighting out[PROBE_ROSTER_MAX])
{
	struct sock_rec rec;
	struct crowd crowd;
	size_t used, n = 0;
	int r = probe_sock(p, cookie, &rec);

	if (r)
		return r;
	used = rec.used < PROBE_ROSTER_MAX ? rec.used : PROBE_ROSTER_MAX;
	if (used > ABI_SIGHTINGS)
		r = bpf_map_lookup_elem(p->crowds, &cookie, &crowd);
	if (r || (rec.flags & SOCK_CROWDED) || rec.changed_ns != changed_ns)
		return -EAGAIN;
	for (size_t i = 0; i < used; i++) {
		const struct sighting *s =
			i < ABI_SIGHTINGS ? &rec.s[i] : &crowd.s[i - ABI_SIGHTINGS];

		if (s->files)
			out[n++] = *s;
	}
	return (int)n;
}

void probe_each_proc(const struct probe *p,
		     void (*fn)(void *cookie, uint32_t tgid, const struct proc_rec *rec),
		     void *cookie)
{
	uint32_t tgid, next;
	bool more = !bpf_map_get_next_key(p->procs, NULL, &tgid);

	/* The next key is asked for first: fn may delete this one. */
	for (size_t i = 0; more && i < ABI_PROCS; i++, tgid = next) {
		struct proc_rec rec;

		more = !bpf_map_get_next_key(p->procs, &tgid, &next);
		if (!probe_proc(p, tgid, &rec))
			fn(cookie, tgid, &rec);
	}
}

struct reaping {
	struct probe *p;
	uint64_t before_ns;
	void (*fn)(void *cookie, uint32_t tgid, uint64_t start_ns);
	void *cookie;
};

static void reap_one(void *cookie, uint32_t tgid, const struct proc_rec *rec)
{
	const struct reaping *r = cookie;

	if (!(rec->flags & PROC_EXITED) || rec->exit_ns > r->before_ns)
		return;
	bpf_map_delete_elem(r->p->procs, &tgid);
	r->fn(r->cookie, tgid, rec->start_ns);
}

/* Some had no room among the exits: all are looked at, until that one is old enough as well. */
static void reap_unlisted(const struct reaping *r)
{
	struct global_rec global;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(r->p->global, &zero, &global) ||
	    global.unlisted_ns <= r->p->reaped_ns)
		return;
	probe_each_proc(r->p, reap_one, (void *)r);
	r->p->reaped_ns = r->before_ns;
}

/* False: it is not over for long enough. By its record that can be later than what is listed: of
 * its last threads several may be told to be the last. */
static bool reap_listed(const struct reaping *r, const struct exited *e)
{
	struct proc_rec rec;
	bool has;

	if (e->exit_ns > r->before_ns)
		return false;
	has = !probe_proc(r->p, e->tgid, &rec) && rec.start_ns == e->start_ns;
	if (has && rec.exit_ns > r->before_ns)
		return false;
	if (has)
		bpf_map_delete_elem(r->p->procs, &e->tgid);
	r->fn(r->cookie, e->tgid, e->start_ns);
	return true;
}

/* What ran before needs no longer be known than who is dead. */
static void reap_former(const struct probe *p, uint64_t before_ns)
{
	uint64_t stamp, next;
	bool more = !bpf_map_get_next_key(p->former, NULL, &stamp);

	for (size_t i = 0; more && i < ABI_FORMER; i++, stamp = next) {
		struct proc_rec rec;

		more = !bpf_map_get_next_key(p->former, &stamp, &next);
		if (!bpf_map_lookup_elem(p->former, &stamp, &rec) && rec.exit_ns < before_ns)
			bpf_map_delete_elem(p->former, &stamp);
	}
}

void probe_reap(struct probe *p, uint64_t before_ns,
		void (*fn)(void *cookie, uint32_t tgid, uint64_t start_ns), void *cookie)
{
	const struct reaping r = {p, before_ns, fn, cookie};
	struct exited e;

	reap_unlisted(&r);
	while (!bpf_map_lookup_elem(p->exits, NULL, &e) && reap_listed(&r, &e))
		bpf_map_lookup_and_delete_elem(p->exits, NULL, &e);
	reap_former(p, before_ns);
}

uint64_t probe_counter(const struct probe *p, enum probe_counter which)
{
	_cleanup_free_ uint64_t *per_cpu = calloc(p->cpus, sizeof(*per_cpu));
	uint32_t key = which;
	uint64_t sum = 0;

	if (!per_cpu || bpf_map_lookup_elem(p->counters, &key, per_cpu))
		return 0;
	for (int i = 0; i < p->cpus; i++)
		sum += per_cpu[i];
	return sum;
}

uint64_t probe_missed(const struct probe *p)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, p->object)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(prog);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
			sum += info.recursion_misses;
	}
	return sum;
}

/* Keys are at most 8 bytes. */
static size_t count_keys(int map)
{
	uint64_t key = 0, next = 0;
	const void *from = NULL;
	size_t n = 0;

	while (n <= ABI_PROCS && !bpf_map_get_next_key(map, from, &next)) {
		key = next;
		from = &key;
		n++;
	}
	return n;
}

size_t probe_count_procs(const struct probe *p)
{
	return count_keys(p->procs);
}

size_t probe_reap_socks(struct probe *p)
{
	struct reap_args args = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	return bpf_prog_test_run_opts(p->reap, &opts) ? 0 : args.sockets;
}
