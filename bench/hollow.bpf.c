// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The least that programs can do where ours are asked about each packet: let it pass, unseen. In
 * place of probes/note.bpf.c and probes/pass.bpf.c; with the rules of `ctl-fw hook install` what
 * this costs is what any firewall of this make costs before it has looked at anything.
 */
#include "probes/maps.h"

#define NF_ACCEPT 1

SEC("netfilter")
int note_packet(struct bpf_nf_ctx *ctx)
{
	return NF_ACCEPT;
}

SEC("fentry/nf_queue")
int note_queued(void *ctx)
{
	return 0;
}

SEC("socket")
int accept_out(struct __sk_buff *ctx)
{
	return 1;
}

SEC("socket")
int accept_in(struct __sk_buff *ctx)
{
	return 1;
}

SEC("socket")
int drop_out(struct __sk_buff *ctx)
{
	return 0;
}

SEC("socket")
int drop_in(struct __sk_buff *ctx)
{
	return 0;
}
