// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "common/cleanup.h"
#include "log.h"

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int fail(char err[256], int code, const char *what)
{
	char text[128];

	libbpf_strerror(code, text, sizeof(text)); /* knows libbpf's own codes beside errno's */
	snprintf(err, 256, "%s: %s", what, text);
	return code;
}

/* The system call tracepoints are found through tracefs. */
static void mount_tracefs(void)
{
	if (access("/sys/kernel/tracing/events", F_OK) &&
	    access("/sys/kernel/debug/tracing/events", F_OK))
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

static bool is_cgroup(const struct bpf_program *prog)
{
	return !strncmp(bpf_program__section_name(prog), "cgroup/", 7);
}

/* Programs that are called, not attached: iterators, the prover, the note program, and those that
 * iptables asks. */
static bool is_passive(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);

	return !strncmp(section, "iter/", 5) || !strcmp(section, "syscall") ||
	       !strcmp(section, "netfilter") || !strcmp(section, "socket");
}

static int attach_all(struct probe *p, char err[256])
{
	_cleanup_close_ int cgroup = cgroup_open_root();
	struct bpf_program *prog;

	if (cgroup < 0)
		return fail(err, cgroup, "cannot open the root of the cgroup v2 hierarchy");
	bpf_object__for_each_program(prog, p->object)
	{
		struct bpf_link *link;

		if (is_passive(prog) || !bpf_program__autoload(prog) || probe_watch_has(prog))
			continue;
		if (p->n_links == LINKS_MAX)
			return fail(err, -E2BIG, "too many probes");
		link = is_cgroup(prog) ? bpf_program__attach_cgroup(prog, cgroup)
				       : bpf_program__attach(prog);
		if (!link) {
			snprintf(err, 256, "cannot attach probe %s: %s", bpf_program__name(prog),
				 strerror(errno));
			return -errno;
		}
		p->links[p->n_links++] = link;
	}
	return 0;
}

static int find_map(const struct probe *p, const char *name)
{
	return bpf_object__find_map_fd_by_name(p->object, name);
}

static void *map_memory(const struct probe *p, const char *name, size_t size, int prot)
{
	void *memory = mmap(NULL, size, prot, MAP_SHARED, find_map(p, name), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t page_round(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

#define SETS_SIZE(p)   page_round(sizeof(struct note_set) << (p)->notes.set_bits)
#define HEADS(p)       ((size_t)(p)->notes.cpus << (p)->notes.ring_bits)
#define HEADS_SIZE(p)  page_round(sizeof(struct note_head) * HEADS(p))
#define RESTS_SIZE(p)  page_round(sizeof(struct note_rest) * HEADS(p) / ABI_NOTE_RESTS)
#define PROOF_SIZE     page_round(sizeof(struct proof))
#define MIXED_SIZE     page_round(sizeof(struct note_mixed))
#define WISHES_SIZE    page_round(sizeof(struct wishes))
#define NAMED_SIZE     page_round(sizeof(struct cache_named) * CACHE_HOOKS)
#define CHAINS_SIZE    page_round(sizeof(struct cache_chain) * CACHE_HOOKS)
#define SNAPSHOTS_SIZE page_round(sizeof(struct snapshots))
#define TALLIES_SIZE   page_round(sizeof(struct cache_tally) * ABI_CPUS * ABI_TALLIES)

static void unmap(const void *memory, size_t size)
{
	if (memory)
		munmap((void *)memory, size);
}

static int on_hint(void *context, void *data, size_t size)
{
	struct probe *p = context;

	if (size < sizeof(uint32_t))
		return 0;
	if (*(const uint32_t *)data == HINT_REAP) {
		probe_reap_socks(p);
	} else if (*(const uint32_t *)data == HINT_START) {
		if (size >= sizeof(struct start_hint) && p->start_fn)
			p->start_fn(p->start_cookie, data);
	} else if (size >= sizeof(struct hint) && p->hint_fn) {
		p->hint_fn(p->hint_cookie, data);
	}
	return 0;
}

static int bind_maps(struct probe *p)
{
	p->sock_places = find_map(p, "sock_places");
	p->socks = find_map(p, "socks");
	p->paths = find_map(p, "paths");
	p->crowds = find_map(p, "crowds");
	p->procs = find_map(p, "procs");
	p->ghosts = find_map(p, "ghosts");
	p->former = find_map(p, "former");
	p->exits = find_map(p, "exits");
	p->counters = find_map(p, "counters");
	p->hints = find_map(p, "hints");
	p->global = find_map(p, "global");
	p->prove = bpf_program__fd(bpf_object__find_program_by_name(p->object, "prove_socket"));
	p->deny = bpf_program__fd(bpf_object__find_program_by_name(p->object, "deny_socket"));
	p->reap = bpf_program__fd(bpf_object__find_program_by_name(p->object, "reap_sockets"));
	p->accept_queue =
		bpf_program__fd(bpf_object__find_program_by_name(p->object, "find_accept_queue"));
	p->watch_calls =
		bpf_program__fd(bpf_object__find_program_by_name(p->object, "watch_calls"));
	p->scan_files = bpf_object__find_program_by_name(p->object, "scan_files");
	p->scan_tables = bpf_object__find_program_by_name(p->object, "scan_tables");
	p->scan_tasks = bpf_object__find_program_by_name(p->object, "scan_tasks");
	p->scan_mappings = bpf_object__find_program_by_name(p->object, "scan_mappings");
	if (p->sock_places < 0 || p->socks < 0 || p->paths < 0 || p->crowds < 0 || p->procs < 0 ||
	    p->ghosts < 0 || p->former < 0 || p->exits < 0 || p->counters < 0 || p->hints < 0 ||
	    p->global < 0 || p->prove < 0 || p->deny < 0 || p->reap < 0 || p->watch_calls < 0 ||
	    p->accept_queue < 0 || !p->scan_files || !p->scan_tables || !p->scan_tasks ||
	    !p->scan_mappings)
		return -EBADF;
	p->notes.sets = map_memory(p, "note_sets", SETS_SIZE(p), PROT_READ);
	p->notes.heads = map_memory(p, "notes", HEADS_SIZE(p), PROT_READ);
	p->notes.rests = map_memory(p, "note_rests", RESTS_SIZE(p), PROT_READ);
	p->notes.mixed = map_memory(p, "note_mixed", MIXED_SIZE, PROT_READ);
	p->notes.taken = calloc(HEADS(p), sizeof(*p->notes.taken));
	p->proof = map_memory(p, "proof_out", PROOF_SIZE, PROT_READ);
	p->wishes = map_memory(p, "wishes", WISHES_SIZE, PROT_READ | PROT_WRITE);
	p->classes = find_map(p, "classes");
	p->chains = map_memory(p, "chains", CHAINS_SIZE, PROT_READ | PROT_WRITE);
	p->named = map_memory(p, "named_by", NAMED_SIZE, PROT_READ | PROT_WRITE);
	p->tallies = map_memory(p, "tallies", TALLIES_SIZE, PROT_READ);
	p->snapshots = map_memory(p, "snapshots", SNAPSHOTS_SIZE, PROT_READ);
	p->ring = ring_buffer__new(p->hints, on_hint, p, NULL);
	return p->notes.sets && p->notes.heads && p->notes.rests && p->notes.mixed &&
			       p->notes.taken && p->proof && p->wishes && p->chains && p->named &&
			       p->tallies && p->snapshots && p->ring
		       ? 0
		       : -errno;
}

/* Before any program runs: what they write there is not written over. */
static int begin_global(struct probe *p)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct global_rec global = {0};
	socklen_t size = sizeof(global.own_netns);
	uint64_t cookie;
	uint32_t zero = 0;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		return -errno;
	if (getrandom(&p->notes.secret, sizeof(p->notes.secret), 0) != sizeof(p->notes.secret))
		return -EIO;
	global.own_netns = cookie;
	global.note_secret = p->notes.secret;
	global.note_bits = p->notes.set_bits;
	global.ring_bits = p->notes.ring_bits;
	return bpf_map_update_elem(p->global, &zero, &global, BPF_ANY);
}

int probe_check(char err[256])
{
	libbpf_set_print(quiet);
	if (geteuid() != 0)
		return fail(err, -EPERM, "app-fw must be run as root");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return fail(
			err, -ENOENT,
			"/sys/kernel/btf/vmlinux (kernel type information, CONFIG_DEBUG_INFO_BTF)");
	return 0;
}

/* What it sees is older than the probes, and complete as of its start. */
static int first_scan(struct probe *p)
{
	uint64_t began = clock_boot_ns();
	struct proof none;
	int r = probe_scan_files(p, 0);

	return r ? r : probe_prove(p, 0, began, &none);
}

static int probe_start(struct probe *p, const struct probe_options *options, char err[256])
{
	int r;

	p->cpus = libbpf_num_possible_cpus();
	if (p->cpus < 1)
		return fail(err, p->cpus, "cannot tell how many processors there are");
	p->notes.cpus = p->cpus < ABI_CPUS ? p->cpus : ABI_CPUS;
	p->notes.set_bits = abi_note_set_bits(options->queued_max);
	p->notes.ring_bits = abi_note_ring_bits(p->notes.set_bits, p->notes.cpus);
	r = probe_load(p, options->object);
	if (r)
		return fail(err, r,
			    options->object ? options->object : "cannot load the built-in probes");
	r = bind_maps(p);
	if (r)
		return fail(err, r,
			    options->object ? options->object : "the probes lack a map or program");
	mount_tracefs();
	r = begin_global(p);
	if (r)
		return fail(err, r, "cannot tell the network namespace, or draw a secret");
	r = attach_all(p, err);
	if (r)
		return r;
	r = probe_watch_start(p);
	if (r)
		return fail(err, r, "cannot attach the probes of pidfd_getfd(2)");
	p->notes_here = probe_notes_attach(p);
	if (p->note_source == NOTE_BY_NETFILTER && !p->notes_here) {
		p->note_error = errno;
		log_line("app-fw: the note program cannot be attached: %s",
			 strerror(p->note_error));
		p->note_source = NOTE_BY_NOBODY;
	}
	if (p->note_source == NOTE_BY_NOBODY)
		log_line("app-fw: senders are looked up after the fact");
	r = first_scan(p);
	return r ? fail(err, r, "cannot read the processes' descriptors") : 0;
}

int probe_open(const struct probe_options *options, struct probe **out, char err[256])
{
	struct probe *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return fail(err, -ENOMEM, "probes");
	r = probe_start(p, options, err);
	if (r) {
		probe_close(p);
		return r;
	}
	*out = p;
	return 0;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	probe_cache_unpin(p);
	probe_notes_detach(p->notes_here);
	for (size_t i = 0; i < p->n_links; i++)
		bpf_link__destroy(p->links[i]);
	probe_watch_stop(p);
	ring_buffer__free(p->ring);
	unmap(p->notes.sets, SETS_SIZE(p));
	unmap(p->notes.heads, HEADS_SIZE(p));
	unmap(p->notes.rests, RESTS_SIZE(p));
	unmap((void *)p->notes.mixed, MIXED_SIZE);
	unmap(p->proof, PROOF_SIZE);
	unmap(p->wishes, WISHES_SIZE);
	unmap(p->chains, CHAINS_SIZE);
	unmap(p->named, NAMED_SIZE);
	unmap(p->tallies, TALLIES_SIZE);
	unmap(p->snapshots, SNAPSHOTS_SIZE);
	free(p->notes.taken);
	bpf_object__close(p->object);
	free(p);
}

void probe_on_start(struct probe *p, void (*fn)(void *cookie, const struct start_hint *h),
		    void *cookie)
{
	p->start_fn = fn;
	p->start_cookie = cookie;
}

void probe_want_starts(struct probe *p, bool want)
{
	__atomic_store_n(&p->wishes->starts, want, __ATOMIC_RELAXED);
}

int probe_hints_fd(const struct probe *p)
{
	return ring_buffer__epoll_fd(p->ring);
}

void probe_drain_hints(struct probe *p, void (*fn)(void *cookie, const struct hint *h),
		       void *cookie)
{
	p->hint_fn = fn;
	p->hint_cookie = cookie;
	ring_buffer__consume(p->ring);
}
