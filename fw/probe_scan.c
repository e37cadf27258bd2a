// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"

#define OWN_VMAS 1024 /* executable mappings of the daemon itself */

int probe_prove(struct probe *p, uint64_t cookie, uint64_t scanned_ns, struct proof *out)
{
	struct prove_args args = {.cookie = cookie, .scanned_ns = scanned_ns};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int r = bpf_prog_test_run_opts(p->prove, &opts);

	if (r)
		return r;
	memcpy(out, p->proof, sizeof(*out));
	if (out->watch_wanted)
		probe_watch_wanted(p);
	return 0;
}

uint64_t probe_accept_queue(struct probe *p, uint64_t listener, uint64_t connection)
{
	struct queue_args args = {.listener = listener, .connection = connection};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	return bpf_prog_test_run_opts(p->accept_queue, &opts) ? 0 : args.waits_for;
}

int probe_cover_all(struct probe *p)
{
	struct prove_args args = {.everywhere = 1};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	return bpf_prog_test_run_opts(p->prove, &opts);
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

/* Runs an iterator. Whether it has written something, or -errno. */
static int run_iterator(struct bpf_program *prog, uint32_t tgid)
{
	_cleanup_close_ int fd = iterate(prog, tgid);
	bool wrote = false;
	char bytes[64];
	ssize_t n;

	if (fd < 0)
		return fd;
	/* EAGAIN: a million items without output, or a part of one; the next read goes on from
	 * there. */
	do {
		n = read(fd, bytes, sizeof(bytes));
		wrote |= n > 0;
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	return n < 0 ? -errno : wrote;
}

int probe_scan_files(struct probe *p, uint32_t tgid)
{
	int r = run_iterator(p->scan_tasks, tgid);

	r = r < 0 ? r : run_iterator(p->scan_tables, tgid);
	return r <= 0 ? r : run_iterator(p->scan_files, tgid);
}

/* Whether the last of them, of which there are so many bytes, says that it is the last. */
static bool has_end(const struct vma_rec *v, size_t bytes)
{
	return bytes >= sizeof(*v) && !v[bytes / sizeof(*v) - 1].end;
}

int probe_scan_mappings(struct probe *p, uint32_t tgid, struct vma_rec *out, size_t max)
{
	_cleanup_close_ int fd = iterate(p->scan_mappings, tgid);
	size_t size = max * sizeof(*out), have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	while (have < size && !has_end(out, have) &&
	       (n = read(fd, (char *)out + have, size - have)) > 0)
		have += n;
	if (n < 0)
		return -errno;
	if (has_end(out, have))
		return (int)(have / sizeof(*out)) - 1;
	return have == size ? -E2BIG : (int)(have / sizeof(*out));
}

static int find_mapping(const struct vma_rec *v, int n, uint64_t address, struct object_key *out)
{
	for (; n > 0; n--, v++)
		if (v->start <= address && address < v->end && v->flags & VMA_OBJECT) {
			*out = v->object;
			return 0;
		}
	return n < 0 ? n : -ESRCH;
}

/* Whether user space is given other device numbers there than the kernel has. To map what lies on
 * another file system, a FUSE server's say, may block all who use this process's memory. */
static bool is_renumbered(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) &&
	       (fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC);
}

int probe_identify(struct probe *p, int fd, struct object_key *out)
{
	_cleanup_free_ struct vma_rec *own = calloc(OWN_VMAS, sizeof(*own));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at;
	int n;

	if (!is_renumbered(fd))
		return -ESTALE;
	if (!own)
		return -ENOMEM;
	at = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	n = probe_scan_mappings(p, (uint32_t)getpid(), own, OWN_VMAS);
	n = find_mapping(own, n, (uint64_t)(uintptr_t)at, out);
	munmap(at, page);
	return n;
}
