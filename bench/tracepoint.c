// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tracepoint CALL: has the exit of that system call traced, on all processors, by nobody: nothing
 * is recorded. Says "ready", and goes on until a signal ends it. CALL should be one
 * that nobody makes; then what this costs is what every other call pays because one is traced at
 * all (SYSCALL_WORK_SYSCALL_TRACEPOINT in kernel/entry).
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define EVENTS "/sys/kernel/tracing/events/syscalls"

/* The number by which perf_event_open(2) knows the exit; -1 with errno. */
static long event_id(const char *call)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[256];
	long id;

	snprintf(path, sizeof(path), EVENTS "/sys_exit_%s/id", call);
	f = fopen(path, "re");
	return f && fscanf(f, "%ld", &id) == 1 ? id : -1;
}

/* On all processors. 0 or -errno; the descriptors are left to the end of the process. */
static int trace(long id)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .config = (unsigned long long)id};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int cpu = 0; cpu < cpus; cpu++)
		if (syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC) < 0)
			return -errno;
	return 0;
}

int main(int argc, char *argv[])
{
	long id;
	int r;

	if (argc != 2) {
		fputs("usage: tracepoint CALL\n", stderr);
		return 2;
	}
	id = event_id(argv[1]);
	r = id < 0 ? -errno : trace(id);
	if (r) {
		fprintf(stderr, "tracepoint: %s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
