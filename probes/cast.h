/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Kernel memory at a plain address, as the verifier lets it be read in place. For one object alone:
 * the linker of libbpf 1.1 does not accept that two declare the function that allows it.
 */
#ifndef PROBES_CAST_H
#define PROBES_CAST_H

#include "in_place.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define cast(type, address)                                      \
	((const struct type *)bpf_rdonly_cast((void *)(address), \
					      bpf_core_type_id_kernel(struct type)))
#define view(type, address) (CAN_CAST ? cast(type, address) : (const struct type *)(address))
#define field(at, name)	    FIELD_OF(CAN_CAST, at, name)

static __always_inline bool table_has_at(const struct files_struct *files, __u32 fd, __u64 file)
{
	const struct fdtable *fdt = field(files, fdt);
	const struct list_head *at;
	struct file **array;

	if (fd >= field(fdt, max_fds))
		return false;
	array = field(fdt, fd) + fd;
	at = view(list_head, (__u64)array);
	return (__u64)field(at, next) == file;
}

static __always_inline bool has(const struct task_struct *leader, __u64 files, __u32 fd, __u64 file)
{
	const struct files_struct *own = field(leader, files);

	return own && (__u64)own == files && table_has_at(own, fd, file);
}

#endif
