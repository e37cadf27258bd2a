/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an exec was asked to run, and where its names lead from: struct start_hint. */
#ifndef PROBES_START_H
#define PROBES_START_H

#include "maps.h"
#include "path.h"
#include "proc.h"

static __always_inline void read_arguments(struct start_hint *h, struct task_struct *task)
{
	unsigned long from = BPF_CORE_READ(task, mm, arg_start);
	unsigned long n = BPF_CORE_READ(task, mm, arg_end) - from;

	if (n > ABI_ARGS) {
		n = ABI_ARGS;
		h->flags |= START_CUT;
	}
	h->n_args = n;
	if (bpf_probe_read_user(h->args, n, (void *)from)) {
		h->n_args = 0;
		h->flags |= START_CUT;
	}
}

/* The name of a script that the kernel itself has started the interpreter of. */
static __always_inline void read_name(struct start_hint *h, const struct linux_binprm *bprm)
{
	long n = bpf_probe_read_kernel_str(h->args, ABI_ARGS, BPF_CORE_READ(bprm, filename));

	h->n_args = n > 0 ? n : 0;
	h->flags = START_BY_KERNEL | (n > 0 && n < ABI_ARGS ? 0 : START_CUT);
}

/* The arguments as they are before the program can write over them, and what its names are in. */
static __always_inline void hint_start(struct proc_rec *rec, struct task_struct *task,
				       const struct linux_binprm *bprm)
{
	struct start_hint *h = bpf_ringbuf_reserve(&hints, sizeof(*h), 0);
	const struct fs_struct *fs = BPF_CORE_READ(task, fs);

	if (!h) {
		count(PCOUNT_HINTS_LOST);
		return;
	}
	h->kind = HINT_START;
	h->flags = 0;
	h->start = rec->last_start;
	folder_of(&h->cwd, BPF_CORE_READ(fs, pwd.mnt), BPF_CORE_READ(fs, pwd.dentry));
	folder_of(&h->root, BPF_CORE_READ(fs, root.mnt), BPF_CORE_READ(fs, root.dentry));
	if (bpf_probe_read_kernel_str(h->program, sizeof(h->program),
				      BPF_CORE_READ(bprm, file, f_path.dentry, d_name.name)) < 0)
		h->program[0] = 0;
	if (BPF_CORE_READ(bprm, interp) != BPF_CORE_READ(bprm, filename))
		read_name(h, bprm);
	else
		read_arguments(h, task);
	proc_mark(rec, PROC_TOLD);
	bpf_ringbuf_submit(h, wake_if(false));
}

#endif
