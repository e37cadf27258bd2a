// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "probe.skel.h"

/* What sees mapping calls: at the lock of the memory, from linux 6.14 on, or as calls. */
static const struct {
	const char *program;
	bool locks;
} mapping_programs[] = {
	{"lock_wanted", true},	       {"lock_released", true},	  {"enter_mmap", false},
	{"exit_mmap", false},	       {"enter_mprotect", false}, {"exit_mprotect", false},
	{"enter_shmat", false},	       {"exit_shmat", false},	  {"enter_pkey_mprotect", false},
	{"exit_pkey_mprotect", false}, {"enter_mremap", false},
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

/* Whether it marks which mappings are written to while the lock is held: CONFIG_PER_VMA_LOCK. */
static bool marks_mappings(const struct btf *btf)
{
	const struct btf_type *t = type_by_name(btf, "vm_area_struct", BTF_KIND_STRUCT);

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), "vm_lock_seq"))
			return true;
	return false;
}

static bool sees_mappings_at_locks(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool sees = btf && tells_of_locks(btf) && marks_mappings(btf);

	btf__free(btf);
	return sees;
}

static int choose_mapping_programs(struct bpf_object *object, bool locks)
{
	for (size_t i = 0; i < sizeof(mapping_programs) / sizeof(mapping_programs[0]); i++) {
		struct bpf_program *prog =
			bpf_object__find_program_by_name(object, mapping_programs[i].program);

		if (!prog)
			return -EBADF;
		bpf_program__set_autoload(prog, mapping_programs[i].locks == locks);
	}
	return 0;
}

/* Opens and loads, with one of the note programs or none. */
static int load_object(struct probe *p, const char *path, bool locks, enum note_source source)
{
	struct bpf_program *note, *queued;
	struct bpf_map *notes;
	int r;

	p->object = open_object(path);
	if (!p->object)
		return -errno;
	note = bpf_object__find_program_by_name(p->object, NOTE_PROGRAM);
	queued = bpf_object__find_program_by_name(p->object, NOTE_QUEUED_PROGRAM);
	notes = bpf_object__find_map_by_name(p->object, "notes");
	if (!note || !queued || !notes)
		return -EBADF;
	bpf_program__set_type(note, PROG_TYPE_NETFILTER);
	bpf_program__set_expected_attach_type(note, ATTACH_TYPE_NETFILTER);
	bpf_program__set_autoload(note, source == NOTE_BY_NETFILTER);
	bpf_program__set_autoload(queued, source == NOTE_BY_QUEUE);
	r = choose_mapping_programs(p->object, locks);
	r = r ? r : bpf_map__set_max_entries(notes, 1u << p->note_bits);
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
	bool locks = sees_mappings_at_locks();
	int r = load_object(p, path, locks, NOTE_BY_NETFILTER);

	if (r == -EINVAL || r == -EPERM || r == -E2BIG)
		r = load_object(p, path, locks, NOTE_BY_QUEUE);
	if (r == -EINVAL || r == -EPERM || r == -E2BIG || r == -ESRCH || r == -ENOENT)
		r = load_object(p, path, locks, NOTE_BY_NOBODY);
	return r;
}
