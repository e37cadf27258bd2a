/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control side of the daemon as it is, without a kernel under it: no packets, no processes, no
 * disk, and a clock that stands still. One thread, one such daemon at a time.
 */
#ifndef TESTS_BARE_DAEMON_H
#define TESTS_BARE_DAEMON_H

#include "fw/daemon.h"

/* Listens on a socket in a folder of its own, which goes when the program ends. */
struct daemon *bare_daemon(void);

/* Without rules, as after its first start. */
void bare_daemon_reset(struct daemon *d);

#endif
