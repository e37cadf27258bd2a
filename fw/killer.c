// SPDX-License-Identifier: GPL-2.0-or-later
#include "killer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define STAT_MAX       512 /* what is read of it; the start is the 22nd of its words */
#define WORDS_TO_START 19  /* from the state, which is the third, on */
#define NS_PER_SECOND  1000000000ull

/* When the process that has this number now started, in clock ticks (proc(5)). */
static int read_start(uint32_t pid, uint64_t *ticks)
{
	char path[32], text[STAT_MAX];
	_cleanup_close_ int fd = -1;
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	at = strrchr(text, ')'); /* the name before it may have blanks and brackets */
	for (int i = 0; at && i <= WORDS_TO_START; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %" SCNu64, ticks) == 1 ? 0 : -EBADMSG;
}

/*
 * The descriptor first, then the start: if the number had gone to another process before it was
 * opened, that one started later than the one that is meant, and this shows. A tick is 10 ms; a
 * number does not come round in that time.
 */
int killer_kill(uint32_t pid, uint64_t start_ns)
{
	const uint64_t tick_ns = NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
	_cleanup_close_ int fd = -1;
	uint64_t ticks;
	int r;

	if (pid <= 1 || pid == (uint32_t)getpid())
		return -EPERM;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	r = read_start(pid, &ticks);
	if (r)
		return r;
	if (ticks != start_ns / tick_ns)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) ? -errno : 0;
}
