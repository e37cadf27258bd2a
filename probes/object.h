/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is mapped: the identity of the file behind it, and what of it is of no file. */
#ifndef PROBES_OBJECT_H
#define PROBES_OBJECT_H

#include <linux/magic.h>

#include "kernel.h"
#include "common/probe_abi.h"

/* What is behind an open file. */
struct behind {
	const struct inode *inode;
	const struct super_block *sb;
};

static __always_inline struct behind behind(const struct file *file)
{
	const struct inode *inode = BPF_CORE_READ(file, f_inode);

	return (struct behind){inode, BPF_CORE_READ(inode, i_sb)};
}

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

static __always_inline void object_key_of(struct object_key *key, const struct behind *b)
{
	const struct inode *inode = b->inode;
	const struct super_block *sb = b->sb;
	const struct inode___6_6 *mid = (const void *)inode;
	const struct inode___old *old = (const void *)inode;

	key->ino = BPF_CORE_READ(inode, i_ino);
	key->size = BPF_CORE_READ(inode, i_size);
	key->dev = BPF_CORE_READ(sb, s_dev);
	key->flags = is_remote(BPF_CORE_READ(sb, s_magic)) ? OBJECT_REMOTE : 0;
	if (bpf_core_field_exists(inode->i_ctime_sec))
		key->ctime_ns = BPF_CORE_READ(inode, i_ctime_sec) * 1000000000ull +
				(BPF_CORE_READ(inode, i_ctime_nsec) & ~I_CTIME_QUERIED);
	else if (bpf_core_field_exists(mid->__i_ctime))
		key->ctime_ns = BPF_CORE_READ(mid, __i_ctime.tv_sec) * 1000000000ull +
				BPF_CORE_READ(mid, __i_ctime.tv_nsec);
	else
		key->ctime_ns = BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000ull +
				BPF_CORE_READ(old, i_ctime.tv_nsec);
}

/* Of a file in an overlay it is the layer's file that is mapped, and only a mapping tells which. */
static __always_inline bool is_layered(const struct behind *b)
{
	const struct super_block *sb = b->sb;

	return BPF_CORE_READ(sb, s_magic) == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Memory whose bytes are of no file: none stands behind it (/dev/zero is none either), or a private
 * mapping of one has been written to, or can be.
 */
static __always_inline bool is_anonymous(const struct vm_area_struct *vma, bool writable)
{
	if (!vma->vm_ops)
		return true;
	return vma->vm_file && !(vma->vm_flags & VM_SHARED) && (writable || vma->anon_vma);
}

/* *rec is all 0 before. */
static __always_inline void mapping_tell(struct vma_rec *rec, const struct task_struct *task,
					 const struct vm_area_struct *vma)
{
	const struct file *file = vma->vm_file;
	unsigned long code;
	struct behind b;

	rec->pid = task->pid;
	rec->tgid = task->tgid;
	rec->start = vma->vm_start;
	rec->end = vma->vm_end;
	rec->exec_pages = BPF_CORE_READ(task, mm, exec_vm);
	/* include/linux/mm.h: is_exec_mapping */
	if ((vma->vm_flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
		rec->flags |= VMA_COUNTED;
	if (is_anonymous(vma, vma->vm_flags & VM_WRITE))
		rec->flags |= VMA_ANONYMOUS;
	if (!file || !vma->vm_ops)
		return;
	rec->flags |= VMA_OBJECT;
	b = behind(file);
	object_key_of(&rec->object, &b);
	code = BPF_CORE_READ(task, mm, start_code);
	if (rec->start <= code && code < rec->end)
		rec->flags |= VMA_PROGRAM;
}

#endif
