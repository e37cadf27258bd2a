/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket that a process has with a peer, by /proc/PID/fd: for explain. */
#ifndef FW_PROCESS_SOCKET_H
#define FW_PROCESS_SOCKET_H

#include <stdint.h>

#include "sockdiag.h"

/* Its cookie, or 0. Of `wanted` the local address is not looked at, and ports that are 0 are any.
 */
uint64_t process_socket_find(struct sockdiag *d, uint32_t pid, const struct sockdiag_query *wanted);

#endif
