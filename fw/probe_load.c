// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "probe.skel.h"

/* What tells of mappings: the lock of the memory, from linux 6.14 on; before, the calls. And who
 * comes to hold a socket: what he does with it, and messages; before linux 6.17, the calls. */
struct alternative {
	const char *program;
	bool calls;
};

static const struct alternative mappings[] = {
	{"lock_wanted", false},	      {"lock_released", false}, {"enter_mmap", true},
	{"exit_mmap", true},	      {"enter_mprotect", true}, {"exit_mprotect", true},
	{"enter_shmat", true},	      {"exit_shmat", true},	{"enter_pkey_mprotect", true},
	{"exit_pkey_mprotect", true}, {"enter_mremap", true},
};

static const struct alternative givings[] = {
	{"message_sent", false}, {"message_received", false}, {"exit_accept", true},
	{"exit_accept4", true},	 {"exit_sendmsg", true},      {"exit_sendmmsg", true},
	{"exit_recvmsg", true},	 {"exit_recvmmsg", true},
};

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

static const struct btf_type *type_by_name(const struct btf *btf, const char *name, __u32 kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

/*
 * Whether the kernel tells who is about to take which lock, and nothing else: before linux 6.14
 * there was a path between the two arguments. They are a function's, after its first.
 */
static bool tells_of_locks(const struct btf *btf)
{
	const struct btf_type *t =
		type_by_name(btf, "btf_trace_mmap_lock_start_locking", BTF_KIND_TYPEDEF);

	t = t ? btf__type_by_id(btf, t->type) : NULL; /* a pointer to it */
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	return t && btf_is_func_proto(t) && btf_vlen(t) == 3;
}

static bool is_member(const struct btf *btf, const struct btf_member *m, const char *name)
{
	return !strcmp(btf__name_by_offset(btf, m->name_off), name);
}

/* Of the type itself, or of a struct or union without a name in it. */
static bool has_member(const struct btf *btf, const char *type, const char *name)
{
	const struct btf_type *t = type_by_name(btf, type, BTF_KIND_STRUCT);

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_type *inner = btf__type_by_id(btf, btf_members(t)[i].type);
		bool is_open = is_member(btf, &btf_members(t)[i], "") && btf_is_composite(inner);

		if (is_member(btf, &btf_members(t)[i], name))
			return true;
		for (int j = 0; is_open && j < btf_vlen(inner); j++)
			if (is_member(btf, &btf_members(inner)[j], name))
				return true;
	}
	return false;
}

/* Also whether it marks which mappings are written to while the lock is held: CONFIG_PER_VMA_LOCK.
 */
static bool tells_of_mappings(const struct btf *btf)
{
	return tells_of_locks(btf) && has_member(btf, "vm_area_struct", "vm_lock_seq");
}

/* Of messages from linux 6.3 on; and from 6.17 on, of whom nothing was taken by pidfd_getfd(2). */
static bool tells_of_givings(const struct btf *btf)
{
	return type_by_name(btf, "btf_trace_sock_send_length", BTF_KIND_TYPEDEF) &&
	       type_by_name(btf, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF) &&
	       has_member(btf, "pid", "attr");
}

static int choose(struct bpf_object *object, const struct alternative *all, size_t n, bool calls)
{
	for (size_t i = 0; i < n; i++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(object, all[i].program);

		if (!prog)
			return -EBADF;
		bpf_program__set_autoload(prog, all[i].calls == calls);
	}
	return 0;
}

/* What this kernel tells without having its system calls traced. */
struct telling {
	bool mappings, givings;
};

static int choose_programs(struct bpf_object *object, const struct telling *t)
{
	int r = choose(object, mappings, sizeof(mappings) / sizeof(mappings[0]), !t->mappings);

	return r ? r : choose(object, givings, sizeof(givings) / sizeof(givings[0]), !t->givings);
}

static int set_entries(struct bpf_object *object, const char *name, uint32_t n)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? bpf_map__set_max_entries(map, n) : -EBADF;
}

static int make_room_for_notes(const struct probe *p)
{
	const struct note_table *t = &p->notes;
	uint32_t heads = t->cpus << t->ring_bits;
	int r = set_entries(p->object, "note_sets", 1u << t->set_bits);

	r = r ? r : set_entries(p->object, "notes", heads);
	return r ? r : set_entries(p->object, "note_rests", heads / ABI_NOTE_RESTS);
}

/* Opens and loads, with one of the note programs or none. */
static int load_object(struct probe *p, const char *path, const struct telling *t,
		       enum note_source source)
{
	struct bpf_program *note, *queued;
	int r;

	p->object = open_object(path);
	if (!p->object)
		return -errno;
	note = bpf_object__find_program_by_name(p->object, NOTE_PROGRAM);
	queued = bpf_object__find_program_by_name(p->object, NOTE_QUEUED_PROGRAM);
	if (!note || !queued)
		return -EBADF;
	bpf_program__set_type(note, PROG_TYPE_NETFILTER);
	bpf_program__set_expected_attach_type(note, ATTACH_TYPE_NETFILTER);
	bpf_program__set_autoload(note, source == NOTE_BY_NETFILTER);
	bpf_program__set_autoload(queued, source == NOTE_BY_QUEUE);
	r = choose_programs(p->object, t);
	r = r ? r : make_room_for_notes(p);
	r = r ? r : bpf_object__load(p->object);
	if (r) {
		bpf_object__close(p->object);
		p->object = NULL;
	}
	p->note_source = source;
	return r;
}

int probe_load(struct probe *p, const char *path)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct telling t = {.mappings = btf && tells_of_mappings(btf),
			    .givings = btf && tells_of_givings(btf)};
	int r = load_object(p, path, &t, NOTE_BY_NETFILTER);

	btf__free(btf);
	p->calls_map = !t.mappings;
	p->calls_give = !t.givings;
	if (r == -EINVAL || r == -EPERM || r == -E2BIG)
		r = load_object(p, path, &t, NOTE_BY_QUEUE);
	if (r == -EINVAL || r == -EPERM || r == -E2BIG || r == -ESRCH || r == -ENOENT)
		r = load_object(p, path, &t, NOTE_BY_NOBODY);
	return r;
}
