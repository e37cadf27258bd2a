// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * parting ADDR PORT DESCRIPTORS TIMES: sends each time a datagram by a new socket, while a child
 * that was forked just before ends: it has the socket too, and so many descriptors to close before.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void failed(const char *what)
{
	perror(what);
	exit(1);
}

static void fill_table(int n)
{
	struct rlimit room = {(rlim_t)n + 64, (rlim_t)n + 64};

	if (setrlimit(RLIMIT_NOFILE, &room))
		failed("setrlimit");
	while (n--)
		if (open("/dev/null", O_RDONLY) < 0)
			failed("open");
}

static void send_beside_the_end(const struct sockaddr_in *to, int i)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), n;
	char line[32];
	pid_t pid;

	if (s < 0)
		failed("socket");
	pid = vfork(); /* which returns as the child begins to end */
	if (!pid)
		_exit(0);
	n = snprintf(line, sizeof(line), "parting/%d\n", i);
	if (pid < 0 || sendto(s, line, n, 0, (const struct sockaddr *)to, sizeof(*to)) != n)
		failed("sendto");
	close(s);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: parting ADDR PORT DESCRIPTORS TIMES\n", stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	fill_table(atoi(argv[3]));
	for (int i = 0; i < atoi(argv[4]); i++)
		send_beside_the_end(&to, i);
}
