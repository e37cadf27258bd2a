/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/decimal.h"

static int set_v4(const char *address, uint16_t port, struct endpoint *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		return -EINVAL;
	*out = (struct endpoint){.length = sizeof(in)};
	memcpy(&out->address, &in, sizeof(in));
	return 0;
}

static int set_v6(const char *address, uint16_t port, struct endpoint *out)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET6, address, &in.sin6_addr) != 1)
		return -EINVAL;
	*out = (struct endpoint){.length = sizeof(in)};
	memcpy(&out->address, &in, sizeof(in));
	return 0;
}

int endpoint_parse(const char *word, struct endpoint *out)
{
	const char *colon = strrchr(word, ':');
	char address[INET6_ADDRSTRLEN + 2];
	uint64_t port;
	size_t n;

	if (!colon || (size_t)(colon - word) >= sizeof(address) ||
	    decimal_parse(colon + 1, strlen(colon + 1), UINT16_MAX, &port) || port == 0)
		return -EINVAL;
	n = (size_t)(colon - word);
	memcpy(address, word, n);
	address[n] = '\0';
	if (*address != '[')
		return set_v4(address, (uint16_t)port, out);
	if (address[n - 1] != ']')
		return -EINVAL;
	address[n - 1] = '\0';
	return set_v6(address + 1, (uint16_t)port, out);
}

int endpoint_listen(const struct endpoint *e, int backlog)
{
	const int on = 1, off = 0;
	_cleanup_close_ int fd = socket(e->address.ss_family,
					SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	/* A server that starts again must not wait for the connections of the one before. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (e->address.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)))
		return -errno;
	if (bind(fd, (const struct sockaddr *)&e->address, e->length) || listen(fd, backlog))
		return -errno;
	return TAKE_FD(fd);
}
