/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * References to a socket's file that are no descriptors: the calls on it that are under way. Who
 * sleeps in poll(2) or select(2) has one for each descriptor that he waits for; who shares his
 * table has one for each call on the descriptor, lest another closes it meanwhile.
 */
#ifndef PROBES_WAITER_H
#define PROBES_WAITER_H

#include "table.h"

#define WAITERS_MAX 256

/* With what the current thread has entered its call, of 64 bits; NULL: it has not. */
static __always_inline const struct pt_regs *own_call(void)
{
	return call_of(bpf_get_current_task_btf());
}

/* Whether the current thread is inside a call on this descriptor that sends or receives. */
static __always_inline bool in_call_on(__u32 fd)
{
	const struct pt_regs *regs = own_call();

	if (!regs || (__u32)regs->di != fd)
		return false;
	switch (regs->orig_ax) {
	case 0:	  /* read */
	case 1:	  /* write */
	case 19:  /* readv */
	case 20:  /* writev */
	case 40:  /* sendfile */
	case 42:  /* connect */
	case 44:  /* sendto */
	case 45:  /* recvfrom */
	case 46:  /* sendmsg */
	case 47:  /* recvmsg */
	case 48:  /* shutdown */
	case 299: /* recvmmsg */
	case 307: /* sendmmsg */
		return true;
	default:
		return false;
	}
}

/*
 * Whether the current thread is inside close(2) of this descriptor. The descriptor goes first and
 * its reference a moment later, and what comes in may interrupt it in between.
 */
static __always_inline bool in_close_of(__u32 fd)
{
	const struct pt_regs *regs = own_call();

	if (!regs)
		return false;
	switch (regs->orig_ax) {
	case 3: /* close */
		return (__u32)regs->di == fd;
	case 33:  /* dup2 */
	case 292: /* dup3 */
		return (__u32)regs->si == fd;
	case 436: /* close_range */
		return (__u32)regs->di <= fd && fd <= (__u32)regs->si;
	default:
		return false;
	}
}

struct waiting {
	__u32 holder[ABI_HOLDERS]; /* tgid; 0: none */
	__u32 found;
	const struct file *file;
	struct list_head *at, *head;
};

/* Whether it is another thread of a holder that is asleep in accept(2), recv(2), send(2) or the
 * like, and has a reference for that. A worker of an io_uring has none of its own. */
static __always_inline bool is_asleep_in_call(const struct waiting *c,
					      const struct task_struct *task)
{
	const struct proc_rec *proc;
	__u32 tgid;

	if (!task || task == (const void *)bpf_get_current_task() ||
	    (BPF_CORE_READ(task, flags) & PF_IO_WORKER))
		return false;
	tgid = BPF_CORE_READ(task, tgid);
	for (__u32 i = 0; i < ABI_HOLDERS; i++)
		if (tgid && c->holder[i] == tgid) {
			proc = bpf_map_lookup_elem(&procs, &tgid);
			return proc && (__u64)BPF_CORE_READ(task, group_leader) == proc->task &&
			       files_users((__u64)BPF_CORE_READ(task, files)) > 1;
		}
	return false;
}

static long look_at_waiter(__u32 i, struct waiting *c)
{
	struct list_head *at = c->at;
	const struct poll_table_entry *entry =
		(void *)at - bpf_core_field_offset(struct poll_table_entry, wait.entry);

	if (!at || at == c->head)
		return 1;
	if (BPF_CORE_READ(entry, filp) == c->file ||
	    is_asleep_in_call(c, BPF_CORE_READ(entry, wait.private)))
		c->found++;
	c->at = BPF_CORE_READ(at, next);
	return 0;
}

/* How many of the holders' threads sleep there, with a reference: all are in the socket's wait
 * queue. Of *c the holders are set. */
static __always_inline __u32 waiters_count(struct waiting *c, const struct file *file)
{
	const struct socket *socket = BPF_CORE_READ(file, private_data);
	struct socket_wq *queue = BPF_CORE_READ(socket, sk, sk_wq);

	c->found = 0;
	c->file = file;
	c->head = (void *)queue + bpf_core_field_offset(struct socket_wq, wait.head);
	c->at = BPF_CORE_READ(queue, wait.head.next);
	bpf_loop(WAITERS_MAX, look_at_waiter, c, 0);
	return c->found;
}

#endif
