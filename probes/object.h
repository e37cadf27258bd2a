/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is mapped: the identity of the file behind it, and what of it is of no file. */
#ifndef PROBES_OBJECT_H
#define PROBES_OBJECT_H

#include <linux/magic.h>

#include "kernel.h"
#include "common/probe_abi.h"

static __always_inline bool is_remote(unsigned long magic)
{
	switch (magic) {
	case FUSE_SUPER_MAGIC:
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case V9FS_MAGIC:
	case AFS_SUPER_MAGIC:
	case AFS_FS_MAGIC:
	case CEPH_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
		return true;
	}
	return false;
}

/* typed, a constant: `file` is what the verifier knows as one. */
static __always_inline void object_key_read(struct object_key *key, const struct file *file,
					    bool typed)
{
	const struct inode *inode = FIELD_OF(typed, file, f_inode);
	const struct super_block *sb = FIELD_OF(typed, inode, i_sb);
	const struct inode___6_6 *mid = (const void *)inode;
	const struct inode___old *old = (const void *)inode;
	__u64 s, ns;

	key->ino = FIELD_OF(typed, inode, i_ino);
	key->size = FIELD_OF(typed, inode, i_size);
	key->dev = FIELD_OF(typed, sb, s_dev);
	key->flags = is_remote(FIELD_OF(typed, sb, s_magic)) ? OBJECT_REMOTE : 0;
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		s = FIELD_OF(typed, inode, i_ctime_sec);
		ns = FIELD_OF(typed, inode, i_ctime_nsec) & ~I_CTIME_QUERIED;
	} else if (bpf_core_field_exists(mid->__i_ctime)) {
		s = FIELD_OF(typed, mid, __i_ctime.tv_sec);
		ns = FIELD_OF(typed, mid, __i_ctime.tv_nsec);
	} else {
		s = FIELD_OF(typed, old, i_ctime.tv_sec);
		ns = FIELD_OF(typed, old, i_ctime.tv_nsec);
	}
	key->ctime_ns = s * 1000000000ull + ns;
}

static __always_inline void object_key_of(struct object_key *key, const struct file *file)
{
	object_key_read(key, file, true);
}

/* Of a file in an overlay it is the layer's file that is mapped, and only a mapping tells which. */
static __always_inline bool is_layered(const struct file *file)
{
	return BPF_CORE_READ(file, f_inode, i_sb, s_magic) == OVERLAYFS_SUPER_MAGIC;
}

/*
 * VMA_ANONYMOUS for memory whose bytes are of no file: none stands behind it (/dev/zero is none
 * either), or a private mapping of one has been written to, or can be. VMA_OBJECT with *key if a
 * file is behind it. enum vma_flags.
 *
 * The key is read before paths part: the verifier follows each of them to the end.
 */
static __always_inline __u32 what_is_mapped(struct object_key *key,
					    const struct vm_area_struct *vma)
{
	const struct file *file = vma->vm_file;

	if (!vma->vm_ops)
		return VMA_ANONYMOUS;
	if (!file)
		return 0;
	object_key_of(key, file);
	if (vma->vm_flags & VM_SHARED)
		return VMA_OBJECT;
	if ((vma->vm_flags & VM_WRITE) || vma->anon_vma)
		return VMA_OBJECT | VMA_ANONYMOUS;
	return VMA_OBJECT;
}

/* *rec is all 0 before. */
static __always_inline void mapping_tell(struct vma_rec *rec, const struct task_struct *task,
					 const struct vm_area_struct *vma)
{
	unsigned long code;

	rec->pid = task->pid;
	rec->tgid = task->tgid;
	rec->start = vma->vm_start;
	rec->end = vma->vm_end;
	rec->exec_pages = task->mm->exec_vm;
	/* include/linux/mm.h: is_exec_mapping */
	if ((vma->vm_flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
		rec->flags |= VMA_COUNTED;
	rec->flags |= what_is_mapped(&rec->object, vma);
	if (!(rec->flags & VMA_OBJECT))
		return;
	code = task->mm->start_code;
	if (rec->start <= code && code < rec->end)
		rec->flags |= VMA_PROGRAM;
}

/* A mapping, and what is behind it. */
struct view {
	struct object_key object; /* with VMA_OBJECT */
	unsigned long end;	  /* 0: there is none */
	__u64 file;		  /* address */
	__u32 flags;		  /* enum vma_flags */
	bool executable;
};

static __always_inline void view_of(struct view *v, const struct vm_area_struct *vma)
{
	v->executable = vma->vm_flags & VM_EXEC;
	v->end = vma->vm_end;
	v->file = (__u64)vma->vm_file;
	v->flags = what_is_mapped(&v->object, vma);
}

#define VIEW_TRIES 1024 /* of some 50 ns: who changes a mapping seldom has the lock for longer */

struct peek {
	__u64 address;
	struct view *view; /* best in a map: the verifier follows each value of one on the stack */
	long result;
};

static long look_at_mapping(struct task_struct *task, struct vm_area_struct *vma, struct peek *l)
{
	view_of(l->view, vma);
	return 0;
}

static long try_to_look(__u32 i, struct peek *l)
{
	l->result = bpf_find_vma(bpf_get_current_task_btf(), l->address, look_at_mapping, l, 0);
	return l->result != -EBUSY;
}

/* What the current process has at an address now; *v is all 0 before. False: somebody is changing
 * its mappings. */
static __always_inline bool view_at(__u64 address, struct view *v)
{
	struct peek l = {.address = address, .view = v};

	bpf_loop(VIEW_TRIES, try_to_look, &l, 0);
	return !l.result || l.result == -ENOENT;
}

#endif
