/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dial RATE ADDR PORT: opens RATE new TCP connections a second, or as many as can be. Each asks for
 * / by HTTP, reads the answer to its end and is closed. It says "dialing" after the first one, and
 * ends with the first line of its input: prints "N connections, N/s, N failed, slowest N ms".
 *
 * A connection has failed if it was not made, or was not answered by "200" to the end, within 10 s.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS	   16
#define BEHIND_NS  (SECOND_NS / 2) /* so much is made up for */
#define TIMEOUT_S  10
#define SECOND_NS  UINT64_C(1000000000)
#define SHOW_FIRST 10 /* failures that are told of one by one */

static const char request[] = "GET / HTTP/1.0\r\n\r\n";
static const char wanted[] = "HTTP/1.1 200";

static struct sockaddr_storage to;
static socklen_t to_len;
static uint64_t interval_ns; /* of one thread */
static atomic_bool ended;
static atomic_uint made, failed;
static atomic_uint_fast64_t slowest_ns;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static bool parse_address(const char *addr, const char *port)
{
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&to;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&to;

	if (inet_pton(AF_INET, addr, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons((uint16_t)atoi(port));
		to_len = sizeof(*a4);
	} else if (inet_pton(AF_INET6, addr, &a6->sin6_addr) == 1) {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons((uint16_t)atoi(port));
		to_len = sizeof(*a6);
	}
	return to_len > 0;
}

/* Returns NULL, or at what it failed; errno says why. */
static const char *ask(int fd)
{
	char answer[1024];
	ssize_t n, got = 0;

	errno = 0;
	if (connect(fd, (const struct sockaddr *)&to, to_len))
		return "connect";
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
		return "send";
	while ((n = recv(fd, answer + got, sizeof(answer) - (size_t)got, 0)) > 0)
		got += n;
	if (n < 0)
		return "recv";
	return got < (ssize_t)sizeof(wanted) || memcmp(answer, wanted, sizeof(wanted) - 1)
		       ? "answer"
		       : NULL;
}

static void note_time(uint64_t took_ns)
{
	uint64_t before = atomic_load(&slowest_ns);

	while (took_ns > before && !atomic_compare_exchange_weak(&slowest_ns, &before, took_ns))
		;
}

static void dial_once(void)
{
	static const struct timeval limit = {.tv_sec = TIMEOUT_S};
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t began = now_ns();
	const char *at;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* connect(2)'s too */
	at = ask(fd);
	if (at && atomic_fetch_add(&failed, 1) < SHOW_FIRST)
		fprintf(stderr, "dial: %s: %s\n", at, errno ? strerror(errno) : "cut short");
	close(fd);
	note_time(now_ns() - began);
	if (atomic_fetch_add(&made, 1) == 0)
		puts("dialing");
}

/*
 * The rate is that of the whole run: who is late makes up for it, one connection after the other,
 * but not for more than a moment, or a pause of the machine would end in a flood.
 */
static void *dial_on(void *index)
{
	uint64_t next = now_ns() + (uintptr_t)index * interval_ns / THREADS;

	while (!atomic_load(&ended)) {
		uint64_t now = now_ns();

		if (now < next) {
			struct timespec until = {.tv_sec = (time_t)(next / SECOND_NS),
						 .tv_nsec = (long)(next % SECOND_NS)};

			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		} else if (now - next > BEHIND_NS) {
			next = now - BEHIND_NS;
		}
		next += interval_ns;
		dial_once();
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	uint64_t began = now_ns();
	pthread_t thread[THREADS];
	double seconds;
	char line[64];

	if (argc != 4 || atoi(argv[1]) <= 0 || !parse_address(argv[2], argv[3])) {
		fputs("usage: dial RATE ADDR PORT\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	interval_ns = THREADS * SECOND_NS / (uint64_t)atoi(argv[1]);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, dial_on, (void *)i))
			return 1;
	(void)!read(STDIN_FILENO, line, sizeof(line));
	atomic_store(&ended, true);
	seconds = (double)(now_ns() - began) / SECOND_NS;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("%u connections, %.0f/s, %u failed, slowest %.0f ms\n", atomic_load(&made),
	       atomic_load(&made) / seconds, atomic_load(&failed),
	       (double)atomic_load(&slowest_ns) / 1e6);
	return 0;
}
