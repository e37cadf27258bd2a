// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See in_place.h. */
#include "in_place.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define cast(type, address)                                      \
	((const struct type *)bpf_rdonly_cast((void *)(address), \
					      bpf_core_type_id_kernel(struct type)))

int holder_holds(const struct memo_holder *h, __u64 file)
{
	const struct task_struct *task;
	const struct files_struct *files;
	const struct mm_struct *mm;
	const struct fdtable *fdt;
	const struct file *found = NULL;

	if (!h)
		return PCOUNT_CACHE_HOLDERS;
	task = cast(task_struct, h->task);
	files = task->files;
	mm = task->mm;
	if ((__u64)files != h->files || !files || !mm)
		return PCOUNT_CACHE_HOLDERS;
	if (mm->exec_vm != h->who.exec_pages)
		return PCOUNT_CACHE_MAPPINGS;
	fdt = files->fdt;
	if (!fdt || h->fd >= fdt->max_fds)
		return PCOUNT_CACHE_HOLDERS;
	if (bpf_probe_read_kernel(&found, sizeof(found), fdt->fd + h->fd) || (__u64)found != file)
		return PCOUNT_CACHE_HOLDERS;
	return PCOUNT_COUNT;
}

int mapping_is_made(__u64 at, __u32 sequence)
{
	const struct vm_area_struct *vma = cast(vm_area_struct, at);

	return vma->vm_lock_seq == sequence && (vma->vm_flags & VM_EXEC);
}

int mapping_view(struct view *v, __u64 at)
{
	if (v)
		view_of(v, cast(vm_area_struct, at));
	return 0;
}
