// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe_private.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NF_INET_LOCAL_IN  1
#define NF_INET_LOCAL_OUT 3
#define NF_PRIORITY_FIRST (-1)	/* just before the filter table */
#define NF_PRIORITY_LAST  (-32) /* past DNAT */

#define NOTE_LINKS 4

/* The links of the note program in one network namespace. */
struct probe_notes {
	int link[NOTE_LINKS];
};

/* BPF_LINK_CREATE for netfilter, whose part of union bpf_attr these headers do not know. */
static int attach_note_at(int prog_fd, uint32_t family, uint32_t hook, int32_t priority)
{
	struct {
		uint32_t prog_fd, target_fd, attach_type, flags;
		uint32_t family, hook;
		int32_t priority;
		uint32_t netfilter_flags;
		uint64_t rest[8];
	} attr = {
		.prog_fd = prog_fd,
		.attach_type = ATTACH_TYPE_NETFILTER,
		.family = family,
		.hook = hook,
		.priority = priority,
	};

	return syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

/* A priority is one program's: another daemon, or one that is not quite gone, may have the first.
 */
static int attach_note(int prog_fd, uint32_t family, uint32_t hook)
{
	int32_t priority = NF_PRIORITY_FIRST;
	int link;

	do
		link = attach_note_at(prog_fd, family, hook, priority);
	while (link < 0 && errno == EBUSY && --priority >= NF_PRIORITY_LAST);
	return link;
}

struct probe_notes *probe_notes_attach(struct probe *p)
{
	static const struct {
		uint32_t family, hook;
	} at[NOTE_LINKS] = {
		{2 /* NFPROTO_IPV4 */, NF_INET_LOCAL_OUT},
		{2, NF_INET_LOCAL_IN},
		{10 /* NFPROTO_IPV6 */, NF_INET_LOCAL_OUT},
		{10, NF_INET_LOCAL_IN},
	};
	int prog =
		p->note_source == NOTE_BY_NETFILTER
			? bpf_program__fd(bpf_object__find_program_by_name(p->object, NOTE_PROGRAM))
			: -1;
	struct probe_notes *n = calloc(1, sizeof(*n));
	bool all = n && prog >= 0;

	for (size_t i = 0; n && i < NOTE_LINKS; i++) {
		n->link[i] = all ? attach_note(prog, at[i].family, at[i].hook) : -1;
		all = all && n->link[i] >= 0;
	}
	if (all)
		return n;
	probe_notes_detach(n);
	return NULL;
}

void probe_notes_detach(struct probe_notes *n)
{
	for (size_t i = 0; n && i < NOTE_LINKS; i++)
		if (n->link[i] >= 0)
			close(n->link[i]);
	free(n);
}

enum note_source probe_note_source(const struct probe *p)
{
	return p->note_source;
}

int probe_note_error(const struct probe *p)
{
	return p->note_error;
}

bool probe_note(struct probe *p, uint64_t print, uint8_t hook, uint64_t empty_ns, struct note *out)
{
	return note_table_take(&p->notes, abi_print_at(print, hook), empty_ns, out);
}

bool probe_note_late(struct probe *p, uint64_t print, uint8_t hook, struct note *out)
{
	return note_table_take_late(&p->notes, abi_print_at(print, hook), out);
}
