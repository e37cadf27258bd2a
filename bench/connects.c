/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connects -t MS ADDR PORT: opens and closes TCP connections one after the other for MS
 * milliseconds; prints "median p99" of the time each connect(2) took, in microseconds. Exit 1 when
 * one fails.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTS_MAX 200000

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Closed with a reset, so that no port is left waiting. */
static double one(const struct sockaddr_in *to)
{
	struct linger at_once = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	double began = now_us(), took = -1;

	if (fd >= 0 && !connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		took = now_us() - began;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	return took;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	double *took = malloc(CONNECTS_MAX * sizeof(*took)), end;
	size_t n = 0;

	if (!took || argc != 5 || strcmp(argv[1], "-t") ||
	    inet_pton(AF_INET, argv[3], &to.sin_addr) != 1) {
		fputs("usage: connects -t MS ADDR PORT\n", stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[4]));
	for (end = now_us() + atoi(argv[2]) * 1e3; now_us() < end && n < CONNECTS_MAX; n++) {
		took[n] = one(&to);
		if (took[n] < 0) {
			perror("connects");
			return 1;
		}
	}
	qsort(took, n, sizeof(*took), by_size);
	printf("%.1f %.1f\n", took[n / 2], took[n * 99 / 100]);
	free(took);
	return 0;
}
