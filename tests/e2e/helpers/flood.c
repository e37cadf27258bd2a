/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood COUNT ADDR PORT: COUNT UDP datagrams, no two alike, as fast as they go, without waiting for
 * room: what is still on its way never holds it up. Prints "tried COUNT", and keeps its socket
 * until the end of its input.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SNDBUF (512 << 20)

int main(int argc, char *argv[])
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = SNDBUF, tried = 0;
	char end[64];

	if (argc != 4 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fputs("usage: flood COUNT ADDR PORT\n", stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		perror("flood");
		return 1;
	}
	/* A refusal is what a full queue looks like from here. */
	for (; tried < atoi(argv[1]); tried++) {
		char text[16];

		(void)!send(fd, text, (size_t)snprintf(text, sizeof(text), "%d\n", tried),
			    MSG_DONTWAIT);
	}
	printf("tried %d\n", tried);
	fflush(stdout);
	while (read(0, end, sizeof(end)) > 0)
		;
	return 0;
}
