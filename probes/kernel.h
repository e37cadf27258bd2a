/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types, as far as the probes read them. preserve_access_index makes every access a
 * CO-RE relocation, so the layout here is irrelevant and only names and types matter. A ___suffix
 * is a flavour: another kernel version's shape of the same type.
 */
#ifndef PROBES_KERNEL_H
#define PROBES_KERNEL_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

typedef _Bool bool;
#define true 1
#define false 0

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long long counter;
} atomic64_t;

typedef struct {
	atomic_t refs;
} refcount_t;

struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	long long i_size;
	unsigned short i_mode;
	long long i_ctime_sec; /* since 6.11 */
	__u32 i_ctime_nsec;
};

struct inode___6_6 {
	struct timespec64 __i_ctime;
};

struct inode___old {
	struct timespec64 i_ctime;
};

typedef struct {
	atomic64_t refcnt;
} file_ref_t;

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct inode *d_inode;
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	int mnt_id;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t fsuid;
	kgid_t fsgid;
};

struct file {
	struct path f_path;
	const struct cred *f_cred;
	struct inode *f_inode;
	void *private_data;
	file_ref_t f_ref; /* since 6.13: one less than the number of references */
};

struct file___old {
	atomic64_t f_count;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *open_fds; /* a bit for each */
};

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
	unsigned int next_fd;
};

#define AUXV_PAIRS 24

struct maple_tree {
	void *ma_root;
};

struct maple_range_64 {
	unsigned long pivot[15];
	void *slot[16];
};

struct maple_arange_64 {
	unsigned long pivot[9];
	void *slot[10];
};

struct seqcount {
	unsigned int sequence;
};

typedef struct seqcount seqcount_t;

struct mm_struct {
	struct maple_tree mm_mt;
	seqcount_t mm_lock_seq;
	int map_count;
	unsigned long exec_vm;
	unsigned long brk;
	unsigned long saved_auxv[2 * AUXV_PAIRS];
	unsigned long start_code;
	unsigned long arg_start, arg_end;
};

struct fs_struct {
	struct path root, pwd;
};

struct list_head {
	struct list_head *next, *prev;
};

struct signal_struct {
	atomic_t live;
	int nr_threads;
	struct list_head thread_head;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	__u64 net_cookie;
	struct ns_common ns;
};

struct nsproxy {
	struct net *net_ns;
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};

struct pt_regs {
	unsigned long di, si, dx, r10, r8, ax, orig_ax, bx, cx;
};

struct pid {
	void *attr; /* since 6.17: not NULL from its first pidfd on, as long as it lives */
};

struct task_struct {
	struct thread_info thread_info;
	int pid, tgid;
	struct nsproxy *nsproxy;
	unsigned int flags;
	unsigned int personality;
	__u64 start_boottime;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct signal_struct *signal;
	struct list_head thread_node;
	struct pid *thread_pid;
	struct files_struct *files;
	struct mm_struct *mm;
	struct fs_struct *fs;
	__u64 parent_exec_id, self_exec_id;
};

struct linux_binprm {
	struct file *file;
	const char *filename, *interp;
};

struct vm_operations_struct;
struct anon_vma;

struct vm_area_struct {
	const struct vm_operations_struct *vm_ops;
	unsigned long vm_start, vm_end;
	unsigned long vm_flags;
	struct mm_struct *vm_mm;
	unsigned int vm_lock_seq;
	struct file *vm_file;
	const struct anon_vma *anon_vma;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct tcp_sock {
	bool is_mptcp;
};

struct request_sock;

struct request_sock_queue {
	struct request_sock *rskq_accept_head;
};

struct inet_connection_sock {
	struct request_sock_queue icsk_accept_queue;
	void *icsk_ulp_data;
};

struct mptcp_pm_data {
	bool server_side;
};

struct mptcp_sock {
	struct sock *first;
	struct mptcp_pm_data pm;
};

struct mptcp_subflow_context {
	struct sock *conn;
};

struct wait_queue_entry {
	void *private; /* as a rule the task that sleeps */
	struct list_head entry;
};

struct wait_queue_head {
	struct list_head head;
};

typedef struct wait_queue_head wait_queue_head_t;
typedef struct wait_queue_entry wait_queue_entry_t;

struct socket_wq {
	wait_queue_head_t wait;
};

struct poll_table_entry {
	struct file *filp;
	wait_queue_entry_t wait;
};

struct sock_common {
	unsigned short skc_family;
	__u16 skc_num; /* local port, in host order */
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
	refcount_t skc_refcnt;
	unsigned long skc_flags;
	struct sock *skc_listener; /* of a connection request, in the place of skc_flags */
};

struct request_sock {
	struct sock_common __req_common;
	struct request_sock *dl_next;
	struct sock *sk;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct sock_reuseport {
	__u16 num_socks;
	__u16 incoming_cpu; /* since 6.2: so many have set SO_INCOMING_CPU */
	struct bpf_prog *prog;
	struct sock *socks[0];
};

struct sock {
	struct sock_common __sk_common;
	struct sock_reuseport *sk_reuseport_cb;
	struct socket *sk_socket;
	struct socket_wq *sk_wq;
	__u16 sk_protocol;
};

struct sk_buff {
	struct sock *sk;
	unsigned char *data;
	unsigned int len, data_len;
	__u8 cloned : 1;
};

struct nf_hook_state {
	__u8 hook;
	struct net *net;
};

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

struct trace_event_raw_sys_enter {
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long ret;
};

/* Of its many counters of 64 bits the first eight: by these whatever lies somewhere is read in
 * words. */
struct rtnl_link_stats64 {
	__u64 rx_packets, tx_packets, rx_bytes, tx_bytes;
	__u64 rx_errors, tx_errors, rx_dropped, tx_dropped;
};

#pragma clang attribute pop

/* include/net/tcp_states.h */
#define TCP_SYN_RECV	 3
#define TCP_TIME_WAIT	 6
#define TCP_CLOSE	 7
#define TCP_LISTEN	 10
#define TCP_NEW_SYN_RECV 12

#define IPPROTO_TCP	6
#define IPPROTO_UDP	17
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP	262

#define AF_UNIX	 1
#define AF_INET	 2
#define AF_INET6 10

#define ENOENT 2
#define EBUSY  16
#define EEXIST 17
#define ENOSYS 38

#define S_IFMT	 0170000 /* include/uapi/linux/stat.h */
#define S_IFSOCK 0140000

#define SOL_SOCKET 1 /* include/linux/socket.h */
#define SCM_RIGHTS 1

#define SOCK_DEAD_BIT	    0x1	       /* enum sock_flags in include/net/sock.h */
#define PF_EXITING	    0x00000004 /* include/linux/sched.h */
#define PF_IO_WORKER	    0x00000010
#define TS_COMPAT	    0x0002 /* arch/x86/include/asm/thread_info.h: inside a 32-bit call */
#define TIF_ADDR32	    29	   /* there: a program of 32 bits */
#define PF_KTHREAD	    0x00200000 /* include/linux/sched.h */
#define PROT_WRITE	    0x2
#define PROT_EXEC	    0x4
#define MAP_TYPE	    0xf
#define MAP_PRIVATE	    0x2
#define MAP_FIXED	    0x10
#define MAP_ANONYMOUS	    0x20
#define MAP_FIXED_NOREPLACE 0x100000
#define SHM_EXEC	    0100000   /* include/uapi/linux/shm.h */
#define READ_IMPLIES_EXEC   0x0400000 /* include/uapi/linux/personality.h */
#define VM_WRITE	    0x2
#define VM_GROWSDOWN	    0x100
#define VM_EXEC		    0x4
#define VM_SHARED	    0x8
#define AT_BASE		    7		/* include/uapi/linux/auxvec.h */
#define I_CTIME_QUERIED	    0x80000000u /* a mark in i_ctime_nsec, include/linux/fs.h */

/* include/linux/maple_tree.h: of a pointer to a node */
#define MAPLE_NODE_MASK	      255
#define MAPLE_NODE_TYPE_MASK  0x0f
#define MAPLE_NODE_TYPE_SHIFT 3

enum maple_type { MAPLE_LEAF_64 = 1, MAPLE_ARANGE_64 = 3 };

/* arch/x86/entry/syscalls/syscall_64.tbl, and 32.tbl for programs of 32 bits */
enum call_number {
	CALL_MMAP = 9,
	CALL_MPROTECT = 10,
	CALL_MREMAP = 25,
	CALL_SHMAT = 30,
	CALL_PKEY_MPROTECT = 329,

	CALL_32_MMAP = 90,
	CALL_32_IPC = 117,
	CALL_32_MPROTECT = 125,
	CALL_32_MMAP2 = 192,
	CALL_32_PKEY_MPROTECT = 380,
	CALL_32_SHMAT = 397,
};

/* What a thread has entered the kernel with: of its own system call until that returns. */
static __always_inline const struct pt_regs *registers_of(struct task_struct *task)
{
	return (void *)bpf_task_pt_regs(task);
}

/* Whether its call is one of those of 32 bits: numbers and registers are others there. */
static __always_inline bool in_call_of_32_bits(const struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}

/* With what it has entered its call, of 64 bits; NULL: it has not. */
static __always_inline const struct pt_regs *call_of(struct task_struct *task)
{
	return (task->flags & PF_KTHREAD) || in_call_of_32_bits(task) ? NULL : registers_of(task);
}

/* Whether the kernel has functions that say of what type an address is (linux 6.2): one that has
 * netfilter programs (6.4) has them. */
enum bpf_prog_type___can_cast { BPF_PROG_TYPE_NETFILTER___can_cast = 1 };
#define CAN_CAST                                                  \
	bpf_core_enum_value_exists(enum bpf_prog_type___can_cast, \
				   BPF_PROG_TYPE_NETFILTER___can_cast)

/* Where the verifier knows the type of what is there, reading costs next to nothing. */
#define FIELD_OF(typed, at, field) ((typed) ? (at)->field : BPF_CORE_READ(at, field))

/* References to a file: descriptors, and whatever else keeps it open at this moment. 0: being
 * closed. typed, a constant: `file` is what the verifier knows as one. */
static __always_inline __s64 file_references(const struct file *file, bool typed)
{
	const struct file___old *old = (const void *)file;
	__s64 n;

	if (bpf_core_field_exists(file->f_ref)) {
		n = FIELD_OF(typed, file, f_ref.refcnt.counter);
		return n < 0 ? 0 : n + 1; /* FILE_REF_NOREF and _DEAD have the sign bit set */
	}
	return BPF_CORE_READ(old, f_count.counter);
}

static __always_inline __u64 sock_netns(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline __u64 sock_cookie(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

static __always_inline bool family_is_inet(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

#endif
