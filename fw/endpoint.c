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

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/* A firewall starts before the network: it must not wait for an address, nor, when it starts again,
 * for the connections of the one before. */
static int set_options(int fd, int family)
{
	int r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (family == AF_INET)
		return r ? r : set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
	r = r ? r : set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	return r ? r : set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
}

int endpoint_listen(const struct endpoint *e, int backlog)
{
	_cleanup_close_ int fd = socket(e->address.ss_family,
					SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int r;

	if (fd < 0)
		return -errno;
	r = set_options(fd, e->address.ss_family);
	if (r)
		return r;
	if (bind(fd, (const struct sockaddr *)&e->address, e->length) || listen(fd, backlog))
		return -errno;
	return TAKE_FD(fd);
}
