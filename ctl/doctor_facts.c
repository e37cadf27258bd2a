/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ask.h"
#include "commands.h"
#include "common/cleanup.h"
#include "common/memstream.h"
#include "doctor.h"

#define BTF_FILE     "/sys/kernel/btf/vmlinux"
#define BPFFS	     "/sys/fs/bpf"
#define TRACEFS	     "/sys/kernel/tracing"
#define BOUND_FILE   "/proc/net/netfilter/nfnetlink_queue"
#define FORWARD4     "/proc/sys/net/ipv4/ip_forward"
#define FORWARD6     "/proc/sys/net/ipv6/conf/all/forwarding"
#define TEXT_MAX     (16u << 20) /* of a ruleset: nobody reads more */
#define LICENSE_WORD "GPL"

/* Numbers of <linux/bpf.h> of Linux 6.4, which the headers of an older one lack. */
#define PROG_TYPE_NETFILTER 32
#define ATTACH_NETFILTER    45

static bool is_mounted(const char *path, long magic)
{
	struct statfs s;

	return statfs(path, &s) == 0 && s.f_type == magic;
}

/* "return 1", as the program that notes packets is: what matters is whether that type may be
 * loaded. */
static int load_netfilter_program(void)
{
	static const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;
	_cleanup_close_ int fd = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = PROG_TYPE_NETFILTER;
	attr.expected_attach_type = ATTACH_NETFILTER;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = sizeof(code) / sizeof(code[0]);
	attr.license = (uintptr_t)LICENSE_WORD;
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : 0;
}

/* All that a stream has, for the caller to free. NULL: no memory, or too much. */
static char *read_stream(FILE *in)
{
	char *text = NULL, part[4096];
	size_t length = 0, n;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	while (length < TEXT_MAX && (n = fread(part, 1, sizeof(part), in)) > 0) {
		fwrite(part, 1, n, out);
		fflush(out);
	}
	return memstream_end(out, &text);
}

static char *read_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	return f ? read_stream(f) : NULL;
}

/* What a command prints; NULL when it fails. The words are ours, not a user's. */
static char *read_command(const char *command)
{
	FILE *f = popen(command, "re");
	char *text = f ? read_stream(f) : NULL;

	if (!f || pclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* Whether the word is among those of the line that begins with the label. */
static bool cpu_has(const char *cpuinfo, const char *word)
{
	const char *line = cpuinfo ? strstr(cpuinfo, "\nflags") : NULL;
	const char *end = line ? strchr(line + 1, '\n') : NULL;
	const char *at = line ? strstr(line, word) : NULL;

	return at && (!end || at < end);
}

/* The value of hidepid= of the /proc that is mounted last. */
static void read_hidepid(char *out, size_t room)
{
	_cleanup_free_ char *mounts = read_file("/proc/self/mounts");
	char *rest = mounts, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *at = strstr(line, "hidepid=");

		if (!strstr(line, " /proc proc "))
			continue;
		snprintf(out, room, "%.*s", at ? (int)strcspn(at + 8, ", ") : 0, at ? at + 8 : "");
	}
}

static int read_switch(const char *path)
{
	_cleanup_free_ char *text = read_file(path);

	return text ? atoi(text) != 0 : -1;
}

static json_t *ask(const struct cmdline *line, enum wire_command command, char *err)
{
	struct client_reply reply;
	json_t *json = NULL;

	if (ask_quietly(line, command, json_object(), &reply, err) != STATUS_DONE)
		return NULL;
	if (reply.status == WIRE_OK)
		json = json_incref(reply.json);
	else
		snprintf(err, CLIENT_ERROR_LEN, "app-fw refused to say how it is");
	client_reply_free(&reply);
	return json;
}

static int try_state(const json_t *status)
{
	const char *dir = json_string_value(json_object_get(status, "state_dir"));
	struct statvfs s;

	if (!dir)
		return 0;
	if (access(dir, W_OK) || statvfs(dir, &s))
		return -errno;
	return s.f_flag & ST_RDONLY ? -EROFS : s.f_bavail == 0 ? -ENOSPC : 0;
}

void doctor_facts_gather(const struct cmdline *line, struct doctor_facts *out)
{
	_cleanup_free_ char *cpuinfo = read_file("/proc/cpuinfo");
	struct utsname name;

	*out = (struct doctor_facts){.netfilter_program = load_netfilter_program()};
	if (uname(&name) == 0)
		snprintf(out->release, sizeof(out->release), "%s", name.release);
	out->has_btf = access(BTF_FILE, R_OK) == 0;
	out->has_bpffs = is_mounted(BPFFS, BPF_FS_MAGIC);
	out->has_tracefs = is_mounted(TRACEFS, TRACEFS_MAGIC);
	out->tsc_invariant = cpu_has(cpuinfo, " nonstop_tsc");
	read_hidepid(out->hidepid, sizeof(out->hidepid));
	out->forwarding[DOCTOR_IPV4] = read_switch(FORWARD4);
	out->forwarding[DOCTOR_IPV6] = read_switch(FORWARD6);
	out->saved[DOCTOR_IPV4] = read_command("iptables-save 2>/dev/null");
	out->saved[DOCTOR_IPV6] = read_command("ip6tables-save 2>/dev/null");
	out->bound = read_file(BOUND_FILE);
	out->status = ask(line, WIRE_STATUS, out->no_daemon);
	out->stats = out->status ? ask(line, WIRE_STATS, out->no_daemon) : NULL;
	out->state_error = try_state(out->status);
}

void doctor_facts_free(struct doctor_facts *f)
{
	for (int i = 0; i < DOCTOR_FAMILIES; i++)
		free(f->saved[i]);
	free(f->bound);
	json_decref(f->status);
	json_decref(f->stats);
}
