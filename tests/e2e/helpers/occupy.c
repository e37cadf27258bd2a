/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * occupy FIRST LAST: attaches a netfilter BPF program that accepts every packet, at each of these
 * priorities of LOCAL_IN and LOCAL_OUT, for IPv4 and IPv6, of its network namespace: the kernel
 * takes no other at those. Says "ready", and leaves at the end of its input. Exit 77: this kernel
 * has no such programs (linux 6.4).
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/bpf.h of linux 6.4 and include/uapi/linux/netfilter.h */
#define PROG_TYPE_NETFILTER   32
#define ATTACH_TYPE_NETFILTER 45
#define NF_ACCEPT	      1
#define NF_INET_LOCAL_IN      1
#define NF_INET_LOCAL_OUT     3
#define NFPROTO_IPV4	      2
#define NFPROTO_IPV6	      10

static int load(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = NF_ACCEPT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = PROG_TYPE_NETFILTER;
	attr.expected_attach_type = ATTACH_TYPE_NETFILTER;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = (uintptr_t) "GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int attach(int prog, uint32_t family, uint32_t hook, int32_t priority)
{
	struct {
		uint32_t prog_fd, target_fd, attach_type, flags;
		uint32_t family, hook;
		int32_t priority;
		uint32_t netfilter_flags;
		uint64_t rest[8];
	} attr = {(uint32_t)prog, 0, ATTACH_TYPE_NETFILTER, 0, family, hook, priority, 0, {0}};

	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

int main(int argc, char *argv[])
{
	static const uint32_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};
	static const uint32_t hooks[] = {NF_INET_LOCAL_IN, NF_INET_LOCAL_OUT};
	int prog;
	char c;

	if (argc != 3)
		return 2;
	prog = load();
	if (prog < 0)
		return errno == EINVAL ? 77 : 1;
	for (int32_t p = atoi(argv[1]); p <= atoi(argv[2]); p++)
		for (int i = 0; i < 4; i++)
			if (attach(prog, families[i / 2], hooks[i % 2], p) < 0) {
				perror("occupy");
				return 1;
			}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
