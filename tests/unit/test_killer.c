/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "fw/clock.h"
#include "fw/killer.h"
#include "unit.h"

#define TICK_NS 10000000ull

/* A child that waits, with a name that is hard to read past. */
static pid_t child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, ") S 1 (x) R 2");
		for (;;)
			pause();
	}
	return pid;
}

/* From boot to the start of the process: the 22nd word, counted from the last bracket. */
static uint64_t start_of(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[32], text[1024] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(fgets(text, sizeof(text), f) != NULL);
	fclose(f);
	CU_ASSERT_EQUAL(sscanf(strrchr(text, ')') + 1,
			       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			       "%*d %*d %*d %llu",
			       &ticks),
			1);
	return ticks * TICK_NS;
}

static void the_one_that_is_meant(void)
{
	pid_t pid = child();
	uint64_t start = start_of(pid);
	int status = 0;

	CU_ASSERT(start <= clock_boot_ns());
	CU_ASSERT_EQUAL(killer_kill((uint32_t)pid, start - 1), -ESRCH);
	CU_ASSERT_EQUAL(killer_kill((uint32_t)pid, start + TICK_NS), -ESRCH);
	CU_ASSERT_EQUAL(kill(pid, 0), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, WNOHANG), 0);
	CU_ASSERT_EQUAL(killer_kill((uint32_t)pid, start + TICK_NS - 1), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CU_ASSERT_EQUAL(killer_kill((uint32_t)pid, start), -ESRCH);
}

static void never_these(void)
{
	CU_ASSERT_EQUAL(killer_kill(0, 0), -EPERM);
	CU_ASSERT_EQUAL(killer_kill(1, start_of(1)), -EPERM);
	CU_ASSERT_EQUAL(killer_kill((uint32_t)getpid(), start_of(getpid())), -EPERM);
}

static const struct unit_test tests[] = {
	{"the process that is meant, and no other of its number", the_one_that_is_meant},
	{"never pid 1, nor ourselves", never_these},
};
UNIT_SUITE("fw/killer", tests)
