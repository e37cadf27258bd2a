/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends a process, and no other that has its number by now. */
#ifndef FW_KILLER_H
#define FW_KILLER_H

#include <stdint.h>

/*
 * SIGKILL for the process `pid` that started at start_ns (CLOCK_BOOTTIME). 0; -EPERM for pid 1 and
 * for the caller's own process; -ESRCH when it is gone, whoever has its number now; else -errno.
 */
int killer_kill(uint32_t pid, uint64_t start_ns);

#endif
