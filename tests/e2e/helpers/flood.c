/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood [-s PORT] COUNT ADDR PORT [TEXT]: COUNT UDP datagrams, no two alike or each with that text,
 * as fast as they go, without waiting for room: what is still on its way never holds it up; with
 * -s, by IPv6 from that port, which others may have as well. Prints "tried COUNT", and keeps its
 * socket until the end of its input.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SNDBUF (512 << 20)

static int usage(void)
{
	fputs("usage: flood [-s PORT] COUNT ADDR PORT [TEXT]\n", stderr);
	return 2;
}

static int share_port(int fd, const char *port)
{
	const struct sockaddr_in6 at = {.sin6_family = AF_INET6,
					.sin6_port = htons((uint16_t)atoi(port))};
	int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	       bind(fd, (const struct sockaddr *)&at, sizeof(at));
}

int main(int argc, char *argv[])
{
	const struct addrinfo want = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
	int fd, size = SNDBUF, tried = 0, opt;
	const char *from = NULL;
	struct addrinfo *to;
	char end[64];

	while ((opt = getopt(argc, argv, "s:")) != -1) {
		if (opt != 's')
			return usage();
		from = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc < 3 || argc > 4 || getaddrinfo(argv[1], argv[2], &want, &to))
		return usage();
	fd = socket(to->ai_family, SOCK_DGRAM, 0);
	if ((from && share_port(fd, from)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    connect(fd, to->ai_addr, to->ai_addrlen)) {
		perror("flood");
		return 1;
	}
	freeaddrinfo(to);
	/* A refusal is what a full queue looks like from here. */
	for (; tried < atoi(argv[0]); tried++) {
		char number[16];
		const char *text = argc == 4 ? argv[3] : number;

		snprintf(number, sizeof(number), "%d\n", tried);
		(void)!send(fd, text, strlen(text), MSG_DONTWAIT);
	}
	printf("tried %d\n", tried);
	fflush(stdout);
	while (read(0, end, sizeof(end)) > 0)
		;
	return 0;
}
