/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name by which a file was opened, across mounts, as prepend_path() in fs/d_path.c finds it;
 * but without its locks: while names change it may be wrong. Only to look there.
 */
#ifndef PROBES_PATH_H
#define PROBES_PATH_H

#include "kernel.h"
#include "common/probe_abi.h"

struct walk {
	char *out; /* ABI_HINT_PATH */
	const struct dentry *dentry;
	const struct mount *mount;
	__u32 used;
};

static __always_inline const struct mount *mount_of(const struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

static long walk_up(__u32 i, struct walk *w)
{
	const struct dentry *dentry = w->dentry;
	const struct mount *mount = w->mount, *outer;
	const struct dentry *parent;
	__u32 used = w->used;
	long n;

	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		outer = BPF_CORE_READ(mount, mnt_parent);
		if (outer == mount)
			return 1;
		w->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		w->mount = outer;
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry || used > ABI_HINT_PATH - ABI_HINT_NAME)
		return 1;
	n = bpf_probe_read_kernel_str(w->out + used, ABI_HINT_NAME,
				      BPF_CORE_READ(dentry, d_name.name));
	if (n <= 0 || n > ABI_HINT_NAME)
		return 1;
	w->used = used + n;
	w->dentry = parent;
	return 0;
}

/* Names from there upwards, each with its NUL. Returns the bytes they take. */
static __always_inline __u32 names_from(const struct vfsmount *mnt, const struct dentry *dentry,
					char out[ABI_HINT_PATH])
{
	struct walk w = {.out = out, .dentry = dentry};

	w.mount = mount_of(mnt);
	bpf_loop(ABI_HINT_DEPTH, walk_up, &w, 0);
	return w.used;
}

static __always_inline __u32 names_of(const struct file *file, char out[ABI_HINT_PATH])
{
	return names_from(BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry), out);
}

static __always_inline void folder_of(struct folder_hint *out, const struct vfsmount *mnt,
				      const struct dentry *dentry)
{
	const struct mount *mount = mount_of(mnt);

	out->ino = BPF_CORE_READ(dentry, d_inode, i_ino);
	out->mount = BPF_CORE_READ(mount, mnt_id);
	out->n_names = names_from(mnt, dentry, out->names);
}

#endif
