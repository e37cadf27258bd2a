/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood COUNT ADDR PORT [TEXT]: COUNT UDP datagrams, no two alike or each with that text, as fast
 * as they go, without waiting for room: what is still on its way never holds it up. Prints "tried
 * COUNT", and keeps its socket until the end of its input.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SNDBUF (512 << 20)

int main(int argc, char *argv[])
{
	const struct addrinfo want = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
	int fd, size = SNDBUF, tried = 0;
	struct addrinfo *to;
	char end[64];

	if (argc < 4 || argc > 5 || getaddrinfo(argv[2], argv[3], &want, &to)) {
		fputs("usage: flood COUNT ADDR PORT [TEXT]\n", stderr);
		return 2;
	}
	fd = socket(to->ai_family, SOCK_DGRAM, 0);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    connect(fd, to->ai_addr, to->ai_addrlen)) {
		perror("flood");
		return 1;
	}
	freeaddrinfo(to);
	/* A refusal is what a full queue looks like from here. */
	for (; tried < atoi(argv[1]); tried++) {
		char number[16];
		const char *text = argc == 5 ? argv[4] : number;

		snprintf(number, sizeof(number), "%d\n", tried);
		(void)!send(fd, text, strlen(text), MSG_DONTWAIT);
	}
	printf("tried %d\n", tried);
	fflush(stdout);
	while (read(0, end, sizeof(end)) > 0)
		;
	return 0;
}
