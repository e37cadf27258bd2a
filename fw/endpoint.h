/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a server listens: an address of this machine and a TCP port, in numbers. */
#ifndef FW_ENDPOINT_H
#define FW_ENDPOINT_H

#include <sys/socket.h>

struct endpoint {
	struct sockaddr_storage address;
	socklen_t length; /* of the address: 0 is no endpoint */
};

/*
 * Reads ADDR:PORT of IPv4 or [ADDR]:PORT of IPv6, port 1..65535; names are not looked up. 0, or
 * -EINVAL; *out is untouched on failure.
 */
int endpoint_parse(const char *word, struct endpoint *out);

/* A socket that listens there, for the caller to close; [::] takes IPv4 as well. The address may
 * come later. Or -errno: -EADDRINUSE, ... */
int endpoint_listen(const struct endpoint *e, int backlog);

#endif
