// SPDX-License-Identifier: GPL-2.0-or-later
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/utf8.h"

#define LINES	 512
#define LINE_LEN 512

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	pthread_t thread;
	bool running, stop, idle;
	unsigned int head, n; /* ring of lines */
	unsigned long lost;
	char line[LINES][LINE_LEN];
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static void emit(const char *line)
{
	size_t left = strlen(line);

	while (left) {
		ssize_t n = write(STDERR_FILENO, line, left);

		if (n < 0 && errno != EINTR)
			return; /* nobody to tell */
		if (n > 0) {
			line += n;
			left -= n;
		}
	}
}

static void *writer(void *arg)
{
	char line[LINE_LEN];

	(void)arg;
	pthread_mutex_lock(&log_state.lock);
	while (log_state.n || !log_state.stop) {
		if (!log_state.n) {
			log_state.idle = true;
			pthread_cond_wait(&log_state.news, &log_state.lock);
			continue;
		}
		log_state.idle = false;
		memcpy(line, log_state.line[log_state.head], LINE_LEN);
		log_state.head = (log_state.head + 1) % LINES;
		log_state.n--;
		pthread_mutex_unlock(&log_state.lock);
		emit(line);
		pthread_mutex_lock(&log_state.lock);
	}
	pthread_mutex_unlock(&log_state.lock);
	return NULL;
}

int log_start(void)
{
	int r = pthread_create(&log_state.thread, NULL, writer, NULL);

	log_state.running = !r;
	return -r;
}

void log_stop(void)
{
	struct timespec until;

	if (!log_state.running)
		return;
	pthread_mutex_lock(&log_state.lock);
	log_state.stop = true;
	pthread_cond_signal(&log_state.news);
	pthread_mutex_unlock(&log_state.lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	if (pthread_timedjoin_np(log_state.thread, NULL, &until))
		pthread_detach(log_state.thread); /* its reader does not read */
	log_state.running = false;
}

static void make_line(char line[LINE_LEN], const char *format, va_list args)
{
	size_t n;

	vsnprintf(line, LINE_LEN - 1, format, args);
	utf8_make_printable(line);
	n = strlen(line);
	line[n] = '\n';
	line[n + 1] = 0;
}

static char *next_slot(void)
{
	return log_state.line[(log_state.head + log_state.n++) % LINES];
}

void log_line(const char *format, ...)
{
	char line[LINE_LEN];
	va_list args;

	va_start(args, format);
	make_line(line, format, args);
	va_end(args);
	if (!log_state.running) {
		emit(line);
		return;
	}
	pthread_mutex_lock(&log_state.lock);
	if (log_state.n + 2 > LINES) {
		log_state.lost++;
	} else {
		if (log_state.lost)
			snprintf(next_slot(), LINE_LEN, "app-fw: %lu lines left out\n",
				 log_state.lost);
		log_state.lost = 0;
		memcpy(next_slot(), line, LINE_LEN);
		pthread_cond_signal(&log_state.news);
	}
	pthread_mutex_unlock(&log_state.lock);
}
