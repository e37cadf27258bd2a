/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * army [-s] COUNT ADDR PORT TEXT PROGRAM...: starts COUNT processes, the i-th of PROGRAM i modulo
 * their number, a copy of this one, to send the datagram "TEXT.i" to ADDR PORT. They end at once,
 * or with -s stay. Prints "sent" when all have sent, and ends, with those that stayed, at the end
 * of its standard input.
 *
 * Each of them is run as PROGRAM ADDR PORT TEXT.i: it sends that, closes its standard output, and
 * waits for the end of its standard input.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int send_one(char *argv[])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	size_t len = strlen(argv[3]);
	char byte;

	argv[3][len] = '\n';
	if (fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
	    sendto(fd, argv[3], len + 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 1;
	close(1);
	return read(0, &byte, 1) < 0;
}

/* Its standard output is the pipe `done`, its standard input one that nothing comes by. */
static pid_t start(const int stay[2], const int done[2], char *program, char *addr, char *port,
		   const char *text, size_t i)
{
	pid_t parent = getpid(), pid = fork();
	char line[128];

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(stay[0], 0);
	dup2(done[1], 1);
	snprintf(line, sizeof(line), "%s.%zu", text, i);
	execl(program, program, addr, port, line, NULL);
	perror(program);
	_exit(1);
}

static int lead(int argc, char *argv[], bool stays)
{
	size_t count = strtoul(argv[0], NULL, 10), programs = (size_t)argc - 4;
	int stay[2], done[2];
	char byte;

	if (pipe2(stay, O_CLOEXEC) || pipe2(done, O_CLOEXEC))
		return 1;
	if (!stays)
		close(stay[1]);
	for (size_t i = 0; i < count; i++)
		if (start(stay, done, argv[4 + i % programs], argv[1], argv[2], argv[3], i) < 0) {
			perror("fork");
			return 1;
		}
	close(done[1]);
	if (read(done[0], &byte, 1))
		return 1;
	puts("sent");
	fflush(stdout);
	if (read(0, &byte, 1) < 0)
		return 1;
	if (stays)
		close(stay[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char *argv[])
{
	bool stays = argc > 1 && strcmp(argv[1], "-s") == 0;

	if (argc == 4)
		return send_one(argv);
	if (argc - 1 - stays < 5) {
		fputs("usage: army [-s] COUNT ADDR PORT TEXT PROGRAM...\n", stderr);
		return 2;
	}
	return lead(argc - 1 - stays, argv + 1 + stays, stays);
}
