// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "common/cleanup.h"
#include "log.h"
#include "probe.skel.h"

/* include/uapi/linux/bpf.h of linux 6.4; libbpf 1.1 and its headers do not have them. */
#define PROG_TYPE_NETFILTER   32
#define ATTACH_TYPE_NETFILTER 45

#define NF_INET_LOCAL_IN  1
#define NF_INET_LOCAL_OUT 3
#define NF_PRIORITY_FIRST (-1)	/* just before the filter table */
#define NF_PRIORITY_LAST  (-32) /* past DNAT */

#define NOTE_PROGRAM "note_packet"
#define LINKS_MAX    40
#define NOTE_LINKS   4

/* The links of the note program in one network namespace. */
struct probe_notes {
	int link[NOTE_LINKS];
};

struct probe {
	struct bpf_object *object;
	struct bpf_link *links[LINKS_MAX];
	size_t n_links;
	struct probe_notes *notes_here; /* in our own namespace; NULL: not possible */
	struct ring_buffer *ring;
	const struct note_set *notes;	  /* ABI_NOTE_SETS */
	uint64_t (*given)[ABI_NOTE_WAYS]; /* seq of each note that was given out */
	const struct proof *proof;	  /* 1 */
	int socks, crowds, procs, ghosts, counters, hints, global;
	struct bpf_program *scan_files, *scan_tasks, *scan_mappings;
	int prove;
	int cpus;
	void (*hint_fn)(void *cookie, const struct hint *h);
	void *hint_cookie;
};

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

static struct bpf_object *open_object(const char *path)
{
	size_t size = 0;
	const void *bytes;
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "app_fw");

	if (path)
		return bpf_object__open_file(path, &opts);
	bytes = probe_skel__elf_bytes(&size);
	return bpf_object__open_mem(bytes, size, &opts);
}

/* Opens and loads, with the note program where the kernel can run it. */
static int load_object(struct probe *p, const char *path, bool with_notes)
{
	struct bpf_program *note;
	int r;

	p->object = open_object(path);
	if (!p->object)
		return -errno;
	note = bpf_object__find_program_by_name(p->object, NOTE_PROGRAM);
	if (!note)
		return -EBADF;
	bpf_program__set_type(note, PROG_TYPE_NETFILTER);
	bpf_program__set_expected_attach_type(note, ATTACH_TYPE_NETFILTER);
	bpf_program__set_autoload(note, with_notes);
	r = bpf_object__load(p->object);
	if (r) {
		bpf_object__close(p->object);
		p->object = NULL;
	}
	return r;
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

/* Programs that are called, not attached: iterators, the prover, the note program. */
static bool is_passive(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);

	return !strncmp(section, "iter/", 5) || !strcmp(section, "syscall") ||
	       !strcmp(section, "netfilter");
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

		if (is_passive(prog))
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

/* BPF_LINK_CREATE for netfilter, whose part of union bpf_attr these headers do not know. */
static int attach_note_at(int prog_fd, uint32_t family, uint32_t hook, int32_t priority)
{
	struct {
		uint32_t prog_fd, target_fd, attach_type, flags;
		uint32_t family, hook;
		int32_t priority;
		uint32_t netfilter_flags;
		uint64_t rest[8];
	} attr = {
		.prog_fd = prog_fd,
		.attach_type = ATTACH_TYPE_NETFILTER,
		.family = family,
		.hook = hook,
		.priority = priority,
	};

	return syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

/* A priority is one program's: another daemon, or one that is not quite gone, may have the first.
 */
static int attach_note(int prog_fd, uint32_t family, uint32_t hook)
{
	int32_t priority = NF_PRIORITY_FIRST;
	int link;

	do
		link = attach_note_at(prog_fd, family, hook, priority);
	while (link < 0 && errno == EBUSY && --priority >= NF_PRIORITY_LAST);
	return link;
}

struct probe_notes *probe_notes_attach(struct probe *p)
{
	static const struct {
		uint32_t family, hook;
	} at[NOTE_LINKS] = {
		{2 /* NFPROTO_IPV4 */, NF_INET_LOCAL_OUT},
		{2, NF_INET_LOCAL_IN},
		{10 /* NFPROTO_IPV6 */, NF_INET_LOCAL_OUT},
		{10, NF_INET_LOCAL_IN},
	};
	int prog = bpf_program__fd(bpf_object__find_program_by_name(p->object, NOTE_PROGRAM));
	struct probe_notes *n = calloc(1, sizeof(*n));
	bool all = n && prog >= 0;

	for (size_t i = 0; n && i < NOTE_LINKS; i++) {
		n->link[i] = all ? attach_note(prog, at[i].family, at[i].hook) : -1;
		all = all && n->link[i] >= 0;
	}
	if (all)
		return n;
	probe_notes_detach(n);
	return NULL;
}

void probe_notes_detach(struct probe_notes *n)
{
	for (size_t i = 0; n && i < NOTE_LINKS; i++)
		if (n->link[i] >= 0)
			close(n->link[i]);
	free(n);
}

static int find_map(const struct probe *p, const char *name)
{
	return bpf_object__find_map_fd_by_name(p->object, name);
}

static const void *map_memory(const struct probe *p, const char *name, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, find_map(p, name), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t page_round(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static int on_hint(void *context, void *data, size_t size)
{
	struct probe *p = context;

	if (size >= sizeof(struct hint) && p->hint_fn)
		p->hint_fn(p->hint_cookie, data);
	return 0;
}

static int bind_maps(struct probe *p)
{
	p->socks = find_map(p, "socks");
	p->crowds = find_map(p, "crowds");
	p->procs = find_map(p, "procs");
	p->ghosts = find_map(p, "ghosts");
	p->counters = find_map(p, "counters");
	p->hints = find_map(p, "hints");
	p->global = find_map(p, "global");
	p->prove = bpf_program__fd(bpf_object__find_program_by_name(p->object, "prove_socket"));
	p->scan_files = bpf_object__find_program_by_name(p->object, "scan_files");
	p->scan_tasks = bpf_object__find_program_by_name(p->object, "scan_tasks");
	p->scan_mappings = bpf_object__find_program_by_name(p->object, "scan_mappings");
	p->cpus = libbpf_num_possible_cpus();
	if (p->socks < 0 || p->crowds < 0 || p->procs < 0 || p->ghosts < 0 || p->counters < 0 ||
	    p->hints < 0 || p->global < 0 || p->prove < 0 || !p->scan_files || !p->scan_tasks ||
	    !p->scan_mappings || p->cpus < 1)
		return -EBADF;
	p->notes = map_memory(p, "notes", page_round(sizeof(struct note_set) * ABI_NOTE_SETS));
	p->proof = map_memory(p, "proof_out", page_round(sizeof(struct proof)));
	p->ring = ring_buffer__new(p->hints, on_hint, p, NULL);
	p->given = calloc(ABI_NOTE_SETS, sizeof(*p->given));
	return p->notes && p->proof && p->ring && p->given ? 0 : -errno;
}

/* Before any program runs: what they write there is not written over. */
static int cover_own_netns(const struct probe *p)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct global_rec global = {0};
	socklen_t size = sizeof(global.own_netns);
	uint64_t cookie;
	uint32_t zero = 0;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		return -errno;
	global.own_netns = cookie;
	return bpf_map_update_elem(p->global, &zero, &global, BPF_ANY);
}

static int check_kernel(char err[256])
{
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
	int r = load_object(p, options->object, true);

	if (r == -EINVAL || r == -EPERM || r == -E2BIG) {
		log_line("app-fw: the note program is refused (%s): senders are looked up after "
			 "the fact",
			 strerror(-r));
		r = load_object(p, options->object, false);
	}
	if (r)
		return fail(err, r,
			    options->object ? options->object : "cannot load the built-in probes");
	r = bind_maps(p);
	if (r)
		return fail(err, r,
			    options->object ? options->object : "the probes lack a map or program");
	mount_tracefs();
	r = cover_own_netns(p);
	if (r)
		return fail(err, r, "cannot tell the network namespace");
	r = attach_all(p, err);
	if (r)
		return r;
	p->notes_here = probe_notes_attach(p);
	if (!p->notes_here)
		log_line("app-fw: the note program cannot be attached (%s): senders are looked up "
			 "after the fact",
			 strerror(errno));
	r = first_scan(p);
	return r ? fail(err, r, "cannot read the processes' descriptors") : 0;
}

int probe_open(const struct probe_options *options, struct probe **out, char err[256])
{
	struct probe *p;
	int r = check_kernel(err);

	if (r)
		return r;
	libbpf_set_print(quiet);
	p = calloc(1, sizeof(*p));
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
	probe_notes_detach(p->notes_here);
	for (size_t i = 0; i < p->n_links; i++)
		bpf_link__destroy(p->links[i]);
	ring_buffer__free(p->ring);
	if (p->notes)
		munmap((void *)p->notes, page_round(sizeof(struct note_set) * ABI_NOTE_SETS));
	if (p->proof)
		munmap((void *)p->proof, page_round(sizeof(struct proof)));
	free(p->given);
	bpf_object__close(p->object);
	free(p);
}

bool probe_has_notes(const struct probe *p)
{
	return p->notes_here;
}

/* A copy that no writer touched meanwhile. */
static bool read_note(const struct note_set *set, size_t way, uint64_t print, struct note *out)
{
	const struct note *slot = &set->way[way];
	uint64_t seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);

	if ((seq & 1) || __atomic_load_n(&set->print[way], __ATOMIC_RELAXED) != print)
		return false;
	memcpy(out, slot, offsetof(struct note, holder));
	if (out->n_holders > ABI_HOLDERS)
		return false;
	memcpy(out->holder, slot->holder, out->n_holders * sizeof(out->holder[0]));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&slot->seq, __ATOMIC_RELAXED) == seq;
}

bool probe_note(struct probe *p, uint64_t print, uint8_t hook, struct note *out)
{
	uint64_t at = abi_print_at(print, hook);
	const struct note_set *set = &p->notes[at & (ABI_NOTE_SETS - 1)];
	uint64_t *given = p->given[at & (ABI_NOTE_SETS - 1)];
	int oldest = -1;

	for (int i = 0; i < ABI_NOTE_WAYS; i++) {
		struct note n;

		if (set->print[i] != at || set->way[i].seq == given[i] ||
		    !read_note(set, i, at, &n) || (oldest >= 0 && n.when_ns > out->when_ns))
			continue;
		*out = n;
		oldest = i;
	}
	if (oldest >= 0)
		given[oldest] = out->seq;
	return oldest >= 0;
}

int probe_prove(struct probe *p, uint64_t cookie, uint64_t scanned_ns, struct proof *out)
{
	struct prove_args args = {.cookie = cookie, .scanned_ns = scanned_ns};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int r = bpf_prog_test_run_opts(p->prove, &opts);

	if (r)
		return r;
	memcpy(out, p->proof, sizeof(*out));
	return 0;
}

int probe_cover_all(struct probe *p)
{
	struct prove_args args = {.everywhere = 1};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	return bpf_prog_test_run_opts(p->prove, &opts);
}

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

int probe_sock(const struct probe *p, uint64_t cookie, struct sock_rec *out)
{
	return bpf_map_lookup_elem(p->socks, &cookie, out);
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

void probe_reap(struct probe *p, uint64_t age_ns,
		void (*fn)(void *cookie, uint32_t tgid, uint64_t start_ns), void *cookie)
{
	struct reaping r = {p, clock_boot_ns() - age_ns, fn, cookie};

	probe_each_proc(p, reap_one, &r);
}

/* Opens one pass of an iterator, over one process or all (0). A descriptor, or -errno. */
static int iterate(struct bpf_program *prog, uint32_t tgid)
{
	union bpf_iter_link_info info = {.task = {.pid = tgid}};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(prog, tgid ? &opts : NULL);
	int fd, error;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	error = errno;
	bpf_link__destroy(link);
	return fd < 0 ? -error : fd;
}

/* Runs an iterator that prints nothing. */
static int run_iterator(struct bpf_program *prog, uint32_t tgid)
{
	_cleanup_close_ int fd = iterate(prog, tgid);
	char byte;
	ssize_t n;

	if (fd < 0)
		return fd;
	/* EAGAIN: a million items without output; the next read goes on from there. */
	do
		n = read(fd, &byte, 1);
	while (n < 0 && (errno == EAGAIN || errno == EINTR));
	return n < 0 ? -errno : 0;
}

int probe_scan_files(struct probe *p, uint32_t tgid)
{
	int r = run_iterator(p->scan_tasks, tgid);

	return r ? r : run_iterator(p->scan_files, tgid);
}

int probe_scan_mappings(struct probe *p, uint32_t tgid, struct vma_rec *out, size_t max)
{
	_cleanup_close_ int fd = iterate(p->scan_mappings, tgid);
	size_t size = max * sizeof(*out), have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	while (have < size && (n = read(fd, (char *)out + have, size - have)) > 0)
		have += n;
	if (n < 0)
		return -errno;
	return have == size ? -E2BIG : (int)(have / sizeof(*out));
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

	while (n <= ABI_SOCKS && !bpf_map_get_next_key(map, from, &next)) {
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

size_t probe_count_socks(const struct probe *p)
{
	return count_keys(p->socks);
}
